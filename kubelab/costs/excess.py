"""What running pods use beyond what they asked for, sampled each minute as OpenCost's exporter does.

OpenCost averages the larger of request and use over a pod's minutes (``container_cpu_allocation``), which is
the request plus the average of what was used beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubelab.client import Object
from kubelab.costs.intervals import PodInterval
from kubelab.costs.rates import NOTHING, Resources
from kubelab.quantities import parse_quantity

SAMPLE_S = 60.0
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Excess:
    """What one pod used, and what of it beyond what it asked for.

    Attributes
    ----------
    uid : str
        The pod's.
    samples : int
        How often its use was looked at.
    total : Resources
        The sum of what was beyond, over the samples.
    used : Resources
        The sum of what it used, over the samples.
    """

    uid: str
    samples: int = 0
    total: Resources = NOTHING
    used: Resources = NOTHING

    @property
    def average(self) -> Resources:
        """What it used beyond what it asked for, on average."""
        return self.total.times(1 / self.samples) if self.samples else NOTHING

    @property
    def average_use(self) -> Resources | None:
        """What it used on average; None before the first sample."""
        return self.used.times(1 / self.samples) if self.samples else None

    def sampled(self, asked: Resources, used: Resources) -> Excess:
        """Return it with one sample more."""
        return Excess(self.uid, self.samples + 1, self.total + used.beyond(asked), self.used + used)

    def applied_to(self, run: PodInterval) -> PodInterval:
        """Return a pod's time with what it held and used, by the samples."""
        if not self.samples:
            return run
        return replace(run, held=run.held + self.average, used=self.average_use)


def used_of(metrics: Object) -> Resources:
    """Return what a pod uses, by its PodMetrics (metrics.k8s.io/v1beta1)."""
    used = [each.get("usage") or {} for each in metrics.get("containers") or ()]
    cores = sum(parse_quantity(each.get("cpu", 0)) for each in used)
    memory = sum(parse_quantity(each.get("memory", 0)) for each in used)
    return Resources(float(cores), float(memory) / _GIB)
