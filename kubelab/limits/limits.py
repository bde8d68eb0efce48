"""`Limits`: what a cluster can do, against what Kubernetes promises, as one object of a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from kubelab.limits.kube_proxy import ProxyReading
from kubelab.limits.load import Load
from kubelab.limits.slos import POD_START, SCHEDULING_THROUGHPUT
from kubelab.limits.starts import Throughput
from kubelab.limits.verdict import Finding, Size

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Limits:
    """One measurement of a cluster.

    Attributes
    ----------
    cluster, engine, version : str
        Which cluster, what runs underneath, and the version its API server says.
    machine : str
        Where the client ran; its own speed is part of every latency.
    date : str
        When, in UTC.
    load : Load
        What was asked of the cluster.
    findings : tuple of Finding
        Latencies against their objectives.
    throughput : Throughput
        Pods scheduled a second when all came at once.
    sizes : tuple of Size
        How large the cluster was with the load in it.
    proxy : ProxyReading
        What its kube-proxies say, where they can be read.
    """

    cluster: str
    engine: str
    version: str
    machine: str
    date: str
    load: Load
    findings: tuple[Finding, ...]
    throughput: Throughput
    sizes: tuple[Size, ...]
    proxy: ProxyReading

    def frame(self) -> pd.DataFrame:
        """Return one row for each finding.

        Its columns: objective, subject, samples, p50_s, p90_s, p99_s, limit_s (NaN where there is no
        objective), held ("kept", "missed", "no objective", "not measured"), clusterloader2 and kube_burner:
        what these call the measurement.
        """
        import pandas as pd

        return pd.DataFrame([_row(finding) for finding in self.findings])

    def thresholds(self) -> pd.DataFrame:
        """Return one row for each dimension: what, found, most, share, within, where."""
        import pandas as pd

        rows = [
            (size.threshold.what, size.found, size.threshold.most, size.share, size.within, size.where)
            for size in self.sizes
        ]
        return pd.DataFrame(rows, columns=["what", "found", "most", "share", "within", "where"])

    def figure(self) -> go.Figure:
        """Return each latency from p50 to p99 beside its objective, on a logarithmic scale."""
        from kubelab.figures.limits import limits_figure

        return limits_figure(self.frame())

    @property
    def start(self) -> Finding:
        """How long pods took to start at the load's pace."""
        return next(each for each in self.findings if each.objective is POD_START)

    @property
    def verdict(self) -> str:
        """One sentence: whether all latencies keep their objective, and which do not."""
        judged = [each for each in self.findings if each.held in {"kept", "missed"}]
        missed = [each for each in judged if each.held == "missed"]
        if not missed:
            return f"All {len(judged)} latencies keep their objective."
        names = "; ".join(each.sentence for each in missed)
        return f"{len(missed)} of {len(judged)} latencies miss their objective: {names}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict and what stands behind it, a line each."""
        return (
            self.verdict,
            *(each.sentence for each in self.findings),
            _scheduled(self.throughput, self.load.pods),
            *(_beyond(size) for size in self.sizes if not size.within),
            *self.proxy.sentences,
        )

    def __repr__(self) -> str:
        return f"<Limits of {self.cluster} ({self.engine}, {self.version}): {self.verdict}>"

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.sentences[1:])
        about = f"{self.cluster}, {self.engine}, {self.version}; measured {self.date} from {self.machine}"
        return f"<b>{escape(self.verdict)}</b><ul>{lines}</ul><small>{escape(about)}</small>"


def _row(finding: Finding) -> dict[str, object]:
    objective = finding.objective
    return {
        "objective": objective.name,
        "subject": finding.subject,
        "samples": len(finding.samples_s),
        "p50_s": finding.at(0.5),
        "p90_s": finding.at(0.9),
        "p99_s": finding.at(0.99),
        "limit_s": math.nan if objective.limit_s is None else objective.limit_s,
        "held": finding.held,
        "clusterloader2": objective.clusterloader2,
        "kube_burner": objective.kube_burner,
    }


def _scheduled(throughput: Throughput, asked: int) -> str:
    if not throughput.pods:
        return f"{SCHEDULING_THROUGHPUT}: no pod was scheduled"
    rates = f"{throughput.mean_per_s:.0f} pods/s over all"
    if not math.isnan(throughput.peak_per_s):
        rates += f", {throughput.peak_per_s:.0f} in the best second"
    pods = f"{throughput.pods} of {asked}" if throughput.pods < asked else str(asked)
    return f"{SCHEDULING_THROUGHPUT}: {rates}, {pods} pods at once"


def _beyond(size: Size) -> str:
    where = f" ({size.where})" if size.where else ""
    return f"{size.threshold.what}{where}: {size.found}, beyond the threshold of {size.threshold.most}"
