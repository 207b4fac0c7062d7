"""The embedded AWS: its process, its credentials, what runs in it."""
