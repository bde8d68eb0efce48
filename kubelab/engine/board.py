"""The table of ``kubelab status --watch``, drawn again each second until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.live import Live
from rich.table import Table

from kubelab.engine.overview import Clusters, Overview

_PERIOD_S = 1.0
_PHASES = {"Pending": "yellow", "Running": "green", "Succeeded": "blue", "Failed": "red", "Unknown": "red"}
_COLUMNS = ("name", "engine", "state", "nodes ready", "pods", "requests/s", "memory")


def watch(*, as_json: bool) -> None:
    """Show what the lab clusters do until interrupted or nobody reads on.

    Parameters
    ----------
    as_json : bool
        Print a line of JSON for each look instead of a table.
    """
    try:
        if as_json:
            asyncio.run(_repeat(_print_json))
        else:
            _draw(Console())
    except BrokenPipeError:  # what Python itself would still write must go somewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(clusters: Sequence[Overview]) -> Table:
    """Return the clusters as a table."""
    shown = Table(caption=None if clusters else "There is no lab cluster. `kubelab up` starts one.")
    for column in _COLUMNS:
        shown.add_column(column, justify="right" if column in {"requests/s", "memory"} else "left")
    for each in clusters:
        shown.add_row(
            each.name,
            each.engine,
            each.state,
            "-" if each.nodes is None else f"{each.nodes_ready} of {each.nodes}",
            "-" if each.nodes is None else _pods(each),
            "-" if each.requests_per_s is None else f"{each.requests_per_s:,.1f}",
            "-" if each.memory_mb is None else f"{each.memory_mb} MB",
        )
    return shown


def _pods(each: Overview) -> str:
    counted = [(phase, each.pods[phase]) for phase in _PHASES if each.pods.get(phase)]
    return "  ".join(f"[{_PHASES[phase]}]{count} {phase}[/]" for phase, count in counted) or "none"


def _draw(console: Console) -> None:
    if not console.is_terminal:
        asyncio.run(_repeat(lambda clusters: console.print(table(clusters))))
        return
    with Live(console=console, auto_refresh=False) as live:
        asyncio.run(_repeat(lambda clusters: live.update(table(clusters), refresh=True)))


async def _repeat(show: Callable[[list[Overview]], None]) -> None:
    clusters = Clusters()
    try:
        while True:
            show(await clusters.look())
            await asyncio.sleep(_PERIOD_S)
    finally:
        await clusters.close()


def _print_json(clusters: list[Overview]) -> None:
    sys.stdout.write(json.dumps([asdict(each) for each in clusters]) + "\n")
    sys.stdout.flush()
