"""What a simulated cluster holds after a busy day, as JSON: run twice, to see that it is the same.

``python -m tests.unit.simulated_day SEED`` prints it.
"""

from __future__ import annotations

import json
import sys

from kubelab import Cluster, portal
from kubelab.client import EVENTS, JOBS, LEASES, NODES, PODS, Object, Resource
from kubelab.simulated_cluster import SimulatedCluster

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
DECLARED = "simulated.kubelab.dev/"


def job(name: str, pods: int, seconds: float, exit_code: int = 0) -> Object:
    """Return a Job whose pods run for a while."""
    declared = {f"{DECLARED}run-duration": str(seconds), f"{DECLARED}exit-code": str(exit_code)}
    spec = {
        "completions": pods,
        "parallelism": pods,
        "backoffLimit": 2,
        "template": template(name, declared, "Never"),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def deployment(name: str, replicas: int) -> Object:
    """Return a Deployment whose pods go on."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, {}, "Always"),
        },
    }


def template(name: str, annotations: dict[str, str], policy: str) -> Object:
    """Return a pod template that fits any simulated node."""
    requests = {"cpu": "500m", "memory": "256Mi"}
    container = {"name": "main", "image": "example", "resources": {"requests": requests}}
    return {
        "metadata": {"labels": {"app": name}, "annotations": annotations},
        "spec": {
            "restartPolicy": policy,
            "containers": [container],
            "tolerations": [{"operator": "Exists"}],
        },
    }


def play(seed: int) -> dict[str, list[Object]]:
    """Return all objects at three moments of a day in which work comes, ends, fails and loses a node."""
    with Cluster.simulated(seed) as lab:
        lab.add_nodes(20, {"cpu": 4, "memory": "8Gi"})
        portal.run(lab.client.create(DEPLOYMENTS, deployment("web", 30)))
        portal.run(lab.client.create(JOBS, job("batch", 40, 900)))
        portal.run(lab.client.create(JOBS, job("broken", 1, 30, exit_code=3)))
        lab.run(minutes=5)
        moments = {"after 5 minutes": everything(lab)}
        portal.run(lab.client.delete(NODES, "kwok-node-3"))
        lab.run(hours=1)
        moments["after an hour"] = everything(lab)
        lab.run(hours=23)
        moments["after a day"] = everything(lab)
        return moments


def everything(lab: SimulatedCluster) -> list[Object]:
    """Return the objects of the kinds that a day changes."""
    kinds = (NODES, LEASES, PODS, JOBS, DEPLOYMENTS, REPLICA_SETS, EVENTS)
    return [each for kind in kinds for each in portal.run(lab.client.list(kind)).items]


if __name__ == "__main__":
    print(json.dumps(play(int(sys.argv[1]))))
