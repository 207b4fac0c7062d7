"""Where the world comes in: Lambda handlers and the HTTP API. Parse, call, map the result."""

from __future__ import annotations

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # What a start loads stays: looking for garbage in it takes 5 % of the start. `warm` turns the
    # collector on again when everything is loaded.
    gc.disable()
