"""The loop around `decision`: it hears nodes by their leases and their status."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubelab.client import LEASES, NODES, PODS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.batches import together
from kubelab.engine.controllers.conditions import find, with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.nodelifecycle.decision import leaving, listen, readiness, taints, unknown
from kubelab.engine.controllers.nodelifecycle.zones import Zone, Zones, zone_of
from kubelab.engine.controllers.pods import BY_NODE, by_node, is_ready
from kubelab.errors import NotFoundError

_LEASE_NAMESPACE = "kube-node-lease"


class NodeLifecycleController(Controller):
    """Doubts nodes that fall silent. Its keys are nodes.

    A healthy node costs a timer for each of its leases: what it hears in between is only noted.
    """

    name = "node-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._heard: dict[str, datetime] = {}
        self._unready: set[str] = set()  # whose pods were told
        self._zones = Zones()
        self._next_eviction: dict[Zone, datetime] = {}
        self._halted = False
        self.leases = self.views.of(LEASES)
        self.leases.subscribe(self._lease_changed)
        self.nodes = self.views.of(NODES)
        self.nodes.subscribe(self._node_changed)
        self.pods = self.views.of(PODS)
        self.pods.index(BY_NODE, by_node)

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - nodes have none
        """Listen for one node, and act on what it is."""
        node = self.nodes.get("", name)
        if node is None:
            return None
        now = self.clock.now()
        heard = self._heard.setdefault(name, now)
        hearing = listen(node, self.leases.get(_LEASE_NAMESPACE, name), heard, now)
        self._heard[name] = hearing.heard
        if hearing.silent and await self._doubt(node, now):
            return None  # the change brings it back
        waits = await self._taint(node, now)
        await self._tell_pods(node)
        return min((each for each in (hearing.again_s, waits) if each is not None), default=None)

    async def _doubt(self, node: Object, now: datetime) -> bool:
        """Write that nobody knows how a node is; say whether that was news."""
        conditions = unknown(node, now)
        if conditions == (node.get("status") or {}).get("conditions"):
            return False
        await self._write(node, {"status": {"conditions": conditions}}, subresource="status")
        return True

    async def _taint(self, node: Object, now: datetime) -> float | None:
        """Bring a node's taints up to date; return in how many seconds it may lose its pods, if it waits."""
        evict, waits = False, None
        if not self._halted and readiness(node) in {"False", "Unknown"} and not leaving(node):
            evict, waits = self._may_evict(zone_of(node), now)
        wanted = taints(node, now, evict=evict, halt=self._halted)
        if wanted != ((node.get("spec") or {}).get("taints") or []):
            await self._write(node, {"spec": {"taints": wanted or None}})
        return waits

    def _may_evict(self, zone: Zone, now: datetime) -> tuple[bool, float | None]:
        """Say whether a node may lose its pods now, and if not, when to ask again; None: after a change."""
        rate = self._zones.rate(zone)
        if not rate:
            return False, None
        left = self._next_eviction.get(zone, now) - now
        if left > timedelta():
            return False, left.total_seconds()
        self._next_eviction[zone] = now + timedelta(seconds=1 / rate)
        return True, None

    async def _tell_pods(self, node: Object) -> None:
        """Say of the pods on a node that is no longer ready that they are not ready either."""
        name = node["metadata"]["name"]
        if readiness(node) == "True":
            self._unready.discard(name)
        elif name not in self._unready and readiness(node):
            await together(self._tell_pod(pod) for pod in self.pods.by_index(BY_NODE, name) if is_ready(pod))
            self._unready.add(name)
            self.note(node, Note("Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady"))

    async def _tell_pod(self, pod: Object) -> None:
        conditions = pod["status"]["conditions"]
        ready = {**(find(conditions, "Ready") or {}), "status": "False"}
        changed = with_condition(conditions, ready, rfc3339(self.clock.now()))
        try:
            await self._write(pod, {"status": {"conditions": changed}}, subresource="status", pod=True)
        except NotFoundError:
            return
        self.note(pod, Note("Warning", "NodeNotReady", "Node is not ready"))

    async def _write(self, obj: Object, patch: Object, *, subresource: str = "", pod: bool = False) -> None:
        """Patch an object as it was read; whoever changed it since is seen first."""
        version = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}}
        await self.patch(PODS if pod else NODES, obj, {**version, **patch}, subresource=subresource)

    # What it hears

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or new["metadata"]["namespace"] != _LEASE_NAMESPACE:
            return
        was, spec = (old or {}).get("spec") or {}, new.get("spec") or {}
        name = new["metadata"]["name"]
        if spec.get("renewTime") != was.get("renewTime"):
            self._heard[name] = self.clock.now()
        if spec.get("leaseDurationSeconds") != was.get("leaseDurationSeconds"):
            self.queue.add(("", name))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        name = either(old, new)["metadata"]["name"]
        if new is None or (old is not None and old["metadata"]["uid"] != new["metadata"]["uid"]):
            self._forget(name)
        if new is None:
            return
        if old is None or _heartbeat(old) != _heartbeat(new):
            self._heard[name] = self.clock.now()
        if old is None or _seen_of(old) != _seen_of(new):
            self._count(name, new)
            self.queue.add(("", name))

    def _count(self, name: str, node: Object) -> None:
        """Count a node in its zone; where that changes what others may do, they are looked at again."""
        zone, ready = zone_of(node), readiness(node) == "True"
        rate = self._zones.rate(zone)
        self._zones.put(name, zone, ready=ready)
        if self._zones.rate(zone) != rate:
            for other in self._zones.unready(zone):
                self.queue.add(("", other))
        self._halt()

    def _halt(self) -> None:
        """Look at all nodes again where the last one was lost or the first came back."""
        if self._halted == self._zones.all_lost:
            return
        self._halted = self._zones.all_lost
        now = self.clock.now()
        for _, name in self.nodes.informer.objects:
            if not self._halted:
                self._heard[name] = now
            self.queue.add(("", name))

    def _forget(self, name: str) -> None:
        self._heard.pop(name, None)
        self._unready.discard(name)
        self._zones.drop(name)
        self._halt()


def _heartbeat(node: Object) -> object:
    ready = find((node.get("status") or {}).get("conditions"), "Ready")
    return (ready or {}).get("lastHeartbeatTime")


def _seen_of(node: Object) -> tuple[object, ...]:
    spec = node.get("spec") or {}
    conditions = (node.get("status") or {}).get("conditions") or []
    states = [(each["type"], each["status"]) for each in conditions]
    return zone_of(node), states, spec.get("taints"), spec.get("unschedulable"), node["metadata"]["uid"]
