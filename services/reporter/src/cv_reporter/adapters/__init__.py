"""How the ports are kept: DynamoDB, SES, EventBridge, SSM, the Processor's API."""
