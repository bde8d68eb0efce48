"""A lab's cluster of 100 simulated nodes against Kubernetes' objectives."""

from __future__ import annotations

from kubelab import Cluster
from kubelab.limits.slos import SCHEDULING_THROUGHPUT
from kubelab.limits.verdict import Finding
from tests.bench.figure import Figure
from tests.bench.lab import home, lab

NODES, PODS = 100, 400


def measure() -> list[Figure]:
    """Measure."""
    with home() as where, lab(where, "--no-warm") as made, Cluster.connect(made.name) as cluster:
        found = cluster.limits(nodes=NODES, pods=PODS)
    throughput = Figure(
        "limits", SCHEDULING_THROUGHPUT, None, found.throughput.mean_per_s, "1/s", note=f"{PODS} pods at once"
    )
    return [*map(_figure, found.findings), throughput]


def _figure(finding: Finding) -> Figure:
    note = f"p50 {finding.at(0.5) * 1000:.3g} ms, {len(finding.samples_s)} samples"
    return Figure(
        "limits", f"{finding.label}, p99", finding.objective.limit_s, finding.at(0.99), "s", note=note
    )
