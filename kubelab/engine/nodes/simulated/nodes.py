"""`SimulatedNodes`: adopts simulated nodes and carries out what `stages` decides for their pods.

One loop serves all nodes. It waits for changes and for what is due next; while there is no simulated node
it does nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from zlib import crc32

from kubelab.client import LEASES, NODES, PODS, Client, Object
from kubelab.clock import Clock
from kubelab.engine.controllers.events import EventRecorder, Note
from kubelab.engine.controllers.queue import WorkQueue
from kubelab.engine.nodes.resize_decision import Verdict, decide
from kubelab.engine.nodes.simulated import resizing
from kubelab.engine.nodes.simulated.addresses import SimulatedAddresses
from kubelab.engine.nodes.simulated.claims import SimulatedClaims
from kubelab.engine.nodes.simulated.node import (
    LEASE_NAMESPACE,
    address_of,
    ignored_annotation,
    is_silent,
    lease,
    node_status,
)
from kubelab.engine.nodes.simulated.stages import Place, has_ended, next_step
from kubelab.engine.nodes.simulated.usage import DeclaredUsage
from kubelab.errors import AlreadyExistsError, ApiError, ConflictError, ConnectionFailedError, NotFoundError
from kubelab.informer import Informers, Key, key_of
from kubelab.node_template import is_simulated
from kubelab.scheduling.requests import amounts
from kubelab.simulated_pod import declarations_of, node_declaration_error

logger = logging.getLogger(__name__)

_WORKERS = 64
"""Writes under way at once; the store commits those that wait together."""

_LAST_LEASE_S = 40
"""What a node that falls silent leaves behind: a kubelet's ``nodeLeaseDurationSeconds``."""

_BY_NODE = "node of simulated pods"

_ROUNDS = 20
"""Parts that the nodes are divided into, so that renewals are spread over a third of the lease."""


