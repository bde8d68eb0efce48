"""Whether and when a container that ended starts again. Pure decisions.

Back-off: 10 s, doubling to 5 min, forgotten after 10 min of running
(kubernetes/pkg/kubelet/kubelet.go: backOffPeriod, MaxContainerBackOff; client-go/util/flowcontrol, v1.33).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubelab.engine.nodes.plan import ContainerPlan

MAX_BACK_OFF_S = 300.0


def restarts(plan: ContainerPlan, exit_code: int) -> bool:
    """Say whether a container that ended with ``exit_code`` is to start again.

    Rules of the container are asked first (KEP-5307), then its restart policy, which is the pod's unless
    it has its own.
    """
    for rule in plan.restart_rules:
        if _matches(rule, exit_code):
            return bool(rule.get("action") == "Restart")
    if plan.restart_policy == "OnFailure":
        return exit_code != 0
    return plan.restart_policy == "Always"


def _matches(rule: dict[str, Any], exit_code: int) -> bool:
    codes = rule.get("exitCodes") or {}
    inside = exit_code in (codes.get("values") or [])
    return inside if codes.get("operator") == "In" else not inside


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long the next start must wait.

    Attributes
    ----------
    first_s : float
        The first delay, 10 s on a real node.
    next_s : float
        The delay that the next start gets; 0 at first.
    """

    first_s: float = 10.0
    next_s: float = 0.0

    def after_run(self, ran_s: float) -> BackOff:
        """Return the back-off after a run of ``ran_s`` seconds, which a long run clears."""
        return BackOff(self.first_s, 0.0) if ran_s >= 2 * MAX_BACK_OFF_S else self

    def after_start(self) -> BackOff:
        """Return the back-off once the container has started again."""
        doubled = self.next_s * 2 if self.next_s else self.first_s
        return BackOff(self.first_s, min(doubled, MAX_BACK_OFF_S))


def go_duration(duration_s: float) -> str:
    """Format as Go's time.Duration does: ``10s``, ``1m20s``, ``5m0s``."""
    minutes, seconds = divmod(int(duration_s), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
