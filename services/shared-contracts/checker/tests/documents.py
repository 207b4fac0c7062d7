"""Hypothesis strategies: schemas from a small grammar, and documents that a schema allows.

Documents lean to the limits of their schema, where a wrong verdict would show.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cv_contracts_checker.compatibility._shapes import Array, Document, Number, Object, Shape, Text

_DEEPEST = 6
_SPARE = ("a", "z1", "z2", "z3", "z4", "z5")  # fields that a schema does not declare


def documents(root: Any) -> st.SearchStrategy[Any]:
    """Documents that the schema allows (most of them; validate before use)."""
    document = Document(root, reads=False)
    return _of_schema(document, document.schema, 0)


def _of_schema(document: Document, schema: Any, depth: int) -> st.SearchStrategy[Any]:
    if depth > _DEEPEST:
        return st.nothing()
    shapes = document.shapes(schema)
    return st.one_of([_of_shape(document, shape, depth) for shape in shapes])


def _of_shape(document: Document, shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    if shape.kind == "value":
        return st.just(shape.value)
    if isinstance(shape, Number):
        return _numbers(shape)
    if isinstance(shape, Text):
        return _texts(shape)
    if isinstance(shape, Array):
        return _arrays(document, shape, depth)
    if isinstance(shape, Object):
        return _objects(document, shape, depth)
    return st.none()


def _numbers(shape: Number) -> st.SearchStrategy[Any]:
    low = int(shape.low[0]) if shape.low else -1_000
    high = int(shape.high[0]) if shape.high else 1_000
    whole = st.sampled_from([low, low + 1, high - 1, high, 0, 30, 60])
    if shape.kind == "integer":
        return whole
    return whole | st.sampled_from([low + 0.5, high - 0.5])


def _texts(shape: Text) -> st.SearchStrategy[str]:
    longest = shape.shortest + 5_000 if shape.longest is None else shape.longest
    if shape.patterns:
        return st.from_regex(sorted(shape.patterns)[0], fullmatch=False)
    if "date" in shape.formats:
        return st.dates().map(str)
    if "uuid" in shape.formats:
        return st.uuids().map(str)
    return st.sampled_from([shape.shortest, longest]).map(lambda length: "x" * length)


def _arrays(document: Document, shape: Array, depth: int) -> st.SearchStrategy[list[Any]]:
    most = max(shape.fewest, len(shape.prefix)) + 2 if shape.most is None else shape.most

    if most < shape.fewest:
        return st.nothing()

    @st.composite
    def built(draw: st.DrawFn) -> list[Any]:
        length = draw(st.sampled_from(range(shape.fewest, most + 1)))
        places = [_of_schema(document, shape.item(at), depth + 1) for at in range(length)]
        return [draw(place) for place in places]

    return built() | st.just([]) if shape.fewest == 0 else built()


def _objects(document: Document, shape: Object, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    undeclared = () if shape.additional is False else _SPARE
    names = sorted({*shape.properties, *shape.required, *undeclared})

    @st.composite
    def built(draw: st.DrawFn) -> dict[str, Any]:
        keeping = depth < _DEEPEST - 2 and draw(st.booleans())
        kept = {
            name for name in names if name in shape.required or (keeping and draw(st.booleans()))
        }
        return {
            name: draw(_of_schema(document, shape.property(name), depth + 1))
            for name in sorted(kept)
        }

    return built()


NAMES = st.sampled_from(["a", "b", "c"])
BOUNDS = st.sampled_from([0, 1, 2, 10])


def _optional(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


LEAVES = st.one_of(
    st.sampled_from([True, {"type": "null"}, {"type": "boolean"}, {"const": 1}, {"const": "x"}]),
    _optional(
        minimum=BOUNDS, maximum=BOUNDS, exclusiveMinimum=BOUNDS, exclusiveMaximum=BOUNDS
    ).flatmap(
        lambda limits: st.sampled_from(["integer", "number"]).map(
            lambda kind: {"type": kind, **limits}
        )
    ),
    _optional(minLength=BOUNDS, maxLength=BOUNDS).map(lambda limits: {"type": "string", **limits}),
    st.sampled_from(["^a+$", "^[ab]+$", "a", "^a"]).map(
        lambda one: {"type": "string", "pattern": one}
    ),
    st.lists(
        st.sampled_from(["x", "xx", 1, 2, None, True]), min_size=1, max_size=3, unique_by=repr
    ).map(lambda members: {"enum": members}),
    st.just({"enum": ["x"], "x-reader": {"type": "string"}}),
)


def _branching(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(
            lambda properties, required, rest: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
                **rest,
            },
            st.dictionaries(NAMES, inner, max_size=3),
            st.sets(NAMES, max_size=2),
            _optional(maxProperties=BOUNDS, minProperties=BOUNDS, additionalProperties=inner),
        ),
        st.builds(
            lambda items, rest: {"type": "array", "items": items, **rest},
            inner,
            _optional(
                minItems=BOUNDS,
                maxItems=BOUNDS,
                uniqueItems=st.booleans(),
                prefixItems=st.lists(inner, min_size=1, max_size=2),
            ),
        ),
        st.builds(
            lambda keyword, branches: {keyword: branches},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    )


SCHEMAS = st.recursive(LEAVES, _branching, max_leaves=6).filter(lambda one: one is not True)


@st.composite
def changed(draw: st.DrawFn, schema: Any) -> Any:
    """The schema with some of its parts replaced, so that the two often still agree."""
    if not isinstance(schema, dict) or draw(st.integers(0, 5)) == 0:
        return draw(LEAVES)
    result = dict(schema)
    for keyword, value in schema.items():
        if keyword == "properties":
            result[keyword] = {
                name: draw(changed(child)) if draw(st.integers(0, 2)) == 0 else child
                for name, child in value.items()
            }
        elif keyword in {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}:
            result[keyword] = draw(st.sampled_from([value, value, value + 1, max(0, value - 1)]))
        elif keyword == "required":
            result[keyword] = draw(st.sampled_from([value, value[1:], sorted({*value, "a"})]))
        elif keyword in {"anyOf", "oneOf", "allOf", "prefixItems"}:
            result[keyword] = [
                draw(changed(child)) if draw(st.integers(0, 2)) == 0 else child for child in value
            ]
        elif keyword == "items" and draw(st.booleans()):
            result[keyword] = draw(changed(value))
    return result
