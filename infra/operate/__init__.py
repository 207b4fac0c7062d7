"""Deploy without fear: see what would change, go back, take away, and prove that it works.

`python -m operate --help`; the make targets call it. It needs the AWS credentials of the caller, or
with `--stage local` the embedded AWS that `make up` started.
"""
