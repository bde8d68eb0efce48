"""Probes and lifecycle hooks: each check is a short process of its own, so that the supervisor never waits.

Counting follows kubernetes/pkg/kubelet/prober/worker.go (v1.33): liveness and readiness wait for the
startup probe, a result counts once its threshold is reached in a row.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kubelab.engine.nodes import launch
from kubelab.engine.nodes.host import Host
from kubelab.engine.nodes.loop import Timer
from kubelab.engine.nodes.process import Callbacks, Process

if TYPE_CHECKING:
    from http.client import HTTPConnection

    from kubelab.engine.nodes.container import Container

_MAX_OUTPUT = 10 * 1024
_HOOK_TIMEOUT_S = 3600.0
_TITLES = {"startupProbe": "Startup", "livenessProbe": "Liveness", "readinessProbe": "Readiness"}
Answer = Callable[[bool, str], None]


class Probes:
    """The probes of one run of a container."""

    def __init__(self, host: Host, container: Container) -> None:
        self._host = host
        self._container = container
        specs = container.plan.probes
        self._workers = {kind: _Worker(self, kind, specs[kind]) for kind in _TITLES if kind in specs}

    def start(self) -> None:
        """Begin; without a startup probe the container has started already."""
        if "startupProbe" in self._workers:
            self._workers["startupProbe"].begin()
        else:
            self._on_startup_passed()

    def stop(self) -> None:
        """End all probing."""
        for worker in self._workers.values():
            worker.end()

    def stop_all_but_readiness(self) -> None:
        """While a container is being stopped only its readiness still matters."""
        for kind, worker in self._workers.items():
            if kind != "readinessProbe":
                worker.end()

    def result(self, kind: str, *, success: bool) -> None:
        """Act on a result that has reached its threshold."""
        container = self._container
        if kind == "readinessProbe":
            if container.ready != success:
                container.ready = success
                self._host.changed()
        elif not success:
            name = container.plan.name
            what = _TITLES[kind].lower()
            message = f"Container {name} failed {what} probe, will be restarted"
            self._host.record("Normal", "Killing", message, container.plan)
            grace_s = container.plan.probes[kind].get("terminationGracePeriodSeconds", self._host.pod.grace_s)
            container.stop(grace_s)
        elif kind == "startupProbe" and not container.started:
            self._workers[kind].end()
            self._on_startup_passed()

    def check(self, spec: dict[str, Any], answer: Answer) -> Process:
        """Run one check."""
        return run_check(self._host, self._container, spec, spec.get("timeoutSeconds", 1), answer)

    def unhealthy(self, kind: str, message: str) -> None:
        """Record a failed check."""
        text = f"{_TITLES[kind]} probe failed: {message}"
        self._host.record("Warning", "Unhealthy", text, self._container.plan)

    def later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call after a while."""
        return self._host.loop.after(delay_s, callback)

    def _on_startup_passed(self) -> None:
        self._container.started = True
        self._container.ready = "readinessProbe" not in self._workers
        for kind in ("livenessProbe", "readinessProbe"):
            if kind in self._workers:
                self._workers[kind].begin()
        self._host.changed()


class _Worker:
    """One probe: a check every period, and a count of equal results in a row."""

    def __init__(self, probes: Probes, kind: str, spec: dict[str, Any]) -> None:
        self._probes = probes
        self._kind = kind
        self._spec = spec
        self._timer: Timer | None = None
        self._in_a_row = 0
        self._last: bool | None = None
        self._ended = False

    def begin(self) -> None:
        self._timer = self._probes.later(self._spec.get("initialDelaySeconds", 0), self._check)

    def end(self) -> None:
        self._ended = True
        if self._timer:
            self._timer.cancel()

    def _check(self) -> None:
        self._timer = self._probes.later(self._spec.get("periodSeconds", 10), self._check)
        self._probes.check(self._spec, self._on_answer)

    def _on_answer(self, success: bool, message: str) -> None:
        if self._ended:
            return
        if not success:
            self._probes.unhealthy(self._kind, message)
        self._in_a_row = self._in_a_row + 1 if success == self._last else 1
        self._last = success
        threshold = (
            self._spec.get("successThreshold", 1) if success else self._spec.get("failureThreshold", 3)
        )
        if self._in_a_row >= threshold:
            self._probes.result(self._kind, success=success)


