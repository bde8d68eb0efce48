"""Price files: CSV, one instance type a line, in the columns below; lines that begin with ``#`` are remarks.

Of a type that is known already only its name, its price and the price's date are needed, and what else is
given counts. All amounts are for one machine; prices are in USD an hour, dates like 2026-07-20.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

from kubelab.autoscaling.catalogue.allocatable import default_pods, estimate
from kubelab.autoscaling.catalogue.errors import PriceFileError
from kubelab.autoscaling.catalogue.instance_type import GIB, Accelerator, InstanceType
from kubelab.costs.prices import Price

T = TypeVar("T")

COLUMNS = (
    "name", "provider", "region", "family", "arch", "vcpu", "memory_gib",
    "accelerator", "accelerator_model", "accelerators", "accelerator_memory_gib",
    "allocatable_cpu_millicores", "allocatable_memory_mib", "pods",
    "usd_per_hour", "price_date", "price_source",
    "spot_usd_per_hour", "spot_date", "spot_source", "spot_interruption",
)  # fmt: skip
_NEEDED = ("name", "usd_per_hour", "price_date")


def read(path: Path, known: Mapping[str, InstanceType]) -> list[InstanceType]:
    """Return the types of a price file.

    Parameters
    ----------
    path : Path
        The file.
    known : mapping
        Types whose machines need no description.

    Raises
    ------
    PriceFileError
        If it cannot be read, or any line is wrong; it names the line and the column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceFileError(path.name, f"it cannot be read: {error}") from None
    types: dict[str, InstanceType] = {}
    for row in _rows(path.name, text):
        found = row.instance_type(known)
        if found.name in types:
            raise row.wrong("name", f"{found.name} stands here a second time", "Keep one line of each type.")
        types[found.name] = found
    if not types:
        raise PriceFileError(path.name, "it has no instance types", remedy=f"Its columns are {_needed()}.")
    return list(types.values())


def _needed() -> str:
    return (
        ", ".join(_NEEDED) + f" and as you like {', '.join(each for each in COLUMNS if each not in _NEEDED)}"
    )


def _rows(file: str, text: str) -> Iterator[Row]:
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    header = next(csv.reader(line for _, line in lines[:1]), [])
    _check_header(file, lines[0][0] if lines else 0, header)
    for (number, _), cells in zip(lines[1:], csv.reader(line for _, line in lines[1:]), strict=False):
        if len(cells) > len(header):
            raise PriceFileError(file, f"it has {len(cells)} fields, the header {len(header)}", line=number)
        yield Row(file, number, dict(zip(header, (cell.strip() for cell in cells), strict=False)))


def _check_header(file: str, line: int, header: list[str]) -> None:
    for column in _NEEDED:
        if column not in header:
            raise PriceFileError(
                file,
                "there is no such column",
                line=line,
                field=column,
                remedy=f"The columns are {_needed()}.",
            )
    for column in header:
        if column not in COLUMNS:
            raise PriceFileError(
                file,
                f"{column!r} is no column",
                line=line,
                field=column,
                remedy=f"The columns are {_needed()}.",
            )


