"""A job on a real API server whose pods and logs the test writes itself."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubelab import clock, portal
from kubelab.chaos.experiment import Experiment
from kubelab.client import (
    CHAOS_EXPERIMENTS,
    CUSTOM_RESOURCE_DEFINITIONS,
    EVENTS,
    PODS,
    TRAIN_JOBS,
    Client,
    Object,
)
from kubelab.engine.crds.chaos import chaos_experiment_definition
from kubelab.training import TrainJob

NODE = "world-node"


class JobWorld:
    """One TrainJob in namespace ``default``; it is also the node that answers for its pods' logs."""

    name = "train-7f3a"

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uid = ""
        self.lines: dict[str, list[str]] = defaultdict(list)
        self.ended: set[str] = set()
        self.changed = asyncio.Condition()

    async def logs(self, pod: Object, container: str, options: Any) -> AsyncIterator[bytes]:
        name, at = pod["metadata"]["name"], 0
        while True:
            for line in self.lines[name][at:]:
                at += 1
                yield f"{line}\n".encode()
            async with self.changed:
                if at == len(self.lines[name]):
                    if not options.follow or name in self.ended:
                        return
                    await self.changed.wait()

    def create_job(self, num_nodes: int = 2, steps: int = 100) -> TrainJob:
        body = {
            "apiVersion": TRAIN_JOBS.api_version,
            "kind": "TrainJob",
            "metadata": {
                "name": self.name,
                "namespace": "default",
                "annotations": {"kubelab/steps": str(steps)},
            },
            "spec": {"runtimeRef": {"name": "jax-distributed"}, "trainer": {"numNodes": num_nodes}},
        }
        created = portal.run(self.client.create(TRAIN_JOBS, body))
        self.uid = created["metadata"]["uid"]
        return self.handle()

    def handle(self) -> TrainJob:
        return TrainJob(self.client, "TrainJob", "default", self.name, self.uid)

    def create_pod(self, rank: int, *, node: str = NODE) -> str:
        index = str(rank)
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{self.name}-node-0-{rank}-abcde",
                "namespace": "default",
                "labels": {
                    "jobset.sigs.k8s.io/jobset-name": self.name,
                    "batch.kubernetes.io/job-completion-index": index,
                },
            },
            "spec": {"containers": [{"name": "node", "image": "kubelab/jax"}], "nodeName": node},
        }
        if not node:
            del body["spec"]["nodeName"]  # type: ignore[attr-defined]
        created = portal.run(self.client.create(PODS, body))
        return str(created["metadata"]["name"])

    def set_status(self, rank: int, **status: Any) -> None:
        name = f"{self.name}-node-0-{rank}-abcde"
        patch = {"status": status}
        portal.run(self.client.patch(PODS, name, patch, "default", subresource="status"))

    def run_pod(self, rank: int) -> None:
        self.create_pod(rank)
        self.set_status(rank, phase="Running")

    def end_pod(self, rank: int, exit_code: int = 0) -> None:
        ended = {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}
        status = {
            "name": "node",
            "image": "kubelab/jax",
            "imageID": "kubelab/jax",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": ended},
        }
        phase = "Failed" if exit_code else "Succeeded"
        self.set_status(rank, phase=phase, containerStatuses=[status])
        portal.run(self._end(rank))

    def end_job(self, condition: str, reason: str = "Done", message: str = "") -> None:
        now = clock.rfc3339(clock.RealClock().now())
        entry = {
            "type": condition,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": now,
        }
        patch = {"status": {"conditions": [entry]}}
        portal.run(self.client.patch(TRAIN_JOBS, self.name, patch, "default", subresource="status"))

    def write(self, rank: int, *lines: str) -> None:
        portal.run(self._write(rank, lines))

    def report(self, rank: int, step: int, **metrics: float) -> None:
        now = clock.rfc3339_micro(clock.RealClock().now())
        pairs = " ".join(f"{name}={value}" for name, value in metrics.items())
        self.write(rank, f"{now} step={step} {pairs}")

    def tell(self, reason: str, message: str, *, about: str = "", type: str = "Normal") -> None:
        now = clock.rfc3339(clock.RealClock().now())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "event-", "namespace": "default"},
            "involvedObject": {"kind": "Pod", "name": about or self.name, "namespace": "default"},
            "type": type,
            "reason": reason,
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        portal.run(self.client.create(EVENTS, body))

    def serve_experiments(self) -> None:
        """Serve ChaosExperiments, as a lab does from its first one on."""
        portal.run(self.client.create(CUSTOM_RESOURCE_DEFINITIONS, chaos_experiment_definition()))

    def ask(self, experiment: Experiment) -> Object:
        return portal.run(self.client.create(CHAOS_EXPERIMENTS, experiment.to_object()))

    def answer(self, asked: Object, **status: Any) -> Object:
        """Tell of an experiment what a lab's daemon would."""
        name, patch = asked["metadata"]["name"], {"status": status}
        patched = self.client.patch(CHAOS_EXPERIMENTS, name, patch, "default", subresource="status")
        return portal.run(patched)

    async def _write(self, rank: int, lines: tuple[str, ...]) -> None:
        async with self.changed:
            self.lines[f"{self.name}-node-0-{rank}-abcde"].extend(lines)
            self.changed.notify_all()

    async def _end(self, rank: int) -> None:
        async with self.changed:
            self.ended.add(f"{self.name}-node-0-{rank}-abcde")
            self.changed.notify_all()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[JobWorld]:
    from kubelab.engine.apiserver.app import ApiServer
    from kubelab.engine.bootstrap import bootstrap

    async def start() -> tuple[ApiServer, JobWorld]:
        server = ApiServer(tmp_path, clock.RealClock(), token="t")
        await server.start()
        client = server.client("system:masters")
        await bootstrap(client, clock.RealClock())
        made = JobWorld(client)
        server.register_node(NODE, made)
        return server, made

    server, made = portal.run(start())
    yield made
    portal.run(server.stop())


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds; fail after ten seconds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = clock.monotonic() + 10
        while not condition():
            assert clock.monotonic() < deadline, "it did not come about within ten seconds"
            portal.run(asyncio.sleep(0.02))

    return wait
