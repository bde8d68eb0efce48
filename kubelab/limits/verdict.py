"""What was measured of a cluster, held against what Kubernetes promises: pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kubelab.limits.slos import PROMISED_QUANTILE, Objective, Threshold

Held = Literal["kept", "missed", "no objective", "not measured"]
_FEW = 100
"""Below so many samples the 99th percentile is the slowest one."""


def quantile(samples: Sequence[float], q: float) -> float:
    """Return the smallest sample that at least a share ``q`` of all does not pass; NaN of none."""
    if not samples:
        return math.nan
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that was timed.

    Attributes
    ----------
    objective : Objective
        What it is held against.
    subject : str
        Which verb and resource, such as ``LIST pods``; "" where the objective says it all.
    samples_s : tuple of float
        Seconds; infinite for what did not happen while it was waited for.
    why : str
        What the cluster says of those that did not happen; "" if nothing.
    """

    objective: Objective
    subject: str
    samples_s: tuple[float, ...]
    why: str = ""

    def at(self, q: float) -> float:
        """Return a quantile in seconds."""
        return quantile(self.samples_s, q)

    @property
    def held(self) -> Held:
        """Whether the 99th percentile keeps the objective."""
        if not self.samples_s:
            return "not measured"
        if self.objective.limit_s is None:
            return "no objective"
        return "kept" if self.at(PROMISED_QUANTILE) <= self.objective.limit_s else "missed"

    @property
    def sentence(self) -> str:
        """What came out, with its numbers."""
        if self.held == "not measured":
            return f"{self.label}: not measured"
        text = f"{self.label}: p99 {seconds(self.at(PROMISED_QUANTILE))}"
        if self.objective.limit_s is not None:
            text += f" (at most {self.objective.limit_s:g} s: {self.held})"
        few = " (so p99 is the slowest)" if len(self.samples_s) < _FEW else ""
        never = sum(map(math.isinf, self.samples_s))
        why = f", {never} never: {self.why.rstrip('.')}" if never and self.why else ""
        return f"{text}, p50 {seconds(self.at(0.5))}, {len(self.samples_s)} samples{few}{why}"

    @property
    def label(self) -> str:
        """The objective's name, with the subject."""
        return f"{self.objective.name}, {self.subject}" if self.subject else self.objective.name


@dataclass(frozen=True, slots=True)
class Size:
    """How far a cluster is from a threshold."""

    threshold: Threshold
    found: int
    where: str = ""

    @property
    def share(self) -> float:
        """What part of the threshold is taken."""
        return self.found / self.threshold.most if self.threshold.most else math.inf

    @property
    def within(self) -> bool:
        """Whether the cluster may expect the objectives to hold."""
        return self.found <= self.threshold.most


def seconds(value: float) -> str:
    """Return a duration as a reader wants it: ``4.2 ms``, ``1.3 s``, ``never``."""
    if math.isinf(value):
        return "never"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
