"""What the contracts promise: importing them costs hardly more than importing pydantic."""
