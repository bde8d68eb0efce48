"""YAML from a client: read only once it is known to be neither too deep nor to unfold without bound.

The parser's own recursion would end the process, and aliases of aliases would fill its memory.
"""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from kubelab.engine.apiserver.status import bad_request

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
