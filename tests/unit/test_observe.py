"""A running cluster, watched from outside: its measures, its log and the live table."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from kubelab.client import CONFIG_MAPS, PODS, Client, Object
from kubelab.engine.bootstrap import NAMESPACE_NAMES
from kubelab.engine.controllers.namespaces import ROOT_CA
from kubelab.http import HttpTransport, Kubeconfig
from tests.conftest import Lab
from tests.measured import Numbers, numbers, total

WATCH = [sys.executable, "-m", "kubelab.cli", "status", "--watch"]


def client_of(cluster: dict[str, Any]) -> Client:
    return Client(HttpTransport(Kubeconfig.load(Path(cluster["kubeconfig"]))))


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def pod(name: str) -> Object:
    spec = {"containers": [{"name": "main", "image": "nowhere"}], "nodeSelector": {"no": "such"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


async def measured(client: Client) -> Numbers:
    return numbers((await client.transport.request("GET", "/metrics", {})).body.decode())


async def test_the_counters_of_a_cluster_move_by_what_was_asked_of_it(lab: Lab) -> None:
    client = client_of(lab.up("one", "--no-warm"))
    roots = f"metadata.name={ROOT_CA}"
    while len((await client.list(CONFIG_MAPS, field_selector=roots)).items) < len(NAMESPACE_NAMES):  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # controllers begin to write once the cluster is ready
    before = await measured(client)
    for number in range(7):
        await client.create(CONFIG_MAPS, config_map(f"counted-{number}"), "default")
    await client.create(PODS, pod("waits"), "default")
    after = await measured(client)
    while not total(after, "scheduler_pending_pods", queue="unschedulable"):
        after = await measured(client)
    await client.close()

    def moved(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert moved("apiserver_request_total", verb="POST", resource="configmaps", code="201") == 7
    duration = "apiserver_request_duration_seconds_count"
    assert moved(duration, verb="POST", resource="configmaps") == 7
    assert moved("apiserver_resource_objects", resource="configmaps") == 7
    assert moved("scheduler_schedule_attempts_total", result="unschedulable") >= 1
    assert total(after, "scheduler_pending_pods", queue="unschedulable") == 1
    assert total(after, "workqueue_adds_total", name="namespace-controller") > 0
    assert total(after, "apiserver_longrunning_requests", verb="WATCH", resource="pods") >= 1
    assert total(after, "process_resident_memory_bytes") > 10_000_000
    assert total(after, "kubernetes_build_info") == 1


def test_each_line_of_the_log_is_json(lab: Lab) -> None:
    lab.up("one", "--no-warm")
    folder = lab.home / "one"
    lab.kubelab("down", "--name", "one")
    (folder / "journal.db").write_bytes(b"not a journal" * 1000)
    refused = lab.kubelab("up", "--name", "one", "--no-warm", check=False)
    assert "--recover" in refused.stderr
    lines = [json.loads(line) for line in (folder / "control-plane.log").read_text().splitlines()]
    assert {"time", "level", "logger", "message", "exception"} <= lines[-1].keys()
    assert (lines[-1]["level"], lines[-1]["message"]) == ("ERROR", "the cluster ended")


def watched(lab: Lab) -> subprocess.Popen[str]:
    """Start to watch, in JSON."""
    command = [*WATCH, "--json"]
    return subprocess.Popen(command, env=lab.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_a_watched_status_follows_the_cluster_and_ends_plainly(lab: Lab) -> None:
    cluster = lab.up("one", "--no-warm")
    client = client_of(cluster)
    watch = watched(lab)
    assert watch.stdout is not None
    try:
        (first,) = json.loads(watch.stdout.readline())
        await client.create(PODS, pod("waits"), "default")
        then = first
        while not then["pods"] or then["requests_per_s"] is None:
            (then,) = json.loads(watch.stdout.readline())
        os.kill(cluster["pid"], signal.SIGKILL)
        ended = then
        while ended["state"] == "Running":
            (ended,) = json.loads(watch.stdout.readline())
        watch.send_signal(signal.SIGINT)
        _, complaint = watch.communicate(timeout=30)
    finally:
        watch.kill()
    await client.close()
    assert first["requests_per_s"] is None
    assert (then["nodes_ready"], then["nodes"], then["pods"]) == (1, 1, {"Pending": 1})
    assert then["requests_per_s"] >= 0
    assert then["memory_mb"] > 10
    assert (ended["nodes"], ended["pods"]) == (None, {})
    assert (watch.returncode, complaint) == (130, "")


def test_a_watched_status_is_a_table_drawn_again_in_a_terminal(lab: Lab) -> None:
    lab.up("one", "--no-warm")
    ours, theirs = pty.openpty()
    env = {**lab.env, "TERM": "xterm"}
    watch = subprocess.Popen(WATCH, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while shown.count(b"1 of 1") < 2:
            shown += os.read(ours, 4096)
        watch.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):
            while more := os.read(ours, 4096):
                shown += more
        assert watch.wait(timeout=30) == 130
    finally:
        watch.kill()
        os.close(ours)
    assert "Traceback" not in shown.decode()
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"1 of 1")  # the cursor is there again


def test_a_watched_status_ends_when_nobody_reads_on(lab: Lab) -> None:
    watch = watched(lab)
    assert watch.stdout is not None
    assert watch.stdout.readline() == "[]\n"
    watch.stdout.close()
    assert watch.stderr is not None
    assert watch.stderr.read() == ""
    assert watch.wait(timeout=30) == 0
