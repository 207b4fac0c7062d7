"""Where a Lambda or a web server comes in: parse, call a use case, map its result."""

import gc
import os

# Nearly all that a function imports it keeps: looking for garbage in it is a twentieth of a cold
# start. `runtime.warm` switches the collector on again.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()
