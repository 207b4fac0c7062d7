"""What the Reporter promises about cost and speed, measured in one run: `make bench-reporter`."""
