"""Every exception that this package raises on purpose.

CheckerError
└── SchemaError   a schema uses what the compatibility check does not know
"""


class CheckerError(Exception):
    """The root: `except CheckerError` catches everything below."""


class SchemaError(CheckerError):
    """A schema uses what the compatibility check does not know, so nothing can be proved."""
