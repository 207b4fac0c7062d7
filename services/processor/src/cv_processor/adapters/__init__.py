"""What implements the ports on AWS."""
