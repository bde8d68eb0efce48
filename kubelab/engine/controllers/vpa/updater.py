"""The loop around `kubelab.rightsizing.updater`: every minute it resizes pods, or evicts them."""

from __future__ import annotations

from collections import Counter

from kubelab.client import PODS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.vpa.measures import UpdaterMeasures
from kubelab.engine.controllers.vpa.world import World
from kubelab.errors import ApiError
from kubelab.informer import Key
from kubelab.rightsizing.application import (
    recommended_for,
    resources_for,
    update_mode,
)
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.updater import Candidate, Round, Verb, look

_ROUND: Key = ("", "round")
_TO_APPLY = "to apply resource recommendation."


class VpaUpdaterController(Controller):
    """Brings running pods to what is recommended for them, while there is an autoscaler.

    Attributes
    ----------
    interval_s : float
        How often (``--updater-interval``).
    first_s : float
        Until the first round: a second more, so that a round sees what was recommended last.
    """

    name = "vpa-updater"
    workers = 1
    interval_s = 60.0
    first_s = 61.0

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.world = World(self.views, self.clock)
        self.measures = UpdaterMeasures(around.measures)
        self._runs = False
        self.world.autoscalers.subscribe(self._changed)

    async def reconcile(self, _namespace: str, _name: str) -> float | None:
        """Look at all autoscalers once."""
        autoscalers = self.world.all()
        self._runs = bool(autoscalers)
        self.measures.begin()
        for autoscaler, pods in self.world.controlled(autoscalers):
            await self._apply(autoscaler, pods)
        return self.interval_s if self._runs else None

    async def _apply(self, autoscaler: Object, pods: list[Object]) -> None:
        """Bring on the pods of one autoscaler, the most urgent first."""
        limits = self.world.limits(autoscaler["metadata"]["namespace"])
        given = [self.world.recommendations(autoscaler, pod) for pod in pods]
        found = [
            (pod, recommended_for(autoscaler, pod, each, limits))
            for pod, each in zip(pods, given, strict=True)
        ]
        now = look(autoscaler, found, self.world.configured(pods), self.clock.now())
        verbs: Counter[str] = Counter()
        for candidate in now.candidates:
            if verb := now.verb(candidate):
                verbs[verb] += 1
                if await self._carry_out(verb, now, candidate, len(pods)):
                    now.done(candidate)
        self.measures.saw(update_mode(autoscaler), len(pods), verbs)

    async def _carry_out(self, verb: Verb, now: Round, candidate: Candidate, size: int) -> bool:
        """Resize a pod, or evict it, also where a resize is refused; False if nothing happened to it."""
        mode = update_mode(now.autoscaler)
        if verb == "resize":
            if await self._resize(now.autoscaler, candidate):
                self.measures.resized(size)
                return True
            if mode == "InPlace" or not now.may_evict(candidate.pod):
                return False
        if not await self._evict(now.autoscaler, candidate):
            return False
        self.measures.evicted(mode, size)
        return True

    async def _resize(self, autoscaler: Object, candidate: Candidate) -> bool:
        """Ask the API server for other resources; False if it refuses."""
        pod, meta = candidate.pod, candidate.pod["metadata"]
        limits = self.world.limits(meta["namespace"])
        containers = [
            {
                "name": each["name"],
                "resources": resources_for(
                    each,
                    candidate.recommended[each["name"]].target,
                    ContainerPolicy.of(autoscaler, each["name"]),
                    limits,
                ),
            }
            for each in pod["spec"]["containers"]
            if each["name"] in candidate.recommended
        ]
        patch = {"spec": {"containers": containers}}
        try:
            written = await self.client.patch(
                PODS, meta["name"], patch, meta["namespace"], type="strategic", subresource="resize"
            )
        except ApiError:
            return False
        self.views.of(PODS).wrote(written)
        self.note(
            _named(pod), Note("Normal", "InPlaceResizedByVPA", "Pod was resized in place by VPA Updater.")
        )
        return True

    async def _evict(self, autoscaler: Object, candidate: Candidate) -> bool:
        """Ask the API server to let a pod go; False if a budget or anything else forbids it."""
        pod, meta = candidate.pod, candidate.pod["metadata"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
        }
        try:
            await self.client.create(
                PODS, eviction, meta["namespace"], subresource_of=meta["name"], subresource="eviction"
            )
        except ApiError:
            return False
        self.note(_named(pod), Note("Normal", "EvictedByVPA", f"Pod was evicted by VPA Updater {_TO_APPLY}"))
        about = {
            **autoscaler,
            "apiVersion": VERTICAL_POD_AUTOSCALERS.api_version,
            "kind": VERTICAL_POD_AUTOSCALERS.kind,
        }
        self.note(about, Note("Normal", "EvictedPod", f"VPA Updater evicted Pod {meta['name']} {_TO_APPLY}"))
        return True

    def _changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and not self._runs:
            self._runs = True
            self.queue.add_after(_ROUND, self.first_s)


def _named(pod: Object) -> Object:
    return {**pod, "apiVersion": PODS.api_version, "kind": PODS.kind}