class SimulatedNodes:
    """Acts for every Node with KWOK's annotation.

    Parameters
    ----------
    informers : Informers
        Shared caches of nodes and pods.
    lease_s : int
        How long a lease lasts; it is renewed three times in it. A real node has 40 s. Where nothing
        watches leases that closely, a thousand nodes cost ten writes a second with 300 s.

    Attributes
    ----------
    usage : DeclaredUsage
        What their pods use.
    """

    def __init__(self, client: Client, informers: Informers, clock: Clock, *, lease_s: int = 300) -> None:
        self._client = client
        self._informers = informers
        self._clock = clock
        self._lease_s = lease_s
        self._nodes = informers.of(NODES)
        self._pods = informers.of(PODS)
        self._pods.index(_BY_NODE, lambda pod: (pod["spec"].get("nodeName", ""),))
        self._names: dict[str, None] = {}  # in order, so that a run can be repeated
        self._silent: set[str] = set()
        self._put_off: dict[str, dict[Key, None]] = {}  # pods whose resize waits for room, by node
        self._any = asyncio.Event()
        self._addresses = SimulatedAddresses()
        self._claims = SimulatedClaims(client, informers, clock)
        self._queue = WorkQueue()
        self._subscribed = False
        self._looking = False
        self._events = EventRecorder(client, clock)
        self.usage = DeclaredUsage(clock, self._heard_nodes, self._heard_pods)

    async def run(self) -> None:
        """Be the nodes until cancelled."""
        await self._informers.start()
        self._subscribe()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew_leases())
                group.create_task(self._events.run())
                group.create_task(self._claims.run())
                group.create_task(self._claims.events.run())
                for _ in range(_WORKERS):
                    group.create_task(self._work())
        finally:
            self._queue.close()

    def _subscribe(self) -> None:
        """Take on what is there; handlers are given to the informers once, also if `run` runs again."""
        if self._subscribed:
            self._queue = WorkQueue()
            for key in [*self._nodes.objects, *(key_of(pod) for pod in self._own_pods())]:
                self._queue.add(key)
            return
        self._subscribed = True
        self._nodes.subscribe(self._on_node)
        self._pods.subscribe(self._on_pod)

    # -- changes ------------------------------------------------------------------------------------

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        name = (new or old or {})["metadata"]["name"]
        if new is not None and is_simulated(new):
            if address := address_of(new):
                self._addresses.keep(name, address)
            if name not in self._names:
                self._names[name] = None
                self._any.set()
                self._look_for_pods()
            self._queue.add(("", name))
            self._ask_again(name)
            if old is not None and declarations_of(old) != declarations_of(new):
                for pod in self._pods.by_index(_BY_NODE, name):
                    self._queue.add(key_of(pod))
            if (why := node_declaration_error(new)) and not (old and node_declaration_error(old) == why):
                self._warn(new, "InvalidSimulation", why)
            return
        if new is not None and (why := ignored_annotation(new)) and not (old and ignored_annotation(old)):
            self._warn(new, "NotSimulated", why)
        if name in self._names:
            del self._names[name]
            self._silent.discard(name)
            self._addresses.release(name)
            if not self._names:
                self._any.clear()

    def _warn(self, node: Object, reason: str, why: str) -> None:
        logger.warning("node %s: %s", node["metadata"]["name"], why)
        about = {**node, "apiVersion": NODES.api_version, "kind": NODES.kind}
        self._events.record("simulated-nodes", about, Note("Warning", reason, why))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            self._addresses.release(old["metadata"]["uid"])
            self._queue.drop(key_of(old))
        for node in {each["spec"].get("nodeName", "") for each in (old, new) if each}:
            self._ask_again(node)
        if new is None or new["spec"].get("nodeName") not in self._names:
            return
        address = (new.get("status") or {}).get("podIP")
        if address and not new["spec"].get("hostNetwork"):
            self._addresses.keep(new["metadata"]["uid"], address)
        self._queue.add(key_of(new))

    def _look_for_pods(self) -> None:
        """Take on pods that were bound before their node was seen, once for all nodes that come together."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._take_pods)

    def _take_pods(self) -> None:
        self._looking = False
        for pod in self._own_pods():
            self._on_pod(None, pod)

    def _own_pods(self) -> Iterable[Object]:
        if not self._names:
            return []
        return [pod for pod in self._pods.objects.values() if pod["spec"].get("nodeName") in self._names]

    def _ask_again(self, node: str) -> None:
        """Let a node decide again on resizes that it has put off."""
        for key in self._put_off.get(node, ()):
            self._queue.add(key)

    def _heard_nodes(self) -> dict[str, Object]:
        names = sorted(self._names.keys() - self._silent)
        return {name: node for name in names if (node := self._nodes.get("", name))}

    def _heard_pods(self) -> Iterable[Object]:
        return (pod for pod in self._own_pods() if pod["spec"]["nodeName"] not in self._silent)

    # -- work ---------------------------------------------------------------------------------------

    async def _work(self) -> None:
        queue = self._queue
        while True:
            key = await queue.get()
            try:
                again_s = await (self._pod(key) if key[0] else self._node(key[1]))
            except (NotFoundError, ConflictError):
                queue.forget(key)  # it changed meanwhile: the change brings it back
            except (ApiError, ConnectionFailedError, OSError) as error:
                logger.warning("simulating %s: %s", _text(key), error)
                queue.retry(key)
            except Exception:  # one odd object must not end the others
                logger.exception("simulating %s", _text(key))
                queue.retry(key)
            else:
                queue.forget(key)
                if again_s is not None:
                    queue.add_after(key, again_s)
            finally:
                queue.done(key)

    async def _pod(self, key: Key) -> float | None:
        pod = self._pods.objects.get(key)
        node = pod and self._nodes.get("", pod["spec"].get("nodeName", ""))
        if pod is None or not node or not is_simulated(node) or is_silent(node):
            return None
        meta, host_address = pod["metadata"], self._addresses.of(node["metadata"]["name"])
        now = self._clock.now()
        verdict = self._verdict(key, pod, node)
        step = next_step(pod, Place(self._addresses.of(meta["uid"]), host_address, verdict, node), now)
        if step.status is not None:
            version = {"resourceVersion": meta["resourceVersion"]}  # decided on what was seen
            patch = {"metadata": version, "status": step.status}
            await self._client.patch(PODS, meta["name"], patch, meta["namespace"], subresource="status")
        for note in step.notes:
            about = {**pod, "apiVersion": PODS.api_version, "kind": PODS.kind}
            self._events.record("kubelet", about, note)
        if step.delete:
            await self._client.delete(
                PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"]
            )
        return step.again_s

    def _verdict(self, key: Key, pod: Object, node: Object) -> Verdict | None:
        """Return what a node says to what a pod asks for, beside what its other pods hold."""
        name, verdict = node["metadata"]["name"], None
        if resizing.is_wanted(pod):
            pods = [each for each in self._pods.by_index(_BY_NODE, name) if not has_ended(each)]
            verdict = decide(map(resizing.resident, pods), amounts(node["status"].get("allocatable")))[
                pod["metadata"]["uid"]
            ]
        waiting = self._put_off.setdefault(name, {})
        if verdict is not None and not verdict.accepted:
            waiting[key] = None
        else:
            waiting.pop(key, None)
        return verdict

    async def _node(self, name: str) -> None:
        node = self._nodes.get("", name)
        if node is None or not is_simulated(node):
            return
        if is_silent(node) != (name in self._silent):
            await self._fall_silent(node) if is_silent(node) else await self._speak_again(node)
        status = node_status(node, self._addresses.of(name), self._clock.now())
        if status is None or is_silent(node):
            return
        await self._renew(node)
        await self._client.patch(NODES, name, {"status": status}, subresource="status")

    async def _fall_silent(self, node: Object) -> None:
        await self._renew(node, min(self._lease_s, _LAST_LEASE_S))
        self._silent.add(node["metadata"]["name"])

    async def _speak_again(self, node: Object) -> None:
        name = node["metadata"]["name"]
        self._silent.discard(name)
        await self._renew(node)
        for pod in self._own_pods():
            if pod["spec"]["nodeName"] == name:
                self._queue.add(key_of(pod))

    # -- leases -------------------------------------------------------------------------------------

    async def _renew_leases(self) -> None:
        while True:
            for turn in range(_ROUNDS):
                await self._any.wait()
                due = [name for name in self._names if crc32(name.encode()) % _ROUNDS == turn]
                nodes = [node for name in due if (node := self._nodes.get("", name)) and not is_silent(node)]
                for answer in await asyncio.gather(*map(self._renew, nodes), return_exceptions=True):
                    if isinstance(answer, BaseException):
                        logger.warning("a lease was not renewed: %s", answer)
                await asyncio.sleep(self._lease_s / 3 / _ROUNDS)

    async def _renew(self, node: Object, lasts_s: int | None = None) -> None:
        wanted = lease(node, self._clock.now(), lasts_s or self._lease_s)
        name = node["metadata"]["name"]
        try:
            await self._client.patch(LEASES, name, {"spec": wanted["spec"]}, LEASE_NAMESPACE)
        except NotFoundError:
            try:
                wanted["spec"]["acquireTime"] = wanted["spec"]["renewTime"]
                await self._client.create(LEASES, wanted)
            except AlreadyExistsError:
                return


def _text(key: Key) -> str:
    return "/".join(part for part in key if part)
