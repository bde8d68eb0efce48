"""What each expander costs on every seeded scenario, beside the least that any could cost.

With `THRIFTY` scale-down, which the asked figure is for, and with Cluster Autoscaler's own settings.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from kubelab.scenarios import SEEDED
from kubelab.studies import THRIFTY, study
from kubelab.studies.study import POLICIES
from tests.bench.figure import Figure

SEED = 1
ASKED_RATIO = 1.10
OURS = POLICIES[0]


def measure() -> list[Figure]:
    """Measure; ``KUBELAB_SCENARIOS`` names some of the scenarios, joined by commas."""
    names = os.environ.get("KUBELAB_SCENARIOS", ",".join(SEEDED)).split(",")
    thrifty = _measure(names, "thrifty", THRIFTY, ASKED_RATIO)
    return [*thrifty, *_measure(names, "upstream's scale-down", {}, None)]


def _measure(
    names: Sequence[str], settings: str, scale_down: Mapping[str, float], asked: float | None
) -> list[Figure]:
    found = study(names, clusters=1, seed=SEED, policies=POLICIES, scale_down=scale_down, show_progress=False)
    runs = found.runs()
    print(settings, runs.to_string(), file=sys.stderr)
    figures = [
        Figure("policies", f"{settings}, {row.scenario}: {row.policy}", None, row.ratio, "x", note=_note(row))
        for row in runs.itertuples()
    ]
    cost = {(row.scenario, row.policy): row.usd for row in runs.itertuples()}
    won = sum(all(cost[name, OURS] < cost[name, other] for other in POLICIES[1:]) for name in names)
    count = len(names) if asked else None
    figures += [
        Figure("policies", f"{settings}: {policy}, mean", asked if policy == OURS else None, ratio, "x")
        for policy in POLICIES
        for ratio in [mean(runs[runs.policy == policy].ratio)]
    ]
    return [
        *figures,
        Figure("policies", f"{settings}: {OURS} cheapest on", count, won, "scenarios", at_least=True),
    ]


def _note(row: Any) -> str:
    waited = f"{row.pending_s_per_pod:.0f} s a pod waited"
    return f"{row.usd:.2f} USD, at least {row.lower_bound_usd:.2f}; {waited}"
