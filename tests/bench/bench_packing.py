"""GPU packing on the openb trace, beside the figures published for it.

The trace is not part of the project. ``KUBELAB_OPENB`` names the folder of hkust-adsl's
kubernetes-scheduler-simulator that holds ``openb_node_list_gpu_node.csv`` and ``openb_pod_list_default.csv``;
without it nothing is measured.
Published: Weng et al., USENIX ATC 2023, figure 9a (ten seeds, when arrived pods ask for all of the capacity).
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kubelab.clock import monotonic
from kubelab.scheduling.packing.fragmentation import TypicalPods
from kubelab.scheduling.packing.gpus import Demand, GpuNode
from kubelab.scheduling.packing.openb import read_nodes, read_pods
from kubelab.scheduling.packing.policies import (
    BestFit,
    DotProduct,
    FragmentationGradient,
    Policy,
    PricedGradient,
    RandomFit,
)
from kubelab.scheduling.packing.replay import arrivals, replay
from tests.bench.figure import Figure

SEEDS = range(100, 110)
"""Others than those on which our own policy was tuned."""
PUBLISHED = {
    "random": 86.30,
    "dot-product": 90.62,
    "best-fit": 92.86,
    "fragmentation gradient": 95.23,
}
OFF_POINTS = 0.5
OWN_ASKED = 95.4
SEED_S = 5.0


def measure() -> list[Figure]:
    """Measure."""
    folder = os.environ.get("KUBELAB_OPENB")
    if not folder:
        print("packing: KUBELAB_OPENB does not name the folder of the openb trace: skipped", file=sys.stderr)
        return []
    nodes = read_nodes(Path(folder) / "openb_node_list_gpu_node.csv")
    pods = read_pods(Path(folder) / "openb_pod_list_default.csv")
    typical = TypicalPods(pods)
    policies: list[Callable[[int], Policy]] = [
        lambda seed: RandomFit(np.random.default_rng(seed)),
        lambda _: DotProduct(),
        lambda _: BestFit(),
        lambda _: FragmentationGradient(typical),
        lambda _: PricedGradient(typical),
    ]
    return [figure for policy in policies for figure in _figures(policy, nodes, pods)]


def _figures(
    policy: Callable[[int], Policy], nodes: Sequence[GpuNode], pods: Sequence[Demand]
) -> list[Figure]:
    shares, seconds = [], []
    for seed in SEEDS:
        coming = arrivals(pods, nodes, seed)
        started = monotonic()
        shares.append(replay(nodes, coming, policy(seed)).at(100))
        seconds.append(monotonic() - started)
    name, mean = policy(0).name, statistics.mean(shares)
    spread = f"± {statistics.pstdev(shares):.2f} over {len(shares)} seeds"
    seed = Figure("packing", f"{name}: a seed", SEED_S, max(seconds), "s")
    if (published := PUBLISHED.get(name)) is None:
        return [Figure("packing", f"{name} (ours): GPUs allocated", OWN_ASKED, mean, "%", True, spread), seed]
    note = f"{mean:.2f} % of GPUs allocated {spread}; published {published:.2f}"
    off = abs(mean - published)
    return [Figure("packing", f"{name}: off the published", OFF_POINTS, off, "points", note=note), seed]
