"""What makes these microservices pure: nine criteria, each with a test that can fail."""
