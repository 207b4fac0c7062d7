"""What the Processor promises about calls, cost and speed, measured: `make bench-processor`."""
