"""A sweep whose control plane is killed again and again: no trial is lost, repeated or counted twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from typing import Any

import pytest

from kubelab import Cluster, portal
from kubelab.client import CONFIG_MAPS, EXPERIMENTS, PODS, SUGGESTIONS, TRIALS, Object
from kubelab.live import SweepUpdate, SweepWatch
from kubelab.sweeps.observations import load
from tests.conftest import Lab
from tests.unit.engine.controllers.sweeps import experiment, to_create

pytestmark = pytest.mark.timeout(300)

TRIALS_IN_ALL = 12
KILLS = 3
STEPS = 8
COMMAND = f"for i in $(seq {STEPS}); do echo step=$i loss=${{trialParameters.rate}}; sleep 0.15; done"


def sweep(trials: int = TRIALS_IN_ALL) -> Object:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", COMMAND]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    template = {"trialSpec": job, "retain": True}
    return experiment(parallelTrialCount=3, maxTrialCount=trials, template=template)


def test_a_sweep_survives_kills_of_the_control_plane(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(lab.home))
    lab.up("lab", "--no-warm")
    with Cluster.connect() as cluster:
        portal.run(cluster.client.create(EXPERIMENTS, to_create(sweep()), "default"))
        for kill in range(1, KILLS + 1):
            wait_for_ended(cluster, kill * TRIALS_IN_ALL // (KILLS + 1))
            kill_and_restart(lab)
        wait_for_ended(cluster, TRIALS_IN_ALL)
        kubectl_wait(lab)
        status = portal.run(cluster.client.get(EXPERIMENTS, "sweep", "default"))["status"]
        suggested = portal.run(cluster.client.get(SUGGESTIONS, "sweep", "default"))["status"]["suggestions"]
        names = [each["name"] for each in suggested]
        assert len(set(names)) == len(names) == TRIALS_IN_ALL
        assert sorted(status["succeededTrialList"]) == sorted(names), status
        assert (status["trials"], status["trialsSucceeded"]) == (TRIALS_IN_ALL, TRIALS_IN_ALL)
        pods = portal.run(cluster.client.list(PODS, "default")).items
        of_trials = [each["metadata"]["labels"]["katib.kubeflow.org/trial"] for each in pods]
        assert sorted(of_trials) == sorted(names), "no trial ran twice"
        for name in names:
            history = portal.run(cluster.client.get(CONFIG_MAPS, f"{name}-observations", "default"))
            assert [report.step for report in load(history)["loss"]] == list(range(1, STEPS + 1))
        values = {each["name"]: float(each["parameterAssignments"][0]["value"]) for each in suggested}
        assert status["currentOptimalTrial"]["bestTrialName"] == min(values, key=values.__getitem__)


def test_a_watch_of_a_sweep_goes_on_after_the_control_plane_was_killed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(lab.home))
    lab.up("lab", "--no-warm")
    updates: list[SweepUpdate] = []
    succeeded = threading.Event()

    def take(update: SweepUpdate) -> None:
        updates.append(update)
        if update.snapshot.phase == "Succeeded":
            succeeded.set()

    with Cluster.connect() as cluster:
        portal.run(cluster.client.create(EXPERIMENTS, to_create(sweep(trials=6)), "default"))
        watch = SweepWatch(cluster.find_sweep("sweep").reader, take)
        portal.run(watch.start())
        wait_for_ended(cluster, 1)
        kill_and_restart(lab)
        wait_for_ended(cluster, 6)
        kubectl_wait(lab)
        assert succeeded.wait(60)
        portal.run(watch.stop())
    assert watch.fault is None
    assert [row.state for row in watch.trials()] == ["Succeeded"] * 6
    assert {update.snapshot.phase for update in updates} <= {"Pending", "Running", "Succeeded"}
    told: dict[int, list[int]] = {number: [] for number in range(6)}
    for update in updates:
        for (metric, number), points in update.points.items():
            if (metric, number) in update.restarted:
                told[number] = []
            told[number] += [step for step, _ in points]
    assert told == {number: list(range(1, STEPS + 1)) for number in range(6)}, "each point is told once"


def kill_and_restart(lab: Lab) -> None:
    """Kill the control plane where it stands, and start it again."""
    os.kill(json.loads((lab.home / "lab/cluster.json").read_text())["pid"], signal.SIGKILL)
    lab.up("lab", "--no-warm")


def wait_for_ended(cluster: Cluster, number: int) -> None:
    """Follow the Experiment's trials until so many have succeeded."""

    async def follow() -> None:
        page = await cluster.client.list(TRIALS, "default")
        ended = {each["metadata"]["name"] for each in page.items if has_succeeded(each)}
        changes = cluster.client.watch(TRIALS, "default", resource_version=page.resource_version)
        while len(ended) < number:
            event = await anext(changes)
            if event.type != "BOOKMARK" and has_succeeded(event.object):
                ended.add(event.object["metadata"]["name"])

    portal.run(follow())


def has_succeeded(trial: Object) -> bool:
    conditions: list[dict[str, Any]] = (trial.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Succeeded" and each["status"] == "True" for each in conditions)


def kubectl_wait(lab: Lab) -> None:
    command = ["kubectl", "wait", "experiment/sweep", "--for=condition=Succeeded", "--timeout=120s"]
    env = {**lab.env, "KUBECONFIG": str(lab.home / "lab/kubeconfig")}
    subprocess.run(command, env=env, check=True, capture_output=True)
