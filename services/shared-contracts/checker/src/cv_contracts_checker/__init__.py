"""Checks, publishes and documents the contracts of CV Analytics: a tool for development only.

>>> from cv_contracts_checker.compatibility import Side, check_event
>>> old = {"type": "object", "properties": {"score": {"type": "integer"}}}
>>> new = {"type": "object", "properties": {"score": {"type": "string"}}}
>>> check_event("Scored", Side(old, "1.0"), Side(new, "1.1")).compatible
False
"""
