"""Carrying a decision out: volumes first, then the pod's binding."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, Client
from kubelab.engine.scheduler.feed import Feed
from kubelab.errors import KubelabError
from kubelab.scheduling.decision import Decision
from kubelab.scheduling.snapshot import Key, PodInfo, Snapshot
from kubelab.scheduling.volumes import SELECTED_NODE, VolumeChoice, is_bound

BIND_TIMEOUT_S = 600.0
"""``VolumeBindingArgs.bindTimeoutSeconds``: how long a volume may take to be provisioned."""


class VolumesNotBoundError(KubelabError):
    """The claims of a pod did not get their volumes on the chosen node; another try may choose another."""

    def __init__(self, claim: Key, cause: str) -> None:
        self.claim = claim
        super().__init__(f'running PreBind plugin "VolumeBinding": binding volumes: {cause}')


class Binder:
    """Writes placements to the API."""

    def __init__(self, client: Client, feed: Feed) -> None:
        self.client = client
        self.feed = feed

    async def bind(self, pod: PodInfo, decision: Decision) -> None:
        """Bind the pod to the decision's node; may raise `ApiError` or `VolumesNotBoundError`."""
        for choice in decision.volumes:
            await self._choose(choice, decision.node)
        for choice in decision.volumes:
            await self._bound(choice.claim, decision.node)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": decision.node},
        }
        await self.client.create(PODS, binding, subresource_of=pod.name, subresource="binding")

    async def _choose(self, choice: VolumeChoice, node: str) -> None:
        namespace, name = choice.claim
        if not choice.volume:
            patch = {"metadata": {"annotations": {SELECTED_NODE: node}}}
            await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name, patch, namespace)
            return
        claim = self.feed.cache.claims[choice.claim]
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": name,
            "uid": claim["metadata"]["uid"],
        }
        await self.client.patch(PERSISTENT_VOLUMES, choice.volume, {"spec": {"claimRef": reference}})

    async def _bound(self, key: Key, node: str) -> None:
        progress = _Progress(key, node)
        try:
            async with asyncio.timeout(BIND_TIMEOUT_S):
                await self.feed.claims(progress.is_over)
        except TimeoutError:
            raise VolumesNotBoundError(key, "context deadline exceeded") from None
        claim = self.feed.cache.claims.get(key)
        if claim is None:
            raise VolumesNotBoundError(key, f'persistentvolumeclaim "{key[1]}" not found')
        if not is_bound(claim):
            raise VolumesNotBoundError(key, f'provisioning failed for PVC "{key[1]}"')


@dataclass(slots=True)
class _Progress:
    """Watches one claim; a provisioner that gives up takes the selected node off it."""

    claim: Key
    node: str
    seen: bool = False

    def is_over(self, snapshot: Snapshot) -> bool:
        claim = snapshot.storage.claims.get(self.claim)
        if claim is None or is_bound(claim):
            return True
        annotations = claim["metadata"].get("annotations") or {}
        selected = annotations.get(SELECTED_NODE) == self.node
        given_up = self.seen and not selected
        self.seen = self.seen or selected
        return given_up
