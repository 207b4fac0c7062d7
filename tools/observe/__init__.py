"""What happens in a deployed stage: the path of one question, and the state of both services."""
