"""Katib's Experiments on a whole cluster of every engine: trials that are Jobs, TrainJobs and JAXJobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.sweeps.observations import load
from tests.conformance.kubectl import Kubectl

pytestmark = pytest.mark.slow

STEPS = 3
LOOP = f"for i in $(seq {STEPS}); do echo step=$i loss=${{trialParameters.rate}}; sleep 0.1; done"
FILE = "/metrics/m.log"
TO_FILE = f"mkdir -p /metrics; ({LOOP}) >> {FILE}"


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the whole cluster."""
    return in_cluster


def job(command: str = LOOP) -> Object:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}


def train_job(command: str = LOOP) -> Object:
    spec = {
        "runtimeRef": {"name": "jax-distributed"},
        "trainer": {"numNodes": 1, "command": ["sh", "-c", command]},
    }
    return {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": spec}


def jax_job(command: str = LOOP) -> Object:
    container = {"name": "jax", "image": "busybox", "command": ["sh", "-c", command]}
    worker = {"replicas": 2, "template": {"spec": {"containers": [container]}}}
    spec = {"jaxReplicaSpecs": {"Worker": worker}}
    return {"apiVersion": "kubeflow.org/v1", "kind": "JAXJob", "spec": spec}


RUNS = {"main": job, "node": train_job, "jax": jax_job}


def experiment(container: str, run: Object, **spec: Any) -> Object:
    space = {"min": "0.1", "max": "0.9"}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "sweep"},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "random"},
            "parallelTrialCount": 2,
            "maxTrialCount": 3,
            "maxFailedTrialCount": 1,
            "parameters": [{"name": "lr", "parameterType": "double", "feasibleSpace": space}],
            "trialTemplate": {
                "primaryContainerName": container,
                "trialParameters": [{"name": "rate", "reference": "lr"}],
                "trialSpec": run,
            },
            **spec,
        },
    }


@pytest.mark.parametrize("container", RUNS)
def test_a_sweep_runs_to_its_end(kubectl: Kubectl, container: str) -> None:
    kubectl("create", "-f", "-", stdin=experiment(container, RUNS[container]()))
    finished(kubectl)


@pytest.mark.parametrize("container", ["main", "node"])
def test_a_sweep_reads_metrics_from_files(kubectl: Kubectl, container: str) -> None:
    collector = {
        "collector": {"kind": "File"},
        "source": {"fileSystemPath": {"path": FILE, "kind": "File", "format": "TEXT"}},
    }
    made = experiment(container, RUNS[container](TO_FILE), metricsCollectorSpec=collector)
    kubectl("create", "-f", "-", stdin=made)
    finished(kubectl)


def finished(kubectl: Kubectl) -> None:
    """Check that the sweep has succeeded with the best of three trials, all of whose reports are kept."""
    kubectl("wait", "experiment/sweep", "--for=condition=Succeeded", "--timeout=50s")
    status = kubectl.json("get", "experiment", "sweep")["status"]
    trials = {each["metadata"]["name"]: each for each in kubectl.json("get", "trials")["items"]}
    assert status["trialsSucceeded"] == len(trials) == 3, json.dumps(status)
    rates = {name: each["spec"]["parameterAssignments"][0]["value"] for name, each in trials.items()}
    best = min(rates, key=lambda name: float(rates[name]))
    assert status["currentOptimalTrial"]["bestTrialName"] == best
    assert status["currentOptimalTrial"]["observation"]["metrics"] == [
        {"name": "loss", "min": rates[best], "max": rates[best], "latest": rates[best]}
    ]
    for name in trials:
        history = load(kubectl.json("get", "configmap", f"{name}-observations"))
        assert [(report.step, str(report.value)) for report in history["loss"]] == [
            (step, str(float(rates[name]))) for step in range(1, STEPS + 1)
        ]
