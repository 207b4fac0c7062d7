"""The CDK app of the shared contracts."""
