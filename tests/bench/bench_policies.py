"""What each expander costs on every seeded scenario, beside the least that any could cost."""

from __future__ import annotations

import os
import sys
from statistics import mean
from typing import Any

from kubelab.scenarios import SEEDED
from kubelab.studies import study
from kubelab.studies.study import POLICIES
from tests.bench.figure import Figure

SEED = 1
ASKED_RATIO = 1.10
OURS = POLICIES[0]


def measure() -> list[Figure]:
    """Measure; ``KUBELAB_SCENARIOS`` names some of the scenarios, joined by commas."""
    names = os.environ.get("KUBELAB_SCENARIOS", ",".join(SEEDED)).split(",")
    found = study(names, clusters=1, seed=SEED, policies=POLICIES, show_progress=False)
    runs = found.runs()
    print(runs.to_string(), file=sys.stderr)
    figures = [
        Figure("policies", f"{row.scenario}: {row.policy}", None, row.ratio, "x", note=_note(row))
        for row in runs.itertuples()
    ]
    cost = {(row.scenario, row.policy): row.usd for row in runs.itertuples()}
    won = sum(all(cost[name, OURS] < cost[name, other] for other in POLICIES[1:]) for name in names)
    ratio = mean(runs[runs.policy == OURS].ratio)
    note = f"{len(names)} scenarios, seed {SEED}"
    return [
        *figures,
        Figure("policies", f"{OURS}: mean by the lower bound", ASKED_RATIO, ratio, "x", note=note),
        Figure("policies", f"{OURS}: cheapest on", len(names), won, "scenarios", at_least=True),
    ]


def _note(row: Any) -> str:
    waited = f"{row.pending_s_per_pod:.0f} s a pod waited"
    return f"{row.usd:.2f} USD, at least {row.lower_bound_usd:.2f}; {waited}"
