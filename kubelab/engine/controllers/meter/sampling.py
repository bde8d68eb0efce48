"""Looks each minute at what pods use that are processes, and simulated ones whose nodes declare it.

Other simulated pods declare it once and for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.client import Client, Object
from kubelab.clock import parse_rfc3339
from kubelab.costs.excess import SAMPLE_S, Excess, used_of
from kubelab.costs.intervals import PodInterval, pod_interval
from kubelab.costs.rates import NOTHING
from kubelab.engine.controllers.views import View
from kubelab.errors import NotFoundError
from kubelab.node_template import FAKE_NODE
from kubelab.simulated_pod import NODE_PREFIX, workload_of

_METRICS = "/apis/metrics.k8s.io/v1beta1/pods"


class Sampling:
    """What pods have used beyond what they asked for.

    Attributes
    ----------
    is_needed : bool
        Whether any pod ran when it last looked.

    Parameters
    ----------
    client : Client
        Reads their metrics.
    pods, nodes : View
        What is there.
    """

    def __init__(self, client: Client, pods: View, nodes: View) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self.is_needed = False
        self._known: dict[str, Excess] = {}

    def concerns(self, pod: Object) -> bool:
        """Say whether a pod runs whose use is not known from the pod alone."""
        if (pod.get("status") or {}).get("phase") != "Running":
            return False
        node = self._nodes.get("", (pod.get("spec") or {}).get("nodeName", ""))
        if node is None:
            return False
        annotations = node["metadata"].get("annotations") or {}
        return FAKE_NODE not in annotations or NODE_PREFIX + workload_of(pod) in annotations

    def of(self, uid: str) -> Excess:
        """Return what a pod has used beyond what it asked for."""
        return self._known.get(uid, Excess(uid))

    async def sample(self, kept: Iterable[Excess]) -> tuple[Excess, ...]:
        """Look once more, and return what is known of pods that are there.

        Parameters
        ----------
        kept : iterable of Excess
            What was known before, should this be the first look after a restart.
        """
        known = {**{each.uid: each for each in kept}, **self._known}
        try:
            metrics = (await self._client.read(_METRICS))["items"]
        except NotFoundError:
            metrics = []
        there = {pod["metadata"]["uid"] for pod in self._pods.informer.objects.values()}
        self._known = {uid: each for uid, each in known.items() if uid in there}
        self.is_needed = False
        for each in metrics:
            meta = each["metadata"]
            pod = self._pods.get(meta["namespace"], meta["name"])
            if pod is None or not self.concerns(pod):
                continue
            self.is_needed = True
            run = pod_interval(pod, parse_rfc3339(each["timestamp"]))
            if run is not None:
                before = known.get(run.uid) or self._first(pod, run)
                self._known[run.uid] = before.sampled(run.held, used_of(each))
        return tuple(self._known.values())

    def _first(self, pod: Object, run: PodInterval) -> Excess:
        """Return what is known of a pod that is looked at for the first time.

        A simulated one used what it declared itself until its node declared something else.
        """
        node = self._nodes.get("", pod["spec"]["nodeName"])
        if node is None or FAKE_NODE not in (node["metadata"].get("annotations") or {}):
            return Excess(run.uid)
        minutes = (run.end - run.start).total_seconds() / SAMPLE_S
        samples = max(int(minutes) - 1, 0)
        return Excess(run.uid, samples, used=(run.used or NOTHING).times(samples))
