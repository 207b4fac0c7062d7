"""Pure rules of correlation: no I/O, no AWS, no clock, no randomness."""
