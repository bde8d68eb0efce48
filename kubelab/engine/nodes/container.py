"""One container in its supervisor: starts it, watches it, ends it, and says what state it is in.

Whether it starts again is `restarts`'s to decide and the supervisor's to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubelab.clock import monotonic, rfc3339
from kubelab.engine.nodes import launch, usage
from kubelab.engine.nodes.cgroups import Group, Hierarchy
from kubelab.engine.nodes.console import Console
from kubelab.engine.nodes.host import Host
from kubelab.engine.nodes.logfile import LogFile, segment_path, segments
from kubelab.engine.nodes.loop import Timer
from kubelab.engine.nodes.plan import ContainerPlan
from kubelab.engine.nodes.probes import Probes, run_hook
from kubelab.engine.nodes.process import Callbacks, Process

MAX_TERMINATION_MESSAGE = 4096
MAX_FALLBACK_MESSAGE = 2048
_START_ERROR = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: "
)
_NEVER = "1970-01-01T00:00:00Z"


class Container:
    """One container of the pod.

    Parameters
    ----------
    host : Host
        The supervisor.
    plan : ContainerPlan
        What to run.
    ended : callable
        Called with this container when a run of it has ended.
    """

    def __init__(self, host: Host, plan: ContainerPlan, ended: Callable[[Container], None]) -> None:
        self.plan = plan
        initialising = any(other.role != "main" for other in host.pod.containers)
        reason = "PodInitializing" if initialising else "ContainerCreating"
        self.state: dict[str, Any] = {"waiting": {"reason": reason}}
        self.last_state: dict[str, Any] = {}
        self.restarts = 0
        self.runs = 0
        self.ready = False
        self.started = False
        self.process: Process | None = None
        self.stopping = False
        self.next_plan: ContainerPlan | None = None
        self.ran_s = 0.0
        self.orphans_cpu_s = 0.0
        self._host = host
        self._ended = ended
        self._log: LogFile | None = None
        self._probes: Probes | None = None
        self._kill_timer: Timer | None = None
        self._began_s = 0.0
        self._out_of_memory = False
        self._start_error = ""
        self.group = Group(Hierarchy.of(host.pod.isolation), f"{host.pod.uid}/{plan.name}")
        self._oom_kills = 0
        self.console: Console | None = None
        self.visitors: dict[int, int] = {}

    @property
    def directory(self) -> Path:
        """The container's own files."""
        return launch.container_directory(self._host.directory, self.plan.name)

    @property
    def log_directory(self) -> Path:
        """The container's logs."""
        return self._host.directory / "logs" / self.plan.name

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None

    @property
    def terminated(self) -> dict[str, Any] | None:
        """How it ended, if it is at its end."""
        return self.state.get("terminated")

    @property
    def id(self) -> str:
        """The ``containerID`` of the current run."""
        return f"kubelab://{self._host.pod.uid}/{self.plan.name}/{self.restarts}"

    def start(self) -> None:
        """Start a run; `restarts` counts those before it."""
        self.plan, self.next_plan = self.next_plan or self.plan, None
        plan, host = self.plan, self._host
        if self.runs:
            self.restarts += 1
            self.last_state = self.state
        self.runs += 1
        self.stopping = self._out_of_memory = self.started = self.ready = False
        self._start_error, self._began_s, self.orphans_cpu_s = "", 0.0, 0.0
        host.record("Normal", "Pulled", _pulled(plan.image), plan)
        launch.make_directories(self.directory, plan)
        self._forget_old_logs()
        self._log = LogFile(self.log_directory, self.restarts, host.clock)
        self.group.create(plan.memory_limit_bytes, plan.cpu_limit_millicores, plan.cpu_request_millicores)
        self._oom_kills = self.group.oom_kills()
        host.record("Normal", "Created", "Container created", plan)
        self.console = Console(host.loop, plan)
        self.process = self.console.process = Process(
            host.loop,
            lambda: launch.become_container(host, plan, self.group),
            Callbacks(self._on_output, self._on_started, self._on_end),
            self.console.streams,
        )

    def visited_by(self, pid: int) -> None:
        """Take note of a command that runs beside the container's process: it ends with it."""
        found = usage.stat(pid)
        self.visitors = {**self._visitors(usage.processes()), pid: found.start if found else 0}
        self._host.changed()

    def _visitors(self, table: dict[int, usage.ProcessStat]) -> dict[int, int]:
        """Commands that left something running; the kernel keeps a session's number while a member lives."""
        live = {entry.session for entry in table.values()}
        return {
            pid: start
            for pid, start in self.visitors.items()
            if pid in live and (pid not in table or table[pid].start == start)
        }

    def resize(self, plan: ContainerPlan) -> None:
        """Take on a plan that differs in its resources, while it runs.

        Raises
        ------
        OSError
            If the kernel refuses a limit.
        """
        self.group.resize(plan.memory_limit_bytes, plan.cpu_limit_millicores, plan.cpu_request_millicores)
        self.plan = plan
        self._host.changed()

    def replace(self, plan: ContainerPlan, grace_s: float) -> None:
        """Stop this run, so that the next has the resources of a new plan."""
        self.next_plan = plan
        if not self.stopping:
            self.stop(grace_s, f"Container {plan.name} resize requires restart")

    def stop(self, grace_s: float, why: str = "") -> None:
        """Run preStop, send the stop signal, and kill what is left after ``grace_s``."""
        if self.process is None:
            return
        if not self.stopping:
            self.stopping = True
            if self._probes:
                self._probes.stop_all_but_readiness()
            self._begin_stop(why or f"Stopping container {self.plan.name}")
        if self._kill_timer:
            self._kill_timer.cancel()
        self._kill_timer = self._host.loop.after(grace_s, self.kill)

    def kill(self) -> None:
        """Kill every process of the container."""
        self._kill(self._pids())

    def _kill(self, pids: set[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait(self, reason: str, message: str) -> None:
        """Say why it does not run."""
        if not self.state.get("waiting") and self.runs:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}
        self._host.changed()

    def refuse(self, reason: str, exit_code: int, message: str = "") -> None:
        """Say that it ended without a process of ours seeing how."""
        now = rfc3339(self._host.clock.now())
        began = (self.state.get("running") or {}).get("startedAt", now)
        self.state = {"terminated": _terminated(exit_code, reason, message, began, now, self.id)}

    def status(self) -> dict[str, Any]:
        """Return the ``containerStatuses`` entry."""
        return {
            "name": self.plan.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "image": self.plan.image,
            "imageID": "" if self.plan.blocked else f"kubelab://{self.plan.image}",
            "containerID": self.id if self.runs else "",
        }

    def sample(self) -> tuple[float, int]:
        """Return CPU seconds and proportional memory in bytes of its processes."""
        stats = [entry for pid in self._pids() if (entry := usage.stat(pid))]
        cpu_s = self.orphans_cpu_s + sum(entry.cpu_s for entry in stats)
        return cpu_s, sum(usage.proportional_bytes(entry.pid) for entry in stats)

    def leads(self, session: int) -> bool:
        """Say whether a session is that of its process or of a command that runs beside it."""
        return session in self.visitors or (self.process is not None and session == self.process.pid)

    def check_memory(self, *, whole_tree: bool) -> None:
        """Kill it when it uses more than its limit, where no control group does."""
        limit = self.plan.memory_limit_bytes
        if not limit or self.process is None or self.group.memory:
            return
        pids = self._pids() if whole_tree else {self.process.pid}
        stats = [entry for pid in pids if (entry := usage.stat(pid))]
        if sum(entry.rss_bytes for entry in stats) <= limit:
            return
        if sum(usage.proportional_bytes(entry.pid) for entry in stats) > limit:
            self._out_of_memory = True
            self.kill()

    def _pids(self) -> set[int]:
        if self.process is None:
            return set()
        table = usage.processes()
        sessions = {self.process.pid, *self._visitors(table)}
        own = {entry.pid for entry in table.values() if entry.session in sessions}
        roots = own | {self.process.pid}
        return roots | usage.descendants(roots, table) | self.group.pids()

    def _on_output(self, stream: str, data: bytes) -> None:
        if self._log:
            self._log.write(stream, data)
        if self.console:
            self.console.show(stream, data)

    def _on_started(self, error: str | None) -> None:
        if error is not None:
            self._start_error = error
            return
        self._began_s = monotonic()
        self.state = {"running": {"startedAt": rfc3339(self._host.clock.now())}}
        self._host.record("Normal", "Started", "Container started", self.plan)
        self._probes = Probes(self._host, self)
        self._probes.start()
        if hook := self.plan.lifecycle.get("postStart"):
            run_hook(self._host, self, hook, self._after_post_start)
        self._host.changed()

    def _after_post_start(self, error: str) -> None:
        if error and self.process is not None:
            self._host.record("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}", self.plan)
            self.stop(self._host.pod.grace_s)

    def _begin_stop(self, why: str) -> None:
        self._host.record("Normal", "Killing", why, self.plan)
        hook = self.plan.lifecycle.get("preStop")
        if hook:
            run_hook(self._host, self, hook, self._after_pre_stop)
        else:
            self._send_stop_signal()

    def _after_pre_stop(self, error: str) -> None:
        if error:
            self._host.record("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", self.plan)
        self._send_stop_signal()

    def _send_stop_signal(self) -> None:
        if self.process is not None:
            name = self.plan.lifecycle.get("stopSignal", "SIGTERM")
            self.process.signal(getattr(signal, name, signal.SIGTERM))

    def _on_end(self, status: int) -> None:
        if self.process:
            self._kill(self._pids() - {self.process.pid})  # that one is reaped
        if self._kill_timer:
            self._kill_timer.cancel()
        if self._probes:
            self._probes.stop()
            self._probes = None
        if self._log:
            self._log.close()
            self._log = None
        if self.console:
            self.console.close()
            self.console = None
        self.visitors.clear()
        self.ran_s = monotonic() - self._began_s if self._began_s else 0.0
        self.process = None
        self.ready = self.started = False
        self.state = {"terminated": self._ending(status)}
        self.group.remove()
        self._ended(self)
        self._host.changed()

    def _ending(self, status: int) -> dict[str, Any]:
        now = rfc3339(self._host.clock.now())
        if self._start_error:
            message = f"{_START_ERROR}{self._start_error}: unknown"
            self._host.record("Warning", "Failed", f"Error: {message}", self.plan)
            return _terminated(128, "StartError", message, _NEVER, now, self.id)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
        reason = "Completed" if code == 0 else "Error"
        if self._out_of_memory or (code == 137 and self.group.oom_kills() > self._oom_kills):
            code, reason = 137, "OOMKilled"
        began = (self.state.get("running") or {}).get("startedAt", now)
        return _terminated(code, reason, self._message(code), began, now, self.id)

    def _message(self, code: int) -> str:
        with contextlib.suppress(OSError):
            data = _beginning(self.directory / "termination-log", MAX_TERMINATION_MESSAGE)
            if data:
                return data.decode(errors="replace")
        if code and self.plan.termination_message_policy == "FallbackToLogsOnError":
            return self._last_lines()
        return ""

    def _last_lines(self) -> str:
        numbers = segments(self.log_directory, self.restarts)
        if not numbers:
            return ""
        lines = segment_path(self.log_directory, self.restarts, numbers[-1]).read_bytes().splitlines()[-80:]
        text = b"\n".join(line.split(b" ", 3)[-1] for line in lines)
        return text[-MAX_FALLBACK_MESSAGE:].decode(errors="replace")

    def _forget_old_logs(self) -> None:
        """Keep the run before this one, as the kubelet does (maximum-dead-containers-per-container 1)."""
        for path in self.log_directory.glob("*.log"):
            if int(path.name.split(".")[0]) < self.restarts - 1:
                path.unlink(missing_ok=True)


def _beginning(path: Path, size: int) -> bytes:
    """Return what a file begins with; nothing if the container put a link or a pipe in its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, size) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)


def _pulled(image: str) -> str:
    return f'Container image "{image}" already present on machine and can be accessed by the pod'


def _terminated(  # noqa: PLR0917 - the fields of ContainerStateTerminated
    code: int, reason: str, message: str, began: str, finished: str, container_id: str
) -> dict[str, Any]:
    state = {
        "exitCode": code,
        "reason": reason,
        "startedAt": began,
        "finishedAt": finished,
        "containerID": container_id,
    }
    return state | ({"message": message} if message else {})
