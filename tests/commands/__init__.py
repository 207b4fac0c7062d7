"""What people do to the embedded AWS: up, down, demo, kill -9, a full disk, in any order."""
