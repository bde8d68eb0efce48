"""The supervisor of one pod: a process of its own session that outlives the control plane.

It reads ``plan.json``, runs the containers, and keeps ``status.json`` true; ``control.json`` tells it to end.
It is started by `pod_process`.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from kubelab.clock import Clock, parse_rfc3339
from kubelab.engine.nodes import usage
from kubelab.engine.nodes.container import Container
from kubelab.engine.nodes.host import Host
from kubelab.engine.nodes.loop import Loop, Timer
from kubelab.engine.nodes.plan import ContainerPlan, PodPlan, read_json, write_json
from kubelab.engine.nodes.reports import Report
from kubelab.engine.nodes.resizes import Resizes
from kubelab.engine.nodes.restarts import BackOff, go_duration, restarts
from kubelab.engine.nodes.visits import Visits

_DEADLINE = "DeadlineExceeded"
_MEMORY_CHECK_S = 0.2
_SAMPLE_S = 5.0
_LINGER_S = 30.0
"""How long an ended pod waits for a client that is slow to take its last output."""


class Supervisor:
    """Runs one pod until it has ended.

    Parameters
    ----------
    directory : Path
        ``pods/<uid>``, with ``plan.json`` in it.
    python_paths : list of str, optional
        ``sys.path`` of a new interpreter, where this process is warm.
    """

    def __init__(self, directory: Path, clock: Clock, python_paths: list[str] | None = None) -> None:
        self.directory = directory
        self.plan = PodPlan.load(directory)
        self.loop = Loop()
        self._clock = clock
        host = Host(self.plan, directory, self.loop, clock, self._changed, self._record, python_paths)
        self._containers = {plan.name: Container(host, plan, self._on_end) for plan in self.plan.containers}
        self._visits = Visits(host, self._containers)
        self._resizes = Resizes(directory, self._containers)
        self._measures_memory = False
        self._back_offs = {name: BackOff(self.plan.back_off_s) for name in self._containers}
        self._timers: dict[str, Timer] = {}
        self._report = Report(directory, clock)
        self._write_due = False
        self._ending = ""
        self._message = ""
        self._deadline_s: float | None = None
        self._samples: list[dict[str, Any]] = []

    def run(self) -> None:
        """Run the pod; returns when it has ended and its last status is written."""
        self._restore()
        self._watch_control()
        self._visits.open(self.directory)
        if self.plan.deadline_s is not None:
            age = (self._clock.now() - parse_rfc3339(self.plan.start_time)).total_seconds()
            self.loop.after(self.plan.deadline_s - age, self._on_deadline)
        self._measure_memory_if_limited()
        self.loop.after(_SAMPLE_S, self._sample)
        self._advance()
        self.loop.run()
        self._write()
        self._visits.linger(_LINGER_S)

    # -- what starts next ---------------------------------------------------------------------------

    def _of(self, *roles: str) -> list[Container]:
        return [container for container in self._containers.values() if container.plan.role in roles]

    def _advance(self) -> None:
        """Start what may start now; end when nothing is left to run."""
        if self._ending:
            self._advance_ending()
            return
        for container in self._of("init", "sidecar"):
            if not self._is_past(container):
                self._start_if_new(container)
                return
        mains = self._of("main")
        for container in mains:
            self._start_if_new(container)
        if all(self._is_over(container) for container in mains):
            self._end("")

    def _is_past(self, container: Container) -> bool:
        """Whether an init container lets the next one start."""
        if container.plan.role == "sidecar":
            return container.started or container.runs > 1
        return bool(container.terminated and container.terminated["exitCode"] == 0)

    def _is_over(self, container: Container) -> bool:
        """Whether a container has ended for good."""
        waits = container.running or container.plan.name in self._timers
        return bool(container.terminated) and not waits

    def _start_if_new(self, container: Container) -> None:
        if container.plan.blocked:
            self._block(container)
        elif container.runs == 0 and not container.running and not container.terminated:
            self._start(container)

    def _block(self, container: Container) -> None:
        name, plan = container.plan.name, container.plan
        if name in self._timers:
            return
        waiting = container.state.get("waiting", {}).get("reason")
        if waiting not in {"ErrImagePull", "ImagePullBackOff"}:
            self._record("Warning", "Failed", f'Failed to pull image "{plan.image}": {plan.blocked}', plan)
            self._record("Warning", "Failed", "Error: ErrImagePull", plan)
            container.wait("ErrImagePull", plan.blocked)
            self._timers[name] = self.loop.after(
                self.plan.back_off_s / 5, lambda: self._back_off_image(container)
            )

    def _back_off_image(self, container: Container) -> None:
        del self._timers[container.plan.name]
        image = container.plan.image
        message = f'Back-off pulling image "{image}"'
        self._record("Normal", "BackOff", message, container.plan)
        self._record("Warning", "Failed", "Error: ImagePullBackOff", container.plan)
        container.wait("ImagePullBackOff", f"{message}: ErrImagePull: {container.plan.blocked}")

    def _start(self, container: Container) -> None:
        name = container.plan.name
        self._timers.pop(name, None)
        self._resizes.apply()
        if container.runs:
            self._back_offs[name] = self._back_offs[name].after_start()
        container.start()

    # -- what ended ---------------------------------------------------------------------------------

    def _on_end(self, container: Container) -> None:
        ended = container.terminated or {}
        if container.next_plan and not self._ending:
            container.start()
            self._advance()
            return
        if ended["exitCode"] != 0 and not self._ending:
            # The kubelet tells nobody; but the pod may be deleted before anybody reads its status.
            how = f"exit code {ended['exitCode']} ({ended['reason']})"
            text = f"Container {container.plan.name} ended with {how}"
            self._record("Warning", "ContainerDied", text, container.plan)
        if self._ending or not restarts(container.plan, ended["exitCode"]):
            if container.plan.role == "init" and ended["exitCode"] != 0 and not self._ending:
                self._end("")
            self._advance()
            return
        self._restart(container)
        self._advance()

    def _restart(self, container: Container) -> None:
        name = container.plan.name
        back_off = self._back_offs[name].after_run(container.ran_s)
        self._back_offs[name] = back_off
        if back_off.next_s:
            pod = f"{self.plan.name}_{self.plan.namespace}({self.plan.uid})"
            what = f"restarting failed container={name} pod={pod}"
            event = f"Back-off restarting failed container {name} in pod {pod}"
            self._record("Warning", "BackOff", event, container.plan)
            ended = container.state
            container.wait("CrashLoopBackOff", f"back-off {go_duration(back_off.next_s)} {what}")
            container.last_state = ended
        self._timers[name] = self.loop.after(back_off.next_s, lambda: self._start(container))

    # -- ending -------------------------------------------------------------------------------------

    def _end(self, reason: str, message: str = "", grace_s: float | None = None) -> None:
        """Begin to end the pod: main containers first, then sidecars, last started first."""
        grace_s = self.plan.grace_s if grace_s is None else grace_s
        self._ending = self._ending or reason or "Ended"
        self._message = self._message or message
        deadline_s = self.loop.now() + grace_s
        self._deadline_s = deadline_s if self._deadline_s is None else min(self._deadline_s, deadline_s)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for container in self._of("main", "init"):
            container.stop(self._deadline_s - self.loop.now())
        self._advance()

    def _advance_ending(self) -> None:
        if any(container.running for container in self._of("main", "init")):
            return
        sidecars = [container for container in self._of("sidecar") if container.running]
        if sidecars:
            left_s = (self._deadline_s or 0.0) - self.loop.now()
            sidecars[-1].stop(max(left_s, min(2.0, self.plan.grace_s)))
            return
        self.loop.stop()

    def _on_deadline(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self._end(_DEADLINE, message)

    def _watch_control(self) -> None:
        fd = os.open(self.directory / "control", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.loop.read(fd, lambda: self._on_control(fd))
        self._obey()

    def _on_control(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(fd, 4096)
        self._obey()

    def _obey(self) -> None:
        if not self._ending:
            self._resize()
        with contextlib.suppress(FileNotFoundError):
            order = read_json(self.directory / "control.json")
            self._end("Terminated", grace_s=float(order["grace_s"]))

    def _resize(self) -> None:
        self._resizes.apply()
        self._measure_memory_if_limited()
        self._changed()

    # -- measuring ----------------------------------------------------------------------------------

    def _measure_memory_if_limited(self) -> None:
        limited = any(container.plan.memory_limit_bytes for container in self._containers.values())
        if limited and not self._measures_memory:
            self._measures_memory = True
            self.loop.after(_MEMORY_CHECK_S, lambda: self._check_memory(1))

    def _check_memory(self, count: int) -> None:
        for container in self._containers.values():
            container.check_memory(whole_tree=count % 5 == 0)
        self.loop.after(_MEMORY_CHECK_S, lambda: self._check_memory(count + 1))

    def _reap_orphans(self) -> None:
        """Let go of processes whose parent ended before them; their containers keep the time they used."""
        while pid := self.loop.ended_orphan():
            orphan = usage.stat(pid)
            for container in self._containers.values():
                if orphan and container.leads(orphan.session):
                    container.orphans_cpu_s += orphan.cpu_s
            os.waitpid(pid, 0)

    def _sample(self) -> None:
        self._reap_orphans()
        now = self._clock.now().timestamp()
        for name, container in self._containers.items():
            if container.running:
                cpu_s, memory_bytes = container.sample()
                sample = {"container": name, "time": now, "cpu_s": cpu_s, "memory_bytes": memory_bytes}
                self._samples = [*self._samples[-719:], sample]
        write_json(self.directory / "usage.json", self._samples)
        if self._resizes.error:
            self._resize()  # what was in use may have been freed
        self.loop.after(_SAMPLE_S, self._sample)

    # -- telling ------------------------------------------------------------------------------------

    def _record(self, type: str, reason: str, message: str, container: ContainerPlan) -> None:
        self._report.record(type, reason, message, container)
        self._changed()

    def _changed(self) -> None:
        """Act on a change and write the status once the calls in hand are done, so that it is one write."""
        if not self._write_due:
            self._write_due = True
            self.loop.after(0, self._on_change)

    def _on_change(self) -> None:
        if not self._ending:
            self._advance()
        self._write()

    def _write(self) -> None:
        self._write_due = False
        containers = self._containers.values()
        active = any(container.running or container.plan.name in self._timers for container in containers)
        self._report.write(
            [(container, self._back_offs[container.plan.name].next_s) for container in containers],
            ended=bool(self._ending) and not active,
            reason=self._ending if self._ending == _DEADLINE else "",
            message=self._message,
            resize_error=self._resizes.error,
        )

    def _restore(self) -> None:
        """Go on where a killed supervisor left off: what ran then was killed with it."""
        for entry in self._report.read():
            self._restore_container(entry)

    def _restore_container(self, entry: dict[str, Any]) -> None:
        status = entry["status"]
        container = self._containers[status["name"]]
        container.runs, container.restarts = entry["runs"], status["restartCount"]
        container.state, container.last_state = status["state"], status["lastState"]
        self._back_offs[status["name"]] = BackOff(self.plan.back_off_s, entry["back_off_s"])
        if "running" in container.state:
            container.refuse("Error", 137, "the pod's supervisor was killed, and the container with it")
        ended = container.terminated
        if "CrashLoopBackOff" in json.dumps(container.state) or (
            ended and restarts(container.plan, ended["exitCode"])
        ):
            self._timers[status["name"]] = self.loop.after(
                entry["back_off_s"], lambda: self._start(container)
            )
