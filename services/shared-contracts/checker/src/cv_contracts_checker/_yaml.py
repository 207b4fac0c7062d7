"""Documents of JSON types as YAML."""

from __future__ import annotations

from typing import Any

import yaml


def to_yaml(document: Any) -> str:
    """The document as YAML, keys in their order.

    >>> print(to_yaml({"on": [{"a": 1}]}), end="")
    'on':
    - a: 1
    """
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
    return text


class _Plain(yaml.SafeDumper):
    """Without anchors: equal parts are written out, so that a change of one shows as one."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (PyYAML's signature)
        return True
