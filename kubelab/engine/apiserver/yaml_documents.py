"""YAML for a client, and from one: read only where it is neither too deep nor unfolds without bound.

The parser's own recursion would end the process, and aliases of aliases would fill its memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import yaml

from kubelab.engine.apiserver.status import bad_request

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# Reads ``y`` and ``n`` as booleans too, as Go's parser does.
_Loader: Any = type(
    "_Loader", (_SafeLoader,), {"bool_values": {**yaml.SafeLoader.bool_values, "y": True, "n": False}}
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_MOST_LEVELS = 500
_MOST_NODES = 1_000_000
"""With every alias unfolded; a body of the largest size has fewer."""


def parse_yaml(body: bytes) -> Any:
    """Return the document in YAML (or JSON, which is YAML), as JSON would have it.

    Raises
    ------
    ApiError
        400 if it is malformed, too deep, or has too many aliases.
    """
    try:
        _measure(body)
        document = yaml.load(body, Loader=_Loader)  # noqa: S506 - a safe loader
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise bad_request(f"error decoding YAML: {' '.join(str(error).split())}") from None


def repeated_keys(body: bytes) -> str:
    """Return what Go's parser says of the keys that YAML gives twice; empty if there are none.

    Only for what `parse_yaml` has read.
    """
    told = list(_repeated(yaml.compose(body, Loader=_Loader)))
    return "yaml: unmarshal errors:" + "".join(f"\n  {each}" for each in told) if told else ""


def _repeated(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f'line {key.start_mark.line + 1}: key "{key.value}" already set in map'
            seen.add(str(key.value))
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)


def to_yaml(body: bytes) -> bytes:
    """Return JSON as YAML."""
    text: str = yaml.dump(orjson.loads(body), Dumper=_Dumper, allow_unicode=True)
    return text.encode()


def _measure(body: bytes) -> None:
    """Refuse, by the events alone, what reading would choke on."""
    count = 0
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    for event in yaml.parse(body, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            count += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((event.anchor, count))
                if len(opened) > _MOST_LEVELS:
                    raise ValueError(f"it is nested deeper than {_MOST_LEVELS} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, began_at = opened.pop()
            if anchor:
                sizes[anchor] = count - began_at + 1
        if count > _MOST_NODES:
            raise ValueError("document contains excessive aliasing")
