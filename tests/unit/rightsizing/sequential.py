"""A container's memory peaks, one sample at a time: upstream's ``ContainerState.addMemorySample``."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kubelab.rightsizing.decay import DecayingHistograms
from kubelab.rightsizing.histogram import MEMORY

DAY = 86400.0


@dataclass
class Sequential:
    """What upstream keeps of one container."""

    histogram: DecayingHistograms = field(default_factory=lambda: DecayingHistograms(MEMORY, 1))
    peak: float = 0.0
    oom_peak: float = 0.0
    window_end: float | None = None
    last: float = -np.inf

    def add(self, time: float, used: float, *, is_oom: bool = False) -> None:
        """Take in one sample."""
        if not is_oom and time < self.last:
            return
        self.last = time
        if self.window_end is None:
            self.window_end = time
        highest = max(self.peak, self.oom_peak)
        if time < self.window_end:
            if highest == 0 or used <= highest:
                return
            self._count(highest, self.histogram.subtract)
        else:
            self.window_end += (time - self.window_end) // DAY * DAY + DAY
            self.peak = self.oom_peak = 0.0
        self._count(used, self.histogram.add)
        if is_oom:
            self.oom_peak = used
        else:
            self.peak = used

    def _count(self, used: float, change: object) -> None:
        assert callable(change)
        change(np.array([0]), np.array([used]), np.array([self.window_end]), 1.0)
