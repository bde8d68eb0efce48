"""Hypothesis strategies that change a valid document in a few places, and make patches of it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]
Path = tuple[str | int, ...]
Draw = st.DrawFn

_TEXTS = (
    "", "a", "web", "x" * 300, "é", "\u0000", "a\r\nb", "\u2028", "../..", "%2e", "-1", "1e400", "null",
    "🙂", "a=b", "100m", "1Gi", "10%", "a/b", "a.b/c", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z",
    "10.0.0.1", "Always", "Never", "TCP", "None", "^(a+)+$", "self", "$patch", "~1", "9" * 5000,
    "*/5 * * * *",
)  # fmt: skip
_NUMBERS = (0, 1, -1, 80, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 0.5, 1e308, -0.0)
_TYPE = ("apiVersion", "kind")
_ODD_KEYS = ("a", "b.c/d", "", "x" * 70, "é", "$patch", "$retainKeys", "metadata", "kind", "\u0000", "/", "~")

scalars = st.one_of(
    st.sampled_from(_TEXTS),
    st.sampled_from(_NUMBERS),
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_ODD_KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: Any, start: Path = ()) -> Iterator[Path]:
    """Yield the path of each part of a document, the whole first."""
    yield start
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*start, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*start, index))


def at(document: Any, path: Path) -> Any:
    """Return the part of a document at a path."""
    for step in path:
        document = document[step]
    return document


@st.composite
def mutated(draw: Draw, document: Any, *, most: int = 3, keep: tuple[Path, ...] = ()) -> Any:
    """Draw a document that differs in up to ``most`` places, none of them those to keep."""
    result = deepcopy(document)
    for _ in range(draw(st.integers(0, most))):
        places = [
            path for path in paths(result) if not any(kept[: len(path)] == path for kept in ((), *keep))
        ]
        if not places:
            break
        path = draw(st.sampled_from(places))
        _mutate(draw, at(result, path[:-1]), path[-1])
    return result


def _mutate(draw: Draw, container: Any, key: str | int) -> None:
    value = container[key]
    match draw(st.sampled_from(("similar", "similar", "remove", "repeat", "add", "replace"))):
        case "remove":
            del container[key]
        case "replace":
            container[key] = draw(anything)
        case "repeat" if isinstance(container, list):
            container.append(deepcopy(value))
        case "repeat" if isinstance(container, dict):
            container[draw(st.sampled_from(_ODD_KEYS))] = deepcopy(value)
        case "add" if isinstance(value, dict):
            value[draw(st.sampled_from(_ODD_KEYS))] = draw(anything)
        case "add" if isinstance(value, list):
            value.append(draw(anything))
        case _:
            container[key] = draw(_similar(value))


def _similar(value: Any) -> st.SearchStrategy[Any]:
    """Return values of the same type."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int | float):
        return st.sampled_from(_NUMBERS) | st.integers(0, 100)
    if isinstance(value, str):
        return st.sampled_from((*_TEXTS, value + "x", value.upper(), value * 2))
    if isinstance(value, list):
        return st.permutations(value) | st.just([*value, *value]) | st.just([])
    if isinstance(value, dict):
        return st.just({}) | st.fixed_dictionaries({}, optional={key: st.just(value[key]) for key in value})
    return anything


def pointer(path: Path) -> str:
    """Return a path as a JSON pointer."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


_TEXT_MAP = st.dictionaries(st.sampled_from(("a", "b.c/d", "e")), st.sampled_from(_TEXTS), max_size=2)


@st.composite
def json_patches(draw: Draw, document: Any) -> list[Any]:
    """Draw the operations of a JSON patch: ones that should apply, or any."""
    kind = _sensible if draw(st.integers(0, 2)) else _any_operation
    return draw(st.lists(kind(document), min_size=1, max_size=3))


@st.composite
def _sensible(draw: Draw, document: Any) -> Object:
    path = draw(st.sampled_from([path for path in paths(document) if path and path[0] not in _TYPE]))
    value, where = at(document, path), pointer(path)
    match draw(st.sampled_from(("test", "replace", "add", "copy"))):
        case "test":
            return {"op": "test", "path": where, "value": value}
        case "replace":
            return {"op": "replace", "path": where, "value": draw(_similar(value) | st.just(value))}
        case "copy":
            return {"op": "copy", "from": where, "path": where}
        case _:
            return {"op": "add", "path": "/metadata/annotations", "value": draw(_TEXT_MAP)}


def _any_operation(document: Any) -> st.SearchStrategy[Object]:
    place = st.sampled_from([pointer(path) for path in paths(document)])
    odd = st.sampled_from(("", "x", "/-", "/metadata/~2", "/metadata/labels/a~1b", "/spec/-1", "//", "/0"))
    where = st.one_of(
        place, place, place.map(lambda text: f"{text}/-"), place.map(lambda text: f"{text}/a"), odd
    )
    return st.one_of(
        st.fixed_dictionaries({"op": st.sampled_from(("add", "replace")), "path": where, "value": anything}),
        st.fixed_dictionaries({"op": st.sampled_from(("copy", "move")), "path": where, "from": where}),
        st.fixed_dictionaries({"op": st.just("remove"), "path": where}),
        st.fixed_dictionaries({"op": st.just("test"), "path": where, "value": anything}),
        st.fixed_dictionaries({"op": anything, "path": anything, "value": anything}),
    )


@st.composite
def merge_patches(draw: Draw, document: Any, *, directives: bool = False) -> Any:
    """Draw a part of a document with changes; for strategic merges with directives, some of wrong types."""
    top = draw(st.sets(st.sampled_from(sorted(document)), max_size=2))
    patch = draw(mutated({key: document[key] for key in top}, most=3))
    patch.setdefault("metadata", {})
    if draw(st.booleans()):
        patch["metadata"] = {"annotations": draw(_TEXT_MAP)}
    if directives and draw(st.booleans()):
        places = [path for path in paths(patch) if isinstance(at(patch, path), dict)]
        where = at(patch, draw(st.sampled_from(places)))
        name = draw(st.sampled_from(sorted(where) or ["a"]))
        directive, right = draw(
            st.sampled_from(
                (
                    ("$patch", ("replace", "delete", "merge", "x")),
                    ("$retainKeys", (sorted(where), [], ["a"])),
                    (f"$deleteFromPrimitiveList/{name}", (["a"], [])),
                    (f"$setElementOrder/{name}", ([], ["a"], [{"name": "a"}], where.get(name))),
                )
            )
        )
        where[directive] = draw(st.sampled_from(right) | anything)
    return patch
