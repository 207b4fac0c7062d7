"""The ports, implemented with DynamoDB, SES, EventBridge, SSM, the Processor's API."""
