"""`Catalogue`: the instance types to choose from, and the prices of nodes by their labels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from kubelab.autoscaling.catalogue import price_file
from kubelab.autoscaling.catalogue.errors import SelectionError, UnknownInstanceTypeError
from kubelab.autoscaling.catalogue.instance_type import InstanceType
from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE
from kubelab.costs.prices import Price
from kubelab.home import home

_SHIPPED = Path(__file__).with_name("instance_types.csv")


class Catalogue(Mapping[str, InstanceType]):
    """Instance types by name; it is a `kubelab.costs.prices.Prices` too.

    Parameters
    ----------
    types : iterable of InstanceType
        In the order in which it is to show them.
    name : str
        What messages call it.
    """

    def __init__(self, types: Iterable[InstanceType], name: str = "catalogue") -> None:
        self.name = name
        self._types = {each.name: each for each in types}

    @staticmethod
    def load(path: Path | str | None = None) -> Catalogue:
        """Return the catalogue of a price file; unless given, of the user's own, else the shipped one.

        Raises
        ------
        PriceFileError
            If the file is wrong.
        """
        path = Path(path) if path is not None else own_file()
        if path is None:
            return shipped()
        return Catalogue(price_file.read(path, shipped()), f"catalogue of {path.name}")

    def select(self, expression: str) -> list[InstanceType]:
        """Return the types for which an expression holds, in the catalogue's order.

        Parameters
        ----------
        expression : str
            In the Common Expression Language, on the variables that `InstanceType.variables` lists, such as
            ``vcpu >= 8 && memoryGiB <= 64 && arch == 'arm64' && spotUsdPerHour < 0.2``.

        Raises
        ------
        SelectionError
            If it does not compile, or does not say true or false of a type.
        """
        from kubelab.cel.program import CelError, program

        known = tuple(next(iter(shipped().values())).variables)
        try:
            holds = program(expression)
            answers = [(each, holds(each.variables)) for each in self._types.values()]
        except CelError as error:
            raise SelectionError(expression, str(error).rstrip("."), known) from None
        for _, answer in answers:
            if not isinstance(answer, bool):
                raise SelectionError(expression, f"it says {answer!r}, not true or false", known)
        return [each for each, answer in answers if answer]

    def of(self, labels: Mapping[str, str]) -> Price | None:
        """Return the price of a node with these labels, None if its type or its spot price is not known."""
        found = self._types.get(labels.get(INSTANCE_TYPE, ""))
        return found.price(labels.get(CAPACITY_TYPE, "on-demand")) if found else None

    def __getitem__(self, name: str) -> InstanceType:
        if name not in self._types:
            close = tuple(difflib.get_close_matches(name, self._types, n=3))
            raise UnknownInstanceTypeError(name, close, self.name)
        return self._types[name]

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        dates = sorted({each.on_demand.date for each in self._types.values()})
        span = f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else f"{dates[0]}" if dates else "no date"
        return f"<Catalogue of {len(self)} instance types; prices of {span}>"


@cache
def shipped() -> Catalogue:
    """Return the catalogue that kubelab brings along."""
    return Catalogue(price_file.read(_SHIPPED, {}))


def own_file() -> Path | None:
    """Return where the user's own price file is kept, under its own name; None if there is none."""
    return next(iter(sorted(_folder().glob("*"))), None)


def keep_own(path: Path) -> Catalogue:
    """Make a user's price file the catalogue from now on, and return it.

    Raises
    ------
    PriceFileError
        If the file is wrong; what was in use stays.
    """
    catalogue = Catalogue.load(path)
    content = path.read_bytes()
    forget_own()
    _folder().mkdir(parents=True, exist_ok=True)
    (_folder() / path.name).write_bytes(content)
    return catalogue


def forget_own() -> bool:
    """Go back to the shipped catalogue; False if it was in use already."""
    kept = list(_folder().glob("*"))
    for each in kept:
        each.unlink()
    return bool(kept)


def _folder() -> Path:
    return home() / ".catalogue"
