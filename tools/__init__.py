"""Everything that builds, deploys, emulates and demonstrates; nothing of it is in a bundle."""
