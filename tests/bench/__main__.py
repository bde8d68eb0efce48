"""Measure everything that was asked for and print one table; a slow figure is not a failure.

``python -m tests.bench [PART ...]`` runs the parts named, or all. Each runs in a process of its own, so
that none pays for another's imports or memory.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figure import Figure, machine

FOLDER = Path(__file__).parent
PARTS = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
TIMEOUT_S = 600


def main() -> int:
    """Run the parts; 1 if one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON lines")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}")
    if options.json:
        for part in options.parts or PARTS:
            for figure in importlib.import_module(f"tests.bench.bench_{part}").measure():
                print(json.dumps(asdict(figure)), flush=True)
        return 0
    return _table(options.parts or PARTS)


def _table(parts: list[str]) -> int:
    console = Console(width=150 if not sys.stdout.isatty() else None)
    figures: list[Figure] = []
    broken: dict[str, str] = {}
    for part in parts:
        console.print(f"measuring {part} …", style="dim")
        try:
            figures += _run(part)
        except (subprocess.SubprocessError, ValueError) as error:
            broken[part] = str(error)
    console.print(_draw(figures))
    for part, error in broken.items():
        console.print(f"{part} broke: {error}", style="red", markup=False)
    return 1 if broken else 0


def _run(part: str) -> list[Figure]:
    command = [sys.executable, "-m", "tests.bench", "--json", part]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=True)
    return [Figure(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def _draw(figures: list[Figure]) -> Table:
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    table = Table(title=f"{date} · {machine()}", title_justify="left")
    for column in ("part", "figure", "asked", "measured", "ratio", "note"):
        right = column in ("asked", "measured", "ratio")
        table.add_column(column, justify="right" if right else "left")
    for each in figures:
        bound = "≥" if each.at_least else "≤"
        asked = f"{bound} {_number(each.asked)} {each.unit}" if each.asked is not None else ""
        ratio = f"{each.ratio:.2f}" if each.ratio is not None else ""
        style = "" if each.asked is None else "green" if each.reached else "yellow"
        measured = f"{_number(each.measured)} {each.unit}"
        table.add_row(each.part, each.name, asked, measured, ratio, each.note, style=style)
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
