"""What the Reporter knows: facts, day summaries, the weekly report. Pure: no I/O, no clock."""
