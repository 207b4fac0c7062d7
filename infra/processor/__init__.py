"""The Processor's CDK app."""
