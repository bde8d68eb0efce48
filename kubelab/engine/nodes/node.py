"""`ProcessNode`: a node of the cluster whose pods are processes of this machine."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, SERVICES, Client, Object
from kubelab.clock import Clock
from kubelab.engine.apiserver.pod_logs import LogOptions
from kubelab.engine.apiserver.pod_streams import StreamOptions
from kubelab.engine.measures import Measures, exponential
from kubelab.engine.nodes import processes
from kubelab.engine.nodes.access import PodAccess
from kubelab.engine.nodes.addresses import Addresses
from kubelab.engine.nodes.allocation import review
from kubelab.engine.nodes.claims import Claims
from kubelab.engine.nodes.events import Recorder
from kubelab.engine.nodes.heartbeat import Heartbeat
from kubelab.engine.nodes.hosts import Hosts
from kubelab.engine.nodes.isolation import Isolation, probe
from kubelab.engine.nodes.name_faults import NameFaults
from kubelab.engine.nodes.node_context import NodeContext
from kubelab.engine.nodes.nudges import Nudges
from kubelab.engine.nodes.pod_log import read_log
from kubelab.engine.nodes.pod_resize import plan_in
from kubelab.engine.nodes.pod_worker import PodWorker
from kubelab.engine.nodes.preparation import cache_directory
from kubelab.engine.nodes.process_usage import ProcessUsage
from kubelab.engine.nodes.sessions import Session
from kubelab.engine.nodes.warm_parent import WarmParent
from kubelab.informer import Informers
from kubelab.scheduling.requests import amounts

logger = logging.getLogger(__name__)

_RESTART_S = 1.0
_MAX_CACHE_BYTES = 256 * 1024 * 1024
_STARTS = (
    "kubelet_pod_start_duration_seconds",
    "Time from the node's first seeing a pod to the pod's running.",
    exponential(0.05, 2, 12),
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where pods find the API server."""

    url: str
    ca_file: Path


