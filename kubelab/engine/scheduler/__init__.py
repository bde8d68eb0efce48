"""Which pod runs where, and why.

`Scheduler` is the loop. What it does with a pod is decided by pure functions: `decide.decide` (filters and
scores) and `preemption.preempt`, from a frozen `snapshot.Snapshot` to a `decision.Decision`.
"""

from kubelab.engine.scheduler.loop import Scheduler
from kubelab.scheduling.decision import Decision

__all__ = ["Decision", "Scheduler"]
