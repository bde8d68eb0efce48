"""Scenarios in which nothing fails: load comes and goes."""

from __future__ import annotations

import math
from random import Random

from kubelab.scenarios.groups import MILLIGPU, groups, shared_gpu_groups
from kubelab.scenarios.objects import daemon_set, deployment, job, namespace, scale
from kubelab.scenarios.scenario import Action, Scenario, scenario

HOUR = 3600.0
_QUARTER = 900.0
NODE_CRITICAL = "system-node-critical"
"""The PriorityClass that keeps room on every node for agents."""


def web_day(*, seed: int = 0, hours: float = 24) -> Scenario:
    """Return a day of web traffic: twelve services that follow the sun, with noise and two flash crowds."""
    random = Random(seed)  # noqa: S311 - it is to be repeatable
    actions: list[Action] = [namespace("web", "shop")]
    shapes = (
        {"cpu": "500m", "memory": "1Gi"},
        {"cpu": "1", "memory": "1Gi"},
        {"cpu": "500m", "memory": "4Gi"},
    )
    crowds = sorted(random.uniform(0.2, 0.9) * hours for _ in range(2))
    for number in range(12):
        name, base = f"service-{number}", random.randint(6, 24)
        phase = random.uniform(-1, 1)
        actions.append(deployment(0, name, "web", base, shapes[number % len(shapes)]))
        for step in range(1, int(hours * HOUR / _QUARTER)):
            hour = step * _QUARTER / HOUR
            sun = 1 - 0.6 * math.cos((hour + phase) / 24 * 2 * math.pi)
            crowd = 1.8 if any(0 <= hour - at < 1 for at in crowds) and number % 3 == 0 else 1
            replicas = max(2, round(base * sun * crowd * random.uniform(0.9, 1.1)))
            actions.append(scale(step * _QUARTER, name, "web", replicas))
    about = "Twelve web services follow the sun for a day, with two flash crowds."
    return scenario("web-day", about, seed=seed, hours=hours, node_groups=groups(), actions=actions)


def nightly_batch(*, seed: int = 0, hours: float = 24) -> Scenario:
    """Return a small steady service, and a night of jobs of many sizes."""
    random = Random(seed)  # noqa: S311
    actions: list[Action] = [
        namespace("batch", "data"),
        namespace("web", "shop"),
        deployment(0, "steady", "web", 30, {"cpu": "500m", "memory": "1Gi"}),
    ]
    for number in range(60):
        at_s = (1 + random.betavariate(2, 4) * 7) * HOUR
        cpu, gib = random.choice(((1, 2), (2, 4), (2, 16), (4, 8), (4, 30), (7, 14)))
        requests = {"cpu": f"{cpu}", "memory": f"{gib}Gi"}
        seconds = random.uniform(0.1, 1.5) * HOUR
        actions.append(job(at_s, f"job-{number}", "batch", random.randint(1, 12), requests, seconds=seconds))
    about = "Sixty jobs of many shapes arrive in one night beside a steady service."
    return scenario("nightly-batch", about, seed=seed, hours=hours, node_groups=groups(), actions=actions)


def ml_burst(*, seed: int = 0, hours: float = 6) -> Scenario:
    """Return sweeps of machine learning: bursts of like trials, each a pod of some minutes."""
    random = Random(seed)  # noqa: S311
    actions: list[Action] = [namespace("ml", "research")]
    for number in range(8):
        at_s = random.uniform(0, max(hours - 2, 0.5)) * HOUR
        cpu = random.choice((1, 2, 3, 6, 9))
        requests = {"cpu": f"{cpu}", "memory": f"{cpu * random.choice((2, 4))}Gi"}
        trials = random.randint(10, 50)
        seconds = random.uniform(300, 2400)
        actions.append(job(at_s, f"sweep-{number}", "ml", trials, requests, seconds=seconds))
    about = "Eight sweeps of 10 to 50 trials arrive within a few hours."
    return scenario("ml-burst", about, seed=seed, hours=hours, node_groups=groups(), actions=actions)


def daemonset_tax(*, seed: int = 0, hours: float = 12) -> Scenario:
    """Return services on nodes that all carry four agents: small nodes pay for them most."""
    random = Random(seed)  # noqa: S311
    agents = (
        ("logs", "200m", "400Mi"),
        ("metrics", "150m", "300Mi"),
        ("network", "100m", "200Mi"),
        ("security", "250m", "600Mi"),
    )
    actions: list[Action] = [namespace("agents", "platform"), namespace("web", "shop")]
    actions += [
        daemon_set(0, name, "agents", {"cpu": cpu, "memory": memory}, priorityClassName=NODE_CRITICAL)
        for name, cpu, memory in agents
    ]
    for number in range(10):
        base, name = random.randint(4, 30), f"service-{number}"
        requests = {
            "cpu": random.choice(("250m", "500m", "1")),
            "memory": random.choice(("512Mi", "1Gi", "2Gi")),
        }
        actions.append(deployment(60, name, "web", base, requests))
        actions += [
            scale(hour * HOUR, name, "web", max(1, round(base * random.uniform(0.5, 1.6))))
            for hour in range(1, int(hours))
        ]
    about = "Ten services share nodes on which four agents take 0.7 CPU and 1.5 GiB each."
    return scenario("daemonset-tax", about, seed=seed, hours=hours, node_groups=groups(), actions=actions)


def gpu_sharing(*, seed: int = 0, hours: float = 8) -> Scenario:
    """Return inference and training on GPUs: whole ones and, on nodes that share theirs, thousandths of one.

    A shared GPU is offered as ``kubelab.dev/milligpu``: 1,000 for each.
    """
    random = Random(seed)  # noqa: S311
    gpus = groups(("g5.2xlarge", "g5.12xlarge", "g6.xlarge", "g6.12xlarge"), max_size=40)
    gpus += shared_gpu_groups(("g4dn.2xlarge", "g6.4xlarge"), max_size=40)
    actions: list[Action] = [namespace("inference", "serving"), namespace("training", "research")]
    for number in range(6):
        base, name = random.randint(1, 5), f"model-{number}"
        requests = {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}
        actions.append(deployment(0, name, "inference", base, requests))
        actions += [
            scale(hour * HOUR, name, "inference", max(1, base + random.randint(-2, 3)))
            for hour in range(1, int(hours))
        ]
    for number in range(10):
        count = random.choice((1, 1, 2, 4))
        requests = {"cpu": f"{3 * count}", "memory": f"{12 * count}Gi", "nvidia.com/gpu": f"{count}"}
        seconds = random.uniform(0.3, 1.5) * HOUR
        at_s = random.uniform(0, hours - 2) * HOUR
        actions.append(
            job(at_s, f"training-{number}", "training", random.randint(1, 3), requests, seconds=seconds)
        )
    for number in range(8):
        base, name = random.randint(2, 6), f"small-model-{number}"
        requests = {"cpu": "1", "memory": "3Gi", MILLIGPU: random.choice(("150", "250", "400", "600"))}
        actions.append(deployment(0, name, "inference", base, requests))
        actions += [
            scale(hour * HOUR, name, "inference", max(1, base + random.randint(-2, 4)))
            for hour in range(1, int(hours))
        ]
    about = "Six models on whole GPUs and eight on shared ones are served; ten training jobs come and go."
    return scenario("gpu-sharing", about, seed=seed, hours=hours, node_groups=gpus, actions=actions)
