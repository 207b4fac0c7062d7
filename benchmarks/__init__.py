"""What each deployable promises in numbers, measured: `make bench`."""
