"""Where a Lambda or a web server comes in: parse, call a use case, map its result."""

import gc
import os

# For cold starts. No pydantic plugin is installed, and looking for one reads every package's
# metadata. Nearly all that a function imports it keeps, so looking for garbage in it is a twentieth
# of its start in vain; `batch.warm` switches the collector on again.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
