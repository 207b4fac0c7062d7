"""Deployed one by one, stopped, rolled back, taken away: what the others do meanwhile."""
