"""The operator's commands: `python -m cv_reporter.ops --help`."""