def run_check(
    host: Host, container: Container, spec: dict[str, Any], timeout_s: float, answer: Answer
) -> Process:
    """Run an exec, HTTP, TCP or gRPC check in a process of its own; ``answer(success, message)`` follows."""
    pid = container.process.pid if container.process else 0
    output: list[bytes] = []
    late: list[bool] = []
    errors: list[str] = []

    def child() -> None:
        if "exec" in spec:
            launch.join_container(pid, container.plan, host.pod, spec["exec"]["command"])
        os.write(1, _ask(host.pod.address, spec, timeout_s).encode())
        os._exit(0)

    def ended(status: int) -> None:
        timer.cancel()
        text = b"".join(output)[:_MAX_OUTPUT].decode(errors="replace")
        if late:
            answer(
                False,
                f"command timed out after {timeout_s:g}s" if "exec" in spec else "context deadline exceeded",
            )
        elif "exec" in spec:
            answer(status == 0 and not errors, errors[0] if errors else text)
        else:
            answer(not text and not errors, errors[0] if errors else text)

    def too_late() -> None:
        late.append(True)
        process.signal(signal.SIGKILL)

    def started(error: str | None) -> None:
        if error:
            errors.append(error)

    process = Process(host.loop, child, Callbacks(lambda _, data: output.append(data), started, ended))
    timer = host.loop.after(timeout_s, too_late)
    return process


def run_hook(host: Host, container: Container, hook: dict[str, Any], done: Callable[[str], None]) -> None:
    """Run a postStart or preStop handler; ``done`` gets an error, or nothing."""
    if "sleep" in hook:
        host.loop.after(hook["sleep"].get("seconds", 0), lambda: done(""))
        return
    run_check(
        host,
        container,
        hook,
        _HOOK_TIMEOUT_S,
        lambda success, message: done("" if success else message or "failed"),
    )


def _ask(address: str, spec: dict[str, Any], timeout_s: float) -> str:
    """Return what is wrong, or nothing."""
    if "httpGet" in spec:
        return _ask_http(address, spec["httpGet"], timeout_s)
    port = int((spec.get("tcpSocket") or spec["grpc"])["port"])
    host = (spec.get("tcpSocket") or {}).get("host") or address
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError as error:
        return f"dial tcp {host}:{port}: connect: {(error.strerror or str(error)).lower()}"
    return ""


def _ask_http(address: str, get: dict[str, Any], timeout_s: float) -> str:
    from http.client import HTTPException

    host, port = get.get("host") or address, int(get["port"])
    scheme = get.get("scheme", "HTTP")
    url = f"{scheme.lower()}://{host}:{port}{get.get('path', '/')}"
    headers = {entry["name"]: entry["value"] for entry in get.get("httpHeaders") or []}
    try:
        connection = _connection(scheme, host, port, timeout_s)
        connection.request("GET", get.get("path", "/"), headers={"User-Agent": "kube-probe/1.37", **headers})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f'Get "{url}": dial tcp {host}:{port}: connect: {reason.lower()}'
    return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"


def _connection(scheme: str, host: str, port: int, timeout_s: float) -> HTTPConnection:
    from http.client import HTTPConnection, HTTPSConnection

    if scheme != "HTTPS":
        return HTTPConnection(host, port, timeout=timeout_s)
    import ssl

    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - as the kubelet: probes do not verify
    return HTTPSConnection(host, port, timeout=timeout_s, context=context)
