"""What the control plane counts and times, and its text for Prometheus.

Counters and histograms are plain objects that the one event loop writes to; nothing is locked. What can
be looked up when somebody asks, such as how many objects there are, is a reading that is taken then.
Format: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Generic, Literal, TypeVar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge"]
Reading = tuple[tuple[str, ...], float]
"""Values of a family's labels, and the number that belongs to them."""


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Histogram:
    """How many observations lie in which bucket.

    Parameters
    ----------
    bounds : tuple of float
        The buckets' upper bounds, rising; one without bound comes after them.

    Attributes
    ----------
    counts : list of int, one longer than bounds
        Observations of each bucket alone.
    sum : float
        Of all observations.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Take in one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


M = TypeVar("M", Counter, Histogram)


class Family(Generic[M]):
    """Measures of one name, told apart by the values of their labels."""

    def __init__(self, labels: tuple[str, ...], make: Callable[[], M]) -> None:
        self.labels = labels
        self.members: dict[tuple[str, ...], M] = {}
        self._make: Callable[[], M] = make

    def of(self, *values: str) -> M:
        """Return the measure with these labels; where time matters, keep it."""
        found = self.members.get(values)
        if found is None:
            if len(values) != len(self.labels):
                raise ValueError(f"the labels are {self.labels}, the values {values}: give one for each.")
            found = self.members[values] = self._make()
        return found


class Measures:
    """Everything that one process measures.

    A family asked for twice is the same one: its users share it.
    """

    def __init__(self) -> None:
        self._counters: dict[str, Family[Counter]] = {}
        self._histograms: dict[str, Family[Histogram]] = {}
        self._families: dict[str, tuple[str, str, Callable[[], Iterator[str]]]] = {}

    def counters(self, name: str, help: str, labels: tuple[str, ...] = ()) -> Family[Counter]:
        """Return the counters of that name."""
        if name not in self._counters:
            family = self._counters[name] = Family(labels, Counter)
            self.read(
                "counter",
                name,
                help,
                labels,
                lambda: ((values, counter.value) for values, counter in family.members.items()),
            )
        return self._counters[name]

    def histograms(
        self, name: str, help: str, bounds: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Family[Histogram]:
        """Return the histograms of that name."""
        if name not in self._histograms:
            family = self._histograms[name] = Family(labels, lambda: Histogram(bounds))
            self._families[name] = ("histogram", help, lambda: _histogram_lines(name, family))
        return self._histograms[name]

    def read(
        self,
        kind: Kind,
        name: str,
        help: str,
        labels: tuple[str, ...],
        take: Callable[[], Iterable[Reading]],
    ) -> None:
        """Have numbers looked up by ``take`` whenever they are asked for; replaces a reading of that name."""
        self._families[name] = (
            kind,
            help,
            lambda: (f"{name}{_labels(labels, values)} {_number(number)}\n" for values, number in take()),
        )

    def text(self) -> str:
        """Return everything in Prometheus' text format, by name; families without a number are left out."""
        parts: list[str] = []
        for name, (kind, meaning, lines) in sorted(self._families.items()):
            found = list(lines())
            if found:
                parts += (f"# HELP {name} {_escaped(meaning)}\n# TYPE {name} {kind}\n", *found)
        return "".join(parts)


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Return rising bounds of buckets, each ``factor`` times the one before."""
    return tuple(float(f"{start * factor**power:.12g}") for power in range(count))


def _histogram_lines(name: str, family: Family[Histogram]) -> Iterator[str]:
    names = (*family.labels, "le")
    for values, histogram in family.members.items():
        bounds = [*map(_number, histogram.bounds), "+Inf"]
        totals = list(accumulate(histogram.counts))
        for bound, total in zip(bounds, totals, strict=True):
            yield f"{name}_bucket{_labels(names, (*values, bound))} {total}\n"
        shown = _labels(family.labels, values)
        yield f"{name}_sum{shown} {_number(histogram.sum)}\n{name}_count{shown} {totals[-1]}\n"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = (f'{name}="{_quoted(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{','.join(pairs)}}}" if names else ""


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
