"""The Reporter's CDK app: its own stack, and its links to the Processor."""