class ProcessNode:
    """Runs the pods that are bound to it as processes, and reports on them.

    Parameters
    ----------
    client : Client
        Acts as the node.
    informers : Informers
        Shared caches of pods, services and claims.
    name : str
        The Node's name.
    state_dir : Path
        Pods, volumes and logs are kept below it; nothing else on the machine is changed.
    warm : bool
        Whether to keep a warm parent for Python pods.
    isolation : Isolation, optional
        What pods get of their own; tried out unless given.
    back_off_s : float
        First restart delay; 10 s on a real node.
    measures : Measures, optional
        Where the starts of pods are timed.

    Attributes
    ----------
    kubelet_port : int
        Where the node's HTTPS face is, 0 without one; set before `run`.
    name_faults : NameFaults
        Names that its pods do not find, on purpose.
    """

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Clock,
        *,
        name: str,
        state_dir: Path,
        server: ServerAddress,
        warm: bool = True,
        isolation: Isolation | None = None,
        back_off_s: float = 10.0,
        measures: Measures | None = None,
    ) -> None:
        self.name = name
        self.isolation = isolation
        self.kubelet_port = 0
        self.name_faults = NameFaults()
        self.ready = asyncio.Event()
        self._client = client
        self._informers = informers
        self._clock = clock
        self._state_dir = state_dir.resolve()
        self._server = server
        self._back_off_s = back_off_s
        self._events = Recorder(client, clock, name)
        self._warm = WarmParent(self._state_dir, name) if warm else None
        self._claims = Claims(
            client,
            informers.of(PERSISTENT_VOLUME_CLAIMS),
            informers.of(PERSISTENT_VOLUMES),
            self._events,
            node=name,
            directory=self._state_dir / "volumes",
        )
        self._starts = (measures or Measures()).histograms(*_STARTS).of()
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._access = PodAccess(self._workers.get)
        self._addresses: Addresses | None = None
        self._hosts: Hosts | None = None
        self._heartbeat: Heartbeat | None = None
        self._context: NodeContext | None = None
        self._subscribed = False
        self.usage = ProcessUsage(name, self._state_dir, clock, self._live_pods)
        self._pods = informers.of(PODS)
        self._services = informers.of(SERVICES)

    @property
    def warm_parent_pid(self) -> int | None:
        """The warm parent's pid, while there is one."""
        return self._warm.pid if self._warm else None

    @property
    def warm_parent_ready(self) -> bool:
        """Whether Python pods fork from the warm parent now."""
        return bool(self._warm and self._warm.ready)

    async def run(self) -> None:
        """Be the node until cancelled; pods go on without it."""
        self._state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("pods", "volumes"):
            (self._state_dir / name).mkdir(exist_ok=True, mode=0o700)
        if self.isolation is None:
            self.isolation = await asyncio.to_thread(probe, self._state_dir)
        nudges = Nudges(self._state_dir, self._on_nudge)
        try:
            async with asyncio.TaskGroup() as group:
                await self._begin(group, self.isolation)
                await asyncio.Event().wait()
        finally:
            nudges.close()
            self.ready.clear()
            self._context = None
            await self._stop_workers()

    async def stop(self) -> None:
        """Stop being the node; its pods go on."""
        await self._stop_workers()
        if self._addresses:
            self._addresses.close()

    async def report(self, problem: str) -> None:
        """Say in the API that the node is not ready and why, or with an empty text that it is again."""
        await self.ready.wait()
        if self._heartbeat:
            await self._heartbeat.report(problem)

    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield a container's log.

        Raises
        ------
        ApiError
            400 while the container waits to start, or has no previous run.
        """
        worker = self._workers.get(pod["metadata"]["uid"])
        async for chunk in read_log(pod, worker, container, options, self._clock):
            yield chunk

    def check_running(self, pod: Object, container: str) -> None:
        """Refuse a container that does not run."""
        self._access.check_running(pod, container)

    async def exec(self, pod: Object, container: str, options: StreamOptions) -> Session:
        """Run a command in a container."""
        return await self._access.exec(pod, container, options)

    async def attach(self, pod: Object, container: str, options: StreamOptions) -> Session:
        """Join the streams of a container's own process."""
        return await self._access.attach(pod, container, options)

    async def connect(self, pod: Object, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to a port of the pod."""
        return await self._access.connect(pod, port)

    # -- starting -----------------------------------------------------------------------------------

    async def _begin(self, group: asyncio.TaskGroup, isolation: Isolation) -> None:
        heartbeat = self._heartbeat = Heartbeat(
            self._client, self._clock, self.name, self._state_dir, isolation, kubelet_port=self.kubelet_port
        )
        await self._informers.start()
        allocatable = await heartbeat.register()
        self._hosts = self._make_hosts(isolation)
        self._context = self._make_context(allocatable, isolation, self._hosts)
        group.create_task(self._events.run())
        group.create_task(self._claims.run())
        group.create_task(heartbeat.run())
        group.create_task(self.usage.run())
        self._subscribe()
        group.create_task(self._tidy())
        self.ready.set()
        self._review()
        if self._warm:
            group.create_task(self._keep_warm(self._warm))

    def _subscribe(self) -> None:
        """Take on what is there; handlers are given to the informers once, also if `run` runs again."""
        if self._subscribed:
            for pod in list(self._pods.objects.values()):
                self._on_pod(None, pod)
            return
        self._subscribed = True
        self._pods.subscribe(self._on_pod)
        self._services.subscribe(self._on_service)

    async def _keep_warm(self, warm: WarmParent) -> None:
        while True:
            try:
                await warm.run()
            except OSError:
                logger.exception("the warm parent cannot be started")
                await asyncio.sleep(_RESTART_S)

    def _make_hosts(self, isolation: Isolation) -> Hosts:
        self._addresses = self._addresses or Addresses(self._state_dir, self.name)
        for path in (self._state_dir / "pods").glob("*/plan.json"):
            if plan := plan_in(path.parent):
                self._addresses.keep(plan.uid, plan.address)
        return Hosts(
            self._informers,
            self._addresses,
            self._live_pods,
            own_addresses=isolation.addresses,
            resolvable=isolation.namespaces,
            faults=self.name_faults,
        )

    def _make_context(self, allocatable: dict[str, str], isolation: Isolation, hosts: Hosts) -> NodeContext:
        return NodeContext(
            name=self.name,
            client=self._client,
            clock=self._clock,
            state_dir=self._state_dir,
            host_address="127.0.0.1",
            allocatable=allocatable,
            isolation=isolation.plan(),
            events=self._events,
            hosts=hosts,
            warm=self._warm,
            ca_file=self._server.ca_file,
            back_off_s=self._back_off_s,
            claim=self._claims.for_pod,
            starts=self._starts,
        )

    async def _tidy(self) -> None:
        """End pods that were deleted while the node was away; empty a cache that grew too large."""
        for directory in list((self._state_dir / "pods").iterdir()):
            if directory.name not in self._workers and self._is_ours(directory):
                await asyncio.to_thread(processes.kill_pod, directory)
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        await asyncio.to_thread(_empty_if_large, cache_directory(self._state_dir))

    def _is_ours(self, directory: Path) -> bool:
        plan = plan_in(directory)
        return plan is None or plan.node == self.name

    # -- pods ---------------------------------------------------------------------------------------

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        if pod is None or self._context is None:
            return
        if old and new and old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._vanished(old)
        worker = self._workers.get(pod["metadata"]["uid"])
        if new is None:
            self._vanished(pod)
        elif worker:
            worker.update(new)
        elif new["spec"].get("nodeName") == self.name:
            self._take(new, self._context)
        if pod["metadata"]["uid"] in self._workers:
            self._review()
        self._context.hosts.changed()

    def _on_service(self, _old: Object | None, _new: Object | None) -> None:
        if self._context:
            self._context.hosts.changed()

    def _vanished(self, pod: Object) -> None:
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker:
            worker.vanish()

    def _take(self, pod: Object, context: NodeContext) -> None:
        worker = PodWorker(pod, context)
        self._workers[worker.uid] = worker
        name = f"pod {worker.namespaced_name}"
        self._tasks[worker.uid] = asyncio.create_task(self._work(worker, context), name=name)

    async def _work(self, worker: PodWorker, context: NodeContext) -> None:
        """Run the work on a pod to its end, again if it fails."""
        while True:
            try:
                await worker.run()
            except Exception:
                logger.exception("work on pod %s", worker.namespaced_name)
                await asyncio.sleep(_RESTART_S)
            else:
                break
        self._workers.pop(worker.uid, None)
        self._tasks.pop(worker.uid, None)
        context.hosts.release(worker.uid)
        self._review()

    def _review(self) -> None:
        if self._context and self.ready.is_set():  # every pod that is there has been taken on
            review(self._workers, amounts(self._context.allocatable))

    def _live_pods(self) -> Iterable[tuple[Object, Path]]:
        return [(worker.pod, worker.directory) for worker in self._workers.values() if worker.live]

    def _on_nudge(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker:
            worker.nudge()

    async def _stop_workers(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._workers.clear()
        self._tasks.clear()


def _empty_if_large(cache: Path) -> None:
    files = list(cache.glob("*"))
    if sum(path.stat().st_size for path in files) > _MAX_CACHE_BYTES:
        for path in files:
            path.unlink(missing_ok=True)
