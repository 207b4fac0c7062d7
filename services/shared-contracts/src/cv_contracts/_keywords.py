"""The one keyword that our schemas add to JSON Schema."""

from __future__ import annotations

# What readers accept in this place, where that is more than what writers write.
READER_KEYWORD = "x-reader"
