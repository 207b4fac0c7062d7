"""The system before (S0): two services in one stack, with one table."""
