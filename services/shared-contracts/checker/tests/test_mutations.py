"""The checker against its table, against an oracle, and against generated documents."""

from __future__ import annotations

import warnings
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, find, given, settings
from hypothesis import strategies as st

from cv_contracts_checker.compatibility import (
    Level,
    Side,
    backward,
    check_event,
    forward,
    reader_view,
    writer_view,
)
from documents import SCHEMAS, changed, documents
from mutations import MUTATIONS, Mutation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that the oracle stands on
    from jsonsubschema import isSubschema


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_both_directions_have_the_right_verdict(mutation: Mutation) -> None:
    old, new = Side(mutation.old, "1.0"), Side(mutation.new, "1.1")
    assert (not forward(old, new), not backward(old, new)) == (
        mutation.forward,
        mutation.backward,
    )


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_every_mutation_is_caught_or_explained(mutation: Mutation) -> None:
    verdict = check_event("Event", Side(mutation.old, "1.0"), Side(mutation.new, "1.1"))
    assert verdict.compatible == (mutation.forward and mutation.backward)
    assert verdict.changes or mutation.name.startswith("a model inlined")
    assert all(change.what and change.why for change in verdict.changes)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_no_change_is_no_finding(mutation: Mutation) -> None:
    same = Side(mutation.new, "1.0")
    assert check_event("Event", same, same).level is Level.NONE


def test_the_table_is_large_enough() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(names) == len(set(names)) >= 60


# Where the oracle has no say, with the reason.
BEYOND_THE_ORACLE = {
    "format": "it ignores formats",
    "propertyNames": "it ignores the names of a map",
    "$defs": "it does not follow recursive references",
    "boolean": "it takes every boolean for any enumerated one",
    "discriminator": "it loses a closed object in an intersection",
    "a map became a record": "it overlooks undeclared fields where the reader declares some",
    "'an intersection": "it raises on ranges that overlap, in some orders of its own sets",
    "True}": "it takes every boolean for any enumerated one",
}


def draft_4(schema: Any) -> Any:
    """The same schema in the old dialect that the oracle reads."""
    if isinstance(schema, list):
        return [draft_4(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    old = {key: draft_4(value) for key, value in schema.items() if value != []}
    if "const" in old:
        old["enum"] = [old.pop("const")]
    for bound, excluded in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if excluded in old:
            old |= {bound: old[excluded], excluded: True}
    if "prefixItems" in old:
        old |= {"additionalItems": old["items"], "items": old.pop("prefixItems")}
    if old.get("type") == "array" and not isinstance(old["items"], list):
        old.setdefault("additionalItems", True)
    old["allOf"] = [one for one in old.get("allOf", []) if one is not True]
    return {key: value for key, value in old.items() if (key, value) != ("allOf", [])}


def oracle(writer: Any, reader: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(isSubschema(draft_4(writer), draft_4(reader)))


def applicable(mutation: Mutation) -> bool:
    text = repr(mutation)
    return not any(keyword in text for keyword in BEYOND_THE_ORACLE)


@pytest.mark.parametrize("mutation", [*filter(applicable, MUTATIONS)], ids=str)
def test_the_oracle_agrees(mutation: Mutation) -> None:
    old, new = mutation.old, mutation.new
    assert oracle(writer_view(new), reader_view(old)) == mutation.forward
    assert oracle(writer_view(old), reader_view(new)) == mutation.backward


def test_the_oracle_has_a_say_in_most_of_the_table() -> None:
    assert sum(map(applicable, MUTATIONS)) >= 0.7 * len(MUTATIONS)


@st.composite
def versions(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two versions of a random schema, or two rows of the table."""
    if draw(st.booleans()):
        one, other = draw(st.sampled_from(MUTATIONS)), draw(st.sampled_from(MUTATIONS))
        return one.old, draw(st.sampled_from([one.new, other.new]))
    old = draw(SCHEMAS)
    new = draw(st.just(old) | changed(old) | SCHEMAS)
    return old, new if isinstance(new, dict) else old


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), pair=versions())
def test_whenever_the_checker_says_compatible_documents_validate(
    data: st.DataObject, pair: tuple[Any, Any]
) -> None:
    old, new = pair
    assume(not forward(Side(old, "1.0"), Side(new, "1.1")))
    written = data.draw(documents(writer_view(new)))
    assume(valid(written, writer_view(new)))
    assert valid(written, reader_view(old))


def valid(document: Any, schema: Any) -> bool:
    """What an independent validator says, formats included."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(document)


def test_the_generator_of_documents_finds_what_a_wrong_verdict_would_let_through() -> None:
    """For every row that breaks, a written document is found that the reader refuses."""
    for mutation in MUTATIONS:
        if not mutation.forward:
            assert refuted(mutation), mutation.name


def refuted(mutation: Mutation) -> Any:
    """A document that the new writer may write and the old reader refuses, in a list."""
    reader = reader_view(mutation.old)
    generous = settings(max_examples=2_000, deadline=None)
    written = documents(writer_view(mutation.new))
    return [find(written, lambda one: not valid(one, reader), settings=generous)]
