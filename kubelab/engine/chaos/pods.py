"""Pods that are killed."""

from __future__ import annotations

from kubelab.chaos.experiment import Experiment
from kubelab.client import PODS, Client
from kubelab.engine.chaos.injector import Undone
from kubelab.errors import ConflictError, NotFoundError


class KillPod:
    """Deletes pods without grace: their processes get SIGKILL, as with Chaos Mesh's ``pod-kill``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._killed: dict[str, int] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Delete these very pods."""
        killed = []
        for pod in experiment.pods:
            try:
                await self._client.delete(PODS, pod.name, pod.namespace, grace_period_seconds=0, uid=pod.uid)
            except (NotFoundError, ConflictError):  # gone, or another of that name
                continue
            killed.append(pod.name)
        self._killed[experiment.uid] = len(killed)
        return f"deleted {', '.join(killed)} without grace" if killed else "the pods were gone already"

    async def undo(self, experiment: Experiment) -> Undone:
        """Do nothing: whoever owns the pod makes another."""
        return Undone("nothing to undo", self._killed.pop(experiment.uid, None))
