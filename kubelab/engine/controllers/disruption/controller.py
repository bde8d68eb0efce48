"""The loop around `judge`."""

from __future__ import annotations

from kubelab.client import BUDGETS, PODS, Object
from kubelab.engine.apiserver.selectors import matches, selector_text
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.disruption.decision import Outcome, failed, judge, needs_scale
from kubelab.engine.controllers.disruption.scales import NoScaleError, Scales
from kubelab.engine.controllers.events import Note
from kubelab.informer import key_of

_NAMESPACE = "namespace"


class DisruptionController(Controller):
    """Keeps the status of every PodDisruptionBudget."""

    name = "disruption-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.scales = Scales(self.client)
        self.budgets = self.follow(BUDGETS)
        self.budgets.index(_NAMESPACE, _namespace)
        self.pods = self.views.of(PODS)
        self.pods.index(_NAMESPACE, _namespace)
        self.pods.subscribe(self._pod_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one budget's status up to date."""
        budget = self.budgets.get(namespace, name)
        if budget is None:
            return None
        try:
            outcome = await self._judge(budget)
        except NoScaleError as error:
            said = f"Failed to calculate the number of expected pods: {error}"
            self.note(budget, Note("Warning", "CalculateExpectedPodCountFailed", said))
            outcome = Outcome(failed(budget, str(error), self.clock.now()))
        for pod in outcome.not_deleted:
            said = f"Pod was expected by PDB {namespace}/{name} to be deleted but it wasn't"
            self.note(pod, Note("Warning", "NotDeleted", said))
        if outcome.status != budget.get("status"):
            await self.update_status(BUDGETS, budget, outcome.status)
        return outcome.recheck_s

    async def _judge(self, budget: Object) -> Outcome:
        selector = budget["spec"].get("selector")
        pods = [
            pod
            for pod in self.pods.by_index(_NAMESPACE, budget["metadata"]["namespace"])
            if matches(selector, pod["metadata"].get("labels") or {})
        ]
        if not pods:
            self.note(budget, Note("Normal", "NoPods", "No matching pods found"))
        scale = 0
        if needs_scale(budget["spec"]):
            scale, unmanaged = await self.scales.expected(pods)
            if unmanaged:
                self.note(budget, Note("Warning", "UnmanagedPods", _unmanaged(selector or {})))
        return judge(budget, pods, scale, self.clock.now())

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            if pod is None:
                continue
            labels = pod["metadata"].get("labels") or {}
            for budget in self.budgets.by_index(_NAMESPACE, pod["metadata"]["namespace"]):
                if matches(budget["spec"].get("selector"), labels):
                    self.queue.add(key_of(budget))


def _unmanaged(selector: Object) -> str:
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {selector_text(selector)}) were found to be "
        "unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in "
        'undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to '
        "an integer value."
    )


def _namespace(obj: Object) -> tuple[str, ...]:
    return (obj["metadata"]["namespace"],)
