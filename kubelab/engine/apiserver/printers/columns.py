"""The parts of every printer: columns, cells, and the texts that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.engine.apiserver import selectors

Cell = str | int | float | bool | None
Cells = Callable[[Object, datetime], list[Cell]]

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading and JSON type; priority 0 is always shown, 1 with ``-o wide``."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> Object:
        """Return the ``TableColumnDefinition``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Printer:
    """How a kind is shown: its columns, and the cells of an object at a moment."""

    columns: tuple[Column, ...]
    cells: Cells


NAME = Column("Name", format="name", description="Name must be unique within a namespace.")
AGE = Column("Age", description="Time since the object was created.")
CREATED_AT = Column("Created At", "date", description="When the object was created.")
CONTAINERS = (Column("Containers", priority=1), Column("Images", priority=1))
SELECTOR = Column("Selector", priority=1)


def columns(*names: str | Column) -> tuple[Column, ...]:
    """Return columns, the name first; a bare name is a string column that is always shown."""
    return (NAME, *(Column(name) if isinstance(name, str) else name for name in names))


def integer(name: str) -> Column:
    """Return a column of whole numbers."""
    return Column(name, "integer")


def wide(name: str) -> Column:
    """Return a column that only ``-o wide`` shows."""
    return Column(name, priority=1)


def name_of(obj: Object) -> str:
    """Return the object's name."""
    return str(obj["metadata"].get("name", ""))


def age(obj: Object, now: datetime) -> str:
    """Return the time since an object was created."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def since(timestamp: str | None, now: datetime) -> str:
    """Return the time since a timestamp, roughly, for people."""
    return human_duration(now - parse_rfc3339(timestamp)) if timestamp else UNKNOWN


def human_duration(elapsed: timedelta) -> str:  # noqa: PLR0911 - one return for each step of the scale
    """Return a duration as kubectl shows it: ``85s``, ``4m30s``, ``12m``, ``5h20m``, ``3d4h``, ``2y30d``.

    The steps are those of ``HumanDuration`` in apimachinery's ``pkg/util/duration``.
    """
    seconds = int(elapsed.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 2920 else f"{days // 365}y"


def labels_text(labels: Object | None) -> str:
    """Return labels as ``a=b,c=d``."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: Object | None) -> str:
    """Return a label selector as kubectl takes it with ``-l``."""
    return selectors.selector_text(selector or {}) or NONE


def containers_text(pod_spec: Object | None) -> list[Cell]:
    """Return the names and the images of containers."""
    containers = (pod_spec or {}).get("containers") or []
    return [
        ",".join(str(container.get(field, "")) for container in containers) for field in ("name", "image")
    ]


def template_spec(obj: Object) -> Object:
    """Return the pod spec of a workload's template."""
    spec: Object = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return spec


def more(items: Sequence[str], count: int, limit: int = 3) -> str:
    """Return the first items, and how many there are besides."""
    text = ",".join(items[:limit])
    return f"{text} + {count - limit} more..." if count > limit else text


def condition(obj: Object, type: str) -> Object:
    """Return a condition of an object's status, empty if it is not there."""
    for found in section(obj, "status").get("conditions") or []:
        if found.get("type") == type:
            return dict(found)
    return {}


def section(obj: Object, name: str) -> Object:
    """Return ``spec`` or ``status``, empty if it is not there."""
    return obj.get(name) or {}


def text(value: Any, default: str = "") -> str:
    """Return a value as text, the default for null."""
    return default if value is None else str(value)


def joined(items: Iterable[Any], separator: str = ",") -> str:
    """Return items in one cell."""
    return separator.join(str(item) for item in items)


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")


def _default(obj: Object, _now: datetime) -> list[Cell]:
    return [name_of(obj), text(obj["metadata"].get("creationTimestamp"))]


DEFAULT = Printer(columns(CREATED_AT), _default)
"""For kinds without columns of their own: ``rest.NewDefaultTableConvertor``."""
