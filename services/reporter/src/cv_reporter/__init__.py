"""The Reporter of CV Analytics: facts, day summaries, the weekly report, the dashboard."""

__version__ = "1.2.0"
