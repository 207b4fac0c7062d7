"""The tools of the migration: change sets as data, moves, rows, traffic, faults, checks."""
