"""Two weeks of sample questions through the running system, to the weekly report."""
