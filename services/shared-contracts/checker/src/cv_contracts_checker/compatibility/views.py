"""The two sides of one published schema: what its writers write, and what its readers accept.

>>> published = {
...     "type": "object",
...     "properties": {"outcome": {"enum": ["full"], "x-reader": {"type": "string"}}},
...     "additionalProperties": False,
... }
>>> writer_view(published)["properties"]["outcome"]
{'enum': ['full']}
>>> reader_view(published)
{'type': 'object', 'properties': {'outcome': {'type': 'string'}}}
"""

from __future__ import annotations

from typing import Any

from cv_contracts_checker.compatibility._positions import READER_KEYWORD, Schema, rebuilt


def writer_view(schema: Schema) -> Schema:
    """The closed writer: declared fields only, and of an open enum the declared members only."""
    if isinstance(schema, bool):
        return schema
    own = {keyword: value for keyword, value in schema.items() if keyword != READER_KEYWORD}
    if "properties" in own:
        own.setdefault("additionalProperties", False)
    return _tagged(rebuilt(own, writer_view))


def reader_view(schema: Schema) -> Schema:
    """The tolerant reader: ignores fields that it does not know, takes open enums as they come."""
    if isinstance(schema, bool):
        return schema
    if READER_KEYWORD in schema:
        wider: Schema = schema[READER_KEYWORD]
        return reader_view(wider)
    own = dict(schema)
    if own.get("additionalProperties") is False:
        del own["additionalProperties"]
    return _tagged(rebuilt(own, reader_view))


def _tagged(schema: Schema) -> Schema:
    """A discriminator must be there to discriminate, whatever the branches call required."""
    if isinstance(schema, bool) or "discriminator" not in schema or "oneOf" not in schema:
        return schema
    tag = {"type": "object", "required": [schema["discriminator"]["propertyName"]]}
    rest: dict[str, Any] = {key: value for key, value in schema.items() if key != "oneOf"}
    return {**rest, "oneOf": [{"allOf": [branch, tag]} for branch in schema["oneOf"]]}
