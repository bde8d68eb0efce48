"""Strategies side by side on real CPU use: what they waste against how often they are overrun.

The first half of each series sizes, the second tests. A tool's rule sizes once from the whole first half, as
a report does; ours looks again each hour, at what was before that hour alone. Then the tools' rules get the
same chance: each hour anew, from as much history as each looks at. Slack is
``1 - mean(use) / mean(request)``, 0 at least; overrun is the share of samples above the request; both are
means over the series. No request is less than 1 %.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from kubelab.rightsizing.backtest import Backtest, Terms, backtest
from kubelab.rightsizing.estimate import Settings
from kubelab.rightsizing.strategies import STRATEGIES
from kubelab.rightsizing.strategies.strategy import Strategy
from kubelab.rightsizing.strategies.vpa import Vpa
from tests.bench.figure import Figure
from tests.bench.nab import read_nab

FLOOR = 0.01
ONCE = Terms(floor=FLOOR, lookback_s=float("inf"))
HOURLY = Terms(floor=FLOOR, every_s=3600.0)
DOMINATED = 0.999
"""Ours leaves less slack at no more overrun: strictly less than as much."""


def measure() -> list[Figure]:
    """Measure."""
    path = os.environ.get("KUBELAB_NAB")
    if not path:
        print("strategies: KUBELAB_NAB does not name the file of NAB's CPU series: skipped", file=sys.stderr)
        return []
    series = read_nab(Path(path))
    ours = [backtest(each, series, HOURLY) for each in STRATEGIES.values() if _is_ours(each)]
    once = [backtest(each, series, ONCE) for each in peers()]
    hourly = [backtest(each, series, HOURLY) for each in peers()]
    return [
        *(_own(each) for each in ours),
        *(_against(peer, ours, "sized once", DOMINATED) for peer in once),
        *(_against(peer, ours, "each hour too", None) for peer in hourly),
    ]


def peers() -> Iterable[Strategy]:
    """Yield the tools' rules; VPA's least amount is the protocol's floor, so that it is not held back."""
    for each in STRATEGIES.values():
        if each.name == "vpa":
            yield Vpa(settings=Settings(pod_min_cpu=10))
        elif not _is_ours(each):
            yield each


def _is_ours(strategy: Strategy) -> bool:
    return strategy.name.startswith("adaptive")


def _own(test: Backtest) -> Figure:
    note = f"over the request {test.overrun:.1%}; {test.resizes / len(test.outcomes):.0f} changes a series"
    return Figure(
        "strategies", f"{test.strategy} (ours): slack on NAB", None, test.slack * 100, "%", note=note
    )


def _against(peer: Backtest, ours: Sequence[Backtest], when: str, asked: float | None) -> Figure:
    name = f"{peer.strategy}, {when}: our slack by its"
    theirs = f"{peer.slack:.1%} slack, {peer.overrun:.2%} over"
    able = [each for each in ours if each.overrun <= peer.overrun]
    best = min(able, key=lambda test: test.slack) if able else min(ours, key=lambda test: test.overrun)
    said = "" if able else "; not dominated: none of ours is overrun as seldom"
    note = f"{best.strategy} {best.slack:.1%}, {best.overrun:.2%}; theirs {theirs}{said}"
    measured = best.slack / peer.slack if able else float("inf")
    return Figure("strategies", name, asked, measured, "x", note=note)
