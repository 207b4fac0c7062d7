"""The verdict on two versions of a schema, for one or both directions of its traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cv_contracts_checker.compatibility._differences import Difference, differences
from cv_contracts_checker.compatibility._positions import Schema
from cv_contracts_checker.compatibility.subset import Finding, Parties, violations
from cv_contracts_checker.compatibility.verdicts import Change, Level, Verdict
from cv_contracts_checker.compatibility.views import reader_view, writer_view
from cv_contracts_checker.errors import SchemaError

Root = Mapping[str, Any]
_NO_SCHEMA = (TypeError, AttributeError, KeyError, ValueError, ArithmeticError, RecursionError)
"""What reading a document raises whose parts are not of the types that JSON Schema gives them."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version of a schema: the document that holds it, the schema in it, and its version."""

    root: Root
    version: str
    schema: Schema | None = None

    def written(self) -> tuple[Root, Schema | None]:
        """What its writers write."""
        return self._view(writer_view)

    def read(self) -> tuple[Root, Schema | None]:
        """What its readers accept."""
        return self._view(reader_view)

    def _view(self, view: Any) -> tuple[Root, Schema | None]:
        if self.schema is None:
            return view(dict(self.root)), None
        definitions = self.root.get("components", {}).get("schemas", {})
        viewed = {name: view(schema) for name, schema in definitions.items()}
        return {"components": {"schemas": viewed}}, view(self.schema)


def forward(
    old: Side, new: Side, writers: str = "writers", readers: str = "readers"
) -> list[Finding]:
    """What the new writer may write that old readers refuse."""
    parties = Parties(f"{writers} of {new.version}", f"{readers} of {old.version}")
    return _between(new, old, parties)


def backward(
    old: Side, new: Side, writers: str = "writers", readers: str = "readers"
) -> list[Finding]:
    """What old writers may write that the new reader refuses."""
    parties = Parties(
        f"{writers} of {old.version}", f"{readers} of {new.version}", newer_writer=False
    )
    return _between(old, new, parties)


def _between(writer: Side, reader: Side, parties: Parties) -> list[Finding]:
    (ours, our_schema), (theirs, their_schema) = writer.written(), reader.read()
    return violations(ours, theirs, parties, writer_schema=our_schema, reader_schema=their_schema)


def check_event(subject: str, old: Side, new: Side) -> Verdict:
    """An event: old readers read what the new writer writes, and the new reader what was written.

    >>> one = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 100}}}
    >>> two = {"type": "object", "properties": {"score": {"type": "integer", "maximum": 150}}}
    >>> print(check_event("Scored", Side(one, "1.0"), Side(two, "1.1")).changes[0].why)
    `score` may now be 150; readers of 1.0 accept at most 100
    """
    return _judged(subject, old, new, lambda: forward(old, new) + backward(old, new))


def _judged(subject: str, old: Side, new: Side, findings: Callable[[], list[Finding]]) -> Verdict:
    """Look for what breaks only where something changed.

    Raises `SchemaError` for what is no JSON schema, or one that never ends.
    """
    try:
        found = differences(old.root, new.root, old.schema, new.schema)
        return judged(subject, found, findings()) if found else Verdict(subject)
    except _NO_SCHEMA as error:
        raise SchemaError(f"this is no JSON schema that can be read: {error}") from error


def judged(subject: str, found: list[Difference], findings: list[Finding]) -> Verdict:
    """Join differences with what breaks: each change tells who breaks, or why nobody does."""
    changes = [_change(subject, difference, findings) for difference in found]
    told = {change.why for change in changes}
    changes += _untold(subject, findings, told)
    return Verdict(subject, tuple(changes))


def _change(subject: str, difference: Difference, findings: list[Finding]) -> Change:
    place, what = difference.place, difference.what
    breaks = [found for found in findings if _within(found.place, place)]
    if breaks:
        return Change(subject, place, what, Level.MAJOR, breaks[0].message)
    if difference.kind == "text":
        return Change(subject, place, what, Level.PATCH, "documentation only")
    return Change(subject, place, what, Level.MINOR, _HARMLESS[difference.kind])


_HARMLESS = {
    "added": "compatible: readers ignore fields that they do not know, and do without it",
    "removed": "compatible: no reader requires it",
    "required": "compatible: whoever reads may do without it, and whoever writes always sent it",
    "optional": "compatible: no reader requires it",
    "default": "warning: whoever leaves it out gets another value now",
    "open": "compatible: readers still accept all that is written",
    "form": "compatible: whatever may be written is accepted by every reader in this direction",
}


def _within(place: str, changed: str) -> bool:
    """Whether a finding's place is the changed place, or in it."""
    return place == changed or not changed or place.startswith((f"{changed}.", f"{changed}["))


def _untold(subject: str, findings: list[Finding], told: set[str]) -> Iterator[Change]:
    for finding in findings:
        if finding.message not in told:
            what = f"`{finding.place}` breaks"
            yield Change(subject, finding.place, what, Level.MAJOR, finding.message)


def check_request(subject: str, old: Side, new: Side) -> Verdict:
    """A request's schema: the new server must read what old clients write."""
    return _judged(
        subject, old, new, lambda: backward(old, new, writers="clients", readers="servers")
    )


def check_answer(subject: str, old: Side, new: Side) -> Verdict:
    """A response's schema: old clients must read what the new server writes."""
    return _judged(
        subject, old, new, lambda: forward(old, new, writers="servers", readers="clients")
    )
