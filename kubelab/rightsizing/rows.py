"""`Rows`: a table of numbers whose rows have names, and which grows as names come."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Name = TypeVar("Name", bound=Hashable)


class Rows(Generic[Name]):
    """Columns of float64 by name; ``rows["last"]`` is a view of one, as long as there are rows.

    Parameters
    ----------
    columns : float
        What each column holds in a new row.
    """

    def __init__(self, **columns: float) -> None:
        self._fresh = columns
        self._columns = {column: np.empty(0) for column in columns}
        self._places: dict[Name, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, column: str) -> NDArray[np.float64]:
        return self._columns[column][: len(self)]

    def names(self) -> list[Name]:
        """Return the names, in order of their rows."""
        return list(self._places)

    def row(self, name: Name) -> int:
        """Return the row of a name, a new one if it is unknown."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self._places)
            if place >= len(next(iter(self._columns.values()))):
                self._grow(max(2 * place, 16))
        return place

    def rows(self, names: Iterable[Name]) -> NDArray[np.intp]:
        """Return the rows of names, leaving out unknown ones."""
        known = (self._places[name] for name in names if name in self._places)
        return np.fromiter(known, dtype=np.intp)

    def take(self, rows: NDArray[np.intp]) -> None:
        """Keep these rows alone, in this order."""
        names = self.names()
        self._columns = {column: values[rows] for column, values in self._columns.items()}
        self._places = {names[row]: place for place, row in enumerate(rows)}

    def _grow(self, length: int) -> None:
        self._columns = {
            column: np.concatenate([values, np.full(length - len(values), self._fresh[column])])
            for column, values in self._columns.items()
        }
