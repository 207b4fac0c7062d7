"""Where a Lambda or a web server comes in: parse, call a use case, map its result."""