class Row:
    """One line, read field by field."""

    def __init__(self, file: str, line: int, cells: Mapping[str, str]) -> None:
        self.file = file
        self.line = line
        self.cells = cells

    def wrong(self, field: str, problem: str, remedy: str = "") -> PriceFileError:
        """Return the error that names this line and a field."""
        return PriceFileError(self.file, problem, line=self.line, field=field, remedy=remedy)

    def instance_type(self, known: Mapping[str, InstanceType]) -> InstanceType:
        """Return the type that the line describes."""
        name = self.text("name")
        if not name:
            raise self.wrong("name", "it is missing", "Write the type's name, such as m6i.2xlarge.")
        like = known.get(name)
        provider = self.text("provider", like.provider if like else "")
        vcpu = self._or("vcpu", self.whole, like.vcpu if like else None)
        memory_bytes = round(
            self._or("memory_gib", self.number, like.memory_bytes / GIB if like else None) * GIB
        )
        accelerator = self.accelerator() or (like.accelerator if like else None)
        allocatable, rule = self.allocatable(like, provider, vcpu, memory_bytes)
        devices = {accelerator.resource: accelerator.count} if accelerator else {}
        return InstanceType(
            name=name,
            provider=provider,
            region=self.text("region", like.region if like else ""),
            family=self.text("family", like.family if like else name.split(".")[0]),
            arch=self.text("arch", like.arch if like else "amd64"),
            vcpu=vcpu,
            memory_bytes=memory_bytes,
            allocatable={**allocatable, **devices},
            allocatable_rule=rule,
            on_demand=self.price("usd_per_hour", "price_date", "price_source"),
            spot=self.spot(),
            spot_interruption=self.text("spot_interruption", like.spot_interruption if like else ""),
            accelerator=accelerator,
        )

    def allocatable(
        self, like: InstanceType | None, provider: str, vcpu: int, memory_bytes: int
    ) -> tuple[dict[str, int], str]:
        """Return what pods may use, without devices, and how that is known."""
        same = like is not None and (like.vcpu, like.memory_bytes) == (vcpu, memory_bytes)
        pods = self.whole("pods") or (like.allocatable["pods"] if like else default_pods(provider))
        cpu, mib = self.whole("allocatable_cpu_millicores"), self.whole("allocatable_memory_mib")
        if cpu and mib:
            return {"cpu": cpu, "memory": mib * 2**20, "pods": pods}, "given"
        if like is not None and same:
            return {"cpu": like.allocatable["cpu"], "memory": like.allocatable["memory"], "pods": pods}, (
                like.allocatable_rule
            )
        estimated_cpu, estimated_memory, rule = estimate(provider, vcpu, memory_bytes, pods)
        return {"cpu": estimated_cpu, "memory": estimated_memory, "pods": pods}, rule

    def accelerator(self) -> Accelerator | None:
        """Return the devices that the line describes; None if none."""
        resource, count = self.text("accelerator"), self.whole("accelerators") or 0
        if bool(resource) != bool(count):
            raise self.wrong(
                "accelerators", "devices need both their resource's name and their number",
                "Write accelerator=nvidia.com/gpu and accelerators=1, or neither.",
            )  # fmt: skip
        if not resource:
            return None
        memory = round((self.number("accelerator_memory_gib") or 0.0) * GIB)
        return Accelerator(resource, self.text("accelerator_model"), count, memory)

    def spot(self) -> Price | None:
        """Return the spot price that the line gives; None if it gives none."""
        return (
            self.price("spot_usd_per_hour", "spot_date", "spot_source")
            if self.text("spot_usd_per_hour")
            else None
        )

    def price(self, amount: str, when: str, source: str) -> Price:
        """Return a dated price.

        Raises
        ------
        PriceFileError
            If it is missing, not a number, negative, or has no date.
        """
        usd = self.number(amount)
        if usd is None:
            raise self.wrong(amount, "the price is missing", "Write what one machine costs an hour, in USD.")
        if not self.text(when):
            raise self.wrong(when, "the price has no date", "Write when it held, such as 2026-07-20.")
        try:
            day = date.fromisoformat(self.text(when))
        except ValueError:
            raise self.wrong(when, f"{self.text(when)!r} is no date", "Write it like 2026-07-20.") from None
        return Price(usd, day, self.text(source, self.file))

    def text(self, field: str, default: str = "") -> str:
        """Return a field, or the default where it is empty or not there."""
        return self.cells.get(field, "") or default

    def number(self, field: str) -> float | None:
        """Return a field's number, None where it is empty."""
        text = self.text(field)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(field, f"{text!r} is no number") from None
        if not math.isfinite(value) or value < 0:
            raise self.wrong(field, f"{text} is out of range", "Write a number that is not negative.")
        return value

    def whole(self, field: str) -> int | None:
        """Return a field's whole number, None where it is empty."""
        value = self.number(field)
        if value is not None and value != int(value):
            raise self.wrong(field, f"{value:g} is not whole", "Write a whole number.")
        return None if value is None else int(value)

    def _or(self, field: str, read: Callable[[str], T | None], default: T | None) -> T:
        value = read(field)
        value = default if value is None else value
        if not value:
            raise self.wrong(
                field, f"{self.text('name')} is not a known type, so the line has to say what it has",
                "Fill in vcpu and memory_gib.",
            )  # fmt: skip
        return value
