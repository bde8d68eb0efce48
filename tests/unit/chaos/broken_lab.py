"""A lab of a home of its own with a job that counts, for tests that also break the lab itself."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from kubelab import Cluster, clock, portal
from kubelab.chaos.verdict import Verdict
from kubelab.client import CHAOS_EXPERIMENTS, CUSTOM_RESOURCE_DEFINITIONS, NODES, SERVICES, Object
from kubelab.engine import launch
from kubelab.engine.crds.chaos import chaos_experiment_definition
from kubelab.engine.state import Engine, StateFolder
from kubelab.errors import AlreadyExistsError, NotFoundError
from kubelab.training import TrainJob
from tests.conftest import Lab, connected

NAME = "broken"
_PATIENCE_S = 60.0


@contextlib.contextmanager
def broken_lab(lab: Lab, *, engine: Engine = "embedded") -> Iterator[Cluster]:
    """A handle on a running cluster in a home, from this process and from those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        if "KUBEBUILDER_ASSETS" in lab.env:
            patch.setenv("KUBEBUILDER_ASSETS", lab.env["KUBEBUILDER_ASSETS"])
        with connected(lab.home, NAME, engine=engine, warm=False) as cluster:
            yield cluster


def count(steps: int = 100_000) -> None:
    """Count, saving the count in a file of the volume, as a checkpoint."""
    import os
    import time
    from pathlib import Path

    from kubelab import training

    saved = Path(os.environ["KUBELAB_CHECKPOINT_DIR"]) / f"count-{os.environ['JOB_COMPLETION_INDEX']}"
    first = int(saved.read_text()) if saved.exists() else 0
    for step in range(first + 1, steps):
        saved.with_suffix(".new").write_text(str(step))
        saved.with_suffix(".new").replace(saved)
        training.report(step=step, value=1.0)
        time.sleep(0.1)


def counting(cluster: Cluster) -> TrainJob:
    """Return a job of two workers that count."""
    return cluster.train(count, name="count", num_nodes=2, resources={"cpu": "200m", "memory": "256Mi"})


def ask(cluster: Cluster, job: TrainJob, fault: str, **options: float) -> Object:
    """Inject a fault that nobody looks on at; return its object once it holds."""
    client = cluster.client
    tried: Verdict = getattr(cluster.chaos, fault)(job, dry_run=True, **options)
    with contextlib.suppress(AlreadyExistsError):
        portal.run(client.create(CUSTOM_RESOURCE_DEFINITIONS, chaos_experiment_definition()))
        wait_for("the kind ChaosExperiment", lambda: _is_served(cluster))
    made = portal.run(client.create(CHAOS_EXPERIMENTS, tried.experiment.to_object()))
    wait_for(f"{fault} to hold", lambda: {"did", "message"} & status_of(cluster, made).keys())
    made["status"] = status_of(cluster, made)
    assert made["status"]["phase"] == "Active", made["status"]
    return made


def _is_served(cluster: Cluster) -> bool:
    try:
        portal.run(cluster.client.list(CHAOS_EXPERIMENTS, limit=1))
    except NotFoundError:
        return False
    return True


def experiments(cluster: Cluster) -> list[Object]:
    """Return all experiments of the lab."""
    return portal.run(cluster.client.list(CHAOS_EXPERIMENTS, "default")).items


def status_of(cluster: Cluster, experiment: Object) -> Object:
    """Return an experiment's status now."""
    name = experiment["metadata"]["name"]
    return dict(portal.run(cluster.client.get(CHAOS_EXPERIMENTS, name, "default")).get("status") or {})


def wait_for(what: str, holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = clock.monotonic() + _PATIENCE_S
    while not holds():
        assert clock.monotonic() < deadline, f"{what}: not within {_PATIENCE_S:g} s"
        time.sleep(0.05)


def wait_for_end(cluster: Cluster, experiment: Object) -> Object:
    """Wait until a fault is undone; return its status."""
    name = experiment["metadata"]["name"]
    wait_for(f"end of {name}", lambda: status_of(cluster, experiment)["phase"] == "Ended")
    return status_of(cluster, experiment)


def kill_daemon() -> None:
    """Kill the lab's daemon as a machine that runs out of memory does; its pods live on."""
    running = StateFolder.of(NAME).running()
    assert running is not None
    daemon = psutil.Process(running.pid)
    daemon.kill()
    psutil.wait_procs([daemon], timeout=10)


def bring_up() -> None:
    """Start the lab again, as the next notebook does; handles that were made before reach it."""
    launch.up(NAME, warm=False)


def kill_pods(lab: Lab) -> None:
    """Kill the processes of all pods."""
    for record in (lab.home / NAME / "pods").glob("*/supervisor.json"):
        supervisor = psutil.Process(json.loads(record.read_text())["pid"])
        every = [*supervisor.children(recursive=True), supervisor]
        for each in every:
            each.kill()
        psutil.wait_procs(every, timeout=10)


def node_of(cluster: Cluster) -> Object:
    """Return the lab's one node."""
    (node,) = portal.run(cluster.client.list(NODES)).items
    return node


def is_ready(node: Object) -> bool:
    """Say whether a node says that it is ready."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])


def selector_of(cluster: Cluster, service: str) -> dict[str, str]:
    """Return whom a Service selects."""
    return dict(portal.run(cluster.client.get(SERVICES, service, "default"))["spec"]["selector"])


def may_load_rules() -> bool:
    """Say whether this process may load rules for packets, and so a lab that it starts."""
    if os.geteuid() != 0:
        return False
    done = subprocess.run(["nft", "list", "tables"], capture_output=True, check=False)
    return done.returncode == 0


def rules_of(*experiments: Object) -> list[str]:
    """Return what the kernel has of experiments, as lines of its rule set."""
    done = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    marks = [each["metadata"]["uid"][:8] for each in experiments]
    return [line for line in done.stdout.splitlines() if any(mark in line for mark in marks)]
