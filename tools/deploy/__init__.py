"""Deploy, show what would change, roll back, delete, and test what is deployed.

`python -m tools.deploy --help`; the make targets call it. It needs the AWS credentials of the
caller, or with `--stage local` the embedded AWS that `make up` started.
"""
