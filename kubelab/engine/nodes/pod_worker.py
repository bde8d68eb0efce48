"""The node's work on one pod: make it ready, have it supervised, report on it, end it.

It can begin at any point of a pod's life, because the pod's directory and its supervisor outlive the node.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from kubelab.client import PODS, Object
from kubelab.clock import rfc3339
from kubelab.engine.nodes import processes, volumes
from kubelab.engine.nodes.environment import ConfigurationError
from kubelab.engine.nodes.node_context import NodeContext
from kubelab.engine.nodes.plan import PodPlan, read_json, write_json
from kubelab.engine.nodes.planning import runs_jax
from kubelab.engine.nodes.pod_resize import PodResize, ResizeState
from kubelab.engine.nodes.preparation import prepare, prepare_volumes
from kubelab.engine.nodes.python_main import accepts
from kubelab.engine.nodes.status import Observation, pod_status
from kubelab.engine.nodes.warm_parent import start_cold
from kubelab.errors import ApiError, ConflictError, ConnectionFailedError, NotFoundError

logger = logging.getLogger(__name__)

_SLOW_POLL_S = 2.0
_SETUP_RETRY_S = 0.5
_STARTING_S = 10.0
_TELL_WAITING_AFTER_S = 0.3
_RENEW_VOLUMES_S = 10.0
_WATCHED = ("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "generation")
_TERMINAL = frozenset({"Succeeded", "Failed"})


class PodWorker:
    """One pod on this node, from its binding to its deletion.

    Parameters
    ----------
    pod : Object
        The pod as the API server has it; `update` brings newer ones.
    """

    def __init__(self, pod: Object, node: NodeContext) -> None:
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.directory = node.state_dir / "pods" / self.uid
        self.report: dict[str, Any] | None = None
        self._node = node
        self._nudged = asyncio.Event()
        self._address = ""
        self._gone = False
        self._ordered_s: float | None = None
        self._told_events = self._told_resizing = 0
        self._start_time = rfc3339(node.clock.now())
        self.resize = PodResize(self.directory, node.events, node.allocatable)
        self._read_report()  # of a pod that an earlier node process started
        self._seen_at: float | None = asyncio.get_running_loop().time()

    # -- what the node tells it ---------------------------------------------------------------------

    def update(self, pod: Object) -> None:
        """Take a newer version of the pod; its own status patches come back here too."""
        old, new = self.pod["metadata"], pod["metadata"]
        if int(new["resourceVersion"]) < int(old["resourceVersion"]):
            return
        changed = any(new.get(key) != old.get(key) for key in _WATCHED)
        self.pod = pod
        if changed:
            self._nudged.set()

    def vanish(self) -> None:
        """Take note that the pod was deleted from the API: end it without grace."""
        self._gone = True
        self._nudged.set()

    def nudge(self) -> None:
        """Take note that the supervisor wrote a new status."""
        self._nudged.set()

    @property
    def namespaced_name(self) -> str:
        """``namespace/name``."""
        return f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"

    @property
    def live(self) -> bool:
        """Whether the pod has an address and has not ended."""
        return bool(self._address) and not self._ended

    @property
    def active(self) -> bool:
        """Whether the pod holds a part of the node: it is not gone and has not ended."""
        phase = (self.pod.get("status") or {}).get("phase")
        return not (self._gone or self._ended or phase in _TERMINAL)

    @property
    def _ended(self) -> bool:
        return bool(self.report and self.report["ended"])

    def container(self, name: str) -> dict[str, Any] | None:
        """Return the last ``containerStatuses`` entry of a container."""
        for entry in (self.report or {}).get("containers", []):
            if entry["status"]["name"] == name:
                return dict(entry["status"])
        return None

    # -- the work -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Do it all; returns when the pod is gone."""
        phase = (self.pod.get("status") or {}).get("phase")
        if phase in _TERMINAL and not (self.directory / "plan.json").exists():
            await self._until_deleted()
        elif await self._set_up():
            await self._attend()
        else:
            self._end_unstarted()
        await self._finish()

    async def _until_deleted(self) -> None:
        while not self._gone and not self.pod["metadata"].get("deletionTimestamp"):
            await self._wait(3600.0)

    async def _set_up(self) -> bool:
        """Get the pod a running supervisor; False if it was deleted meanwhile."""
        if (self.directory / "plan.json").exists():
            self._adopt()
            return True
        began = asyncio.get_running_loop().time()
        said = ""
        while not self._gone and not self.pod["metadata"].get("deletionTimestamp"):
            try:
                self._address = self._node.hosts.address_for(self.pod)
                await prepare(self.pod, self._node, self._start_time)
                await self._start()
            except (volumes.VolumeError, ConfigurationError, OSError, ApiError) as error:
                if str(error) != said:
                    said = str(error)
                    self._say_waiting(error)
                if asyncio.get_running_loop().time() - began >= _TELL_WAITING_AFTER_S:
                    await self._report(_waiting_for(error))
                await self._wait(_SETUP_RETRY_S)
            else:
                return True
        return False

    def _say_waiting(self, error: Exception) -> None:
        reason = "Failed" if isinstance(error, ConfigurationError) else "FailedMount"
        text = f"Error: {error}" if isinstance(error, ConfigurationError) else str(error)
        self._node.events.record(self.pod, "Warning", reason, text)

    async def _start(self) -> None:
        self.resize.plan = plan = PodPlan.load(self.directory)
        warm = self._node.warm
        patient = any(accepts(each.argv, each.env) and runs_jax(each.env) for each in plan.containers)
        if warm and await warm.supervise(self.directory, patient=patient):
            return
        await start_cold(self.directory)

    def _adopt(self) -> None:
        """Take over a pod that an earlier node process started."""
        plan = PodPlan.load(self.directory)
        self._address = plan.address
        self._start_time = plan.start_time
        self._seen_at = None
        with contextlib.suppress(FileNotFoundError):
            told = read_json(self.directory / "node.json")
            self._told_events, self.resize.under_way = int(told["told_events"]), int(told.get("resizing", 0))
        self._nudged.set()

    async def _attend(self) -> None:
        """Report on the pod until it has ended and was deleted."""
        renewed = asyncio.get_running_loop().time()
        while not self._gone:
            await self._wait(_SLOW_POLL_S)
            self._read_report()
            await self._keep_supervised()
            await self._report()
            if self.pod["metadata"].get("deletionTimestamp"):
                if self._ended:
                    return
                self._order_end()
            now = asyncio.get_running_loop().time()
            if self.live and now - renewed >= _RENEW_VOLUMES_S:
                renewed = now
                await self._renew_volumes()

    async def _wait(self, patience_s: float) -> None:
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the nudge.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._nudged.wait()
        self._nudged.clear()

    def _read_report(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.report = read_json(self.directory / "status.json")

    async def _keep_supervised(self) -> None:
        """Start the supervisor again if it was killed; what it ran was killed with it."""
        if self._ended or is_supervised(self.directory):
            return
        await asyncio.sleep(0.05)  # one that is just starting has not taken its lock yet
        if self._starting() or is_supervised(self.directory):
            return
        self._read_report()
        if self._ended:
            return
        self._tell_why_it_ended()
        processes.kill_pod(self.directory)
        await self._start()
        await asyncio.sleep(0.2)

    def _tell_why_it_ended(self) -> None:
        """Make an event of the error that a supervisor left, if it ended of one."""
        path = self.directory / "supervisor-error"
        with contextlib.suppress(FileNotFoundError):
            text = f"Failed to create pod sandbox: {path.read_text().strip()}"
            path.unlink()
            self._node.events.record(self.pod, "Warning", "FailedCreatePodSandBox", text)

    def _starting(self) -> bool:
        """Whether a supervisor was asked for that has not written its record yet."""
        if self.report or (self.directory / "supervisor.json").exists():
            return False
        age_s: float = self._node.clock.now().timestamp() - (self.directory / "plan.json").stat().st_mtime
        return age_s < _STARTING_S

    def _order_end(self) -> None:
        grace_s = self.pod["metadata"].get("deletionGracePeriodSeconds")
        grace_s = 30.0 if grace_s is None else float(grace_s)
        if grace_s != self._ordered_s:
            self._ordered_s = grace_s
            processes.order_end(self.directory, grace_s)

    async def _renew_volumes(self) -> None:
        with contextlib.suppress(volumes.VolumeError, ApiError, ConnectionFailedError):
            await prepare_volumes(self.resize.as_given(self.pod), self._node, only_projected=True)

    # -- telling the API ----------------------------------------------------------------------------

    async def _report(self, waiting: tuple[str, str] = ("ContainerCreating", "")) -> None:
        """Bring the pod's status up to date with one patch, if it is not."""
        if self.report is None and waiting == ("ContainerCreating", ""):
            return
        resize = self.resize.state(self.pod, self.report)
        self._tell_events()
        status = pod_status(self.pod, self._observation(waiting, resize))
        if self._seen_at is not None and status["phase"] == "Running":
            self._node.starts.observe(asyncio.get_running_loop().time() - self._seen_at)
            self._seen_at = None
        old = self.pod.get("status") or {}
        if {key: old.get(key) for key in status} == status:
            return
        meta = self.pod["metadata"]
        patch = {"metadata": {"uid": self.uid}, "status": status}
        try:
            newer = await self._node.client.patch(
                PODS, meta["name"], patch, meta["namespace"], subresource="status"
            )
        except (NotFoundError, ConflictError):
            return
        except (ApiError, ConnectionFailedError) as error:
            logger.warning("status of %s: %s", self.namespaced_name, error)
            return
        if newer["metadata"]["uid"] == self.uid:
            self.update(newer)

    def _observation(self, waiting: tuple[str, str], resize: ResizeState | None) -> Observation:
        node = self._node
        return Observation(
            address=self._address,
            host_address=node.host_address,
            start_time=self._start_time,
            now=rfc3339(node.clock.now()),
            report=self.report,
            waiting=waiting,
            resize=resize,
        )

    def _tell_events(self) -> None:
        events = [
            each for each in (self.report or {}).get("events", []) if each["number"] > self._told_events
        ]
        for event in events:
            self._node.events.record(
                self.pod,
                event["type"],
                event["reason"],
                event["message"],
                field=event["field"],
                at=event["time"],
            )
        told = events[-1]["number"] if events else self._told_events
        if (told, self.resize.under_way) != (self._told_events, self._told_resizing):
            self._told_events, self._told_resizing = told, self.resize.under_way
            write_json(self.directory / "node.json", {"told_events": told, "resizing": self._told_resizing})

    # -- the end ------------------------------------------------------------------------------------

    def _end_unstarted(self) -> None:
        """Nothing of a pod deleted before it could start is left to end."""
        self.report = None

    async def _finish(self) -> None:
        """Remove what is left of the pod, here and in the API."""
        processes.kill_pod(self.directory)
        if not self._gone:
            meta = self.pod["metadata"]
            with contextlib.suppress(NotFoundError, ConflictError):
                await self._node.client.delete(
                    PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=self.uid
                )
        await asyncio.to_thread(shutil.rmtree, self.directory, ignore_errors=True)


def is_supervised(directory: Path) -> bool:
    """Say whether a supervisor holds the pod's lock."""
    try:
        fd = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _waiting_for(error: Exception) -> tuple[str, str]:
    if isinstance(error, ConfigurationError):
        return "CreateContainerConfigError", str(error)
    return "ContainerCreating", ""
