"""The embedded AWS of CV Analytics: start it, build and deploy into it, show it, and forget it."""
