"""Where the world comes in: Lambda handlers and the HTTP API. Parse, call, map the result."""
