"""The first recommendation on new nodes, against that of all pods together, on seeded fleets.

Each fleet has 60 nodes that run a daemon and 40 that do not yet. A node's use is a level, which depends on
what the node is like and on a part that nothing tells, with a daily course and noise. The error is the sum of
the distances between what new nodes are first given and what two days of their own samples lead to, over the
sum of the latter. All of it is recommended as a VerticalPodAutoscaler does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from kubelab.clock import monotonic
from kubelab.rightsizing.new_nodes.features import NodeFeatures
from kubelab.rightsizing.new_nodes.prediction import Known, NewNodes, Prediction
from kubelab.rightsizing.recommender import Recommender, Workload
from kubelab.usage.series import ContainerKey, Resource, UsageSeries
from tests.bench.figure import Figure

KNOWN, NEW, SEEDS = 60, 40, range(10)
_UNTOLD = 0.2
"""The standard deviation, as a logarithm, of what differs between nodes that are alike."""
_SIZES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_POOLS = {"web": 1.0, "batch": 2.0, "data": 4.0, "edge": 8.0}

_TIMES = 1_800_000_000 + np.arange(576) * 300.0
_RESOURCES: tuple[Resource, Resource] = ("cpu", "memory")
_UNIT: dict[Resource, float] = {"cpu": 1.0, "memory": 2**30}

Floats = NDArray[np.float64]
Level = Callable[[NodeFeatures, Generator], float]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Nodes of one seed.

    Attributes
    ----------
    own : ndarray, shape (KNOWN + NEW,)
        What each node's own samples lead to, in millicores or bytes.
    together : float
        What the known nodes' samples lead to together.
    """

    features: list[NodeFeatures]
    own: Floats
    together: float


def measure() -> list[Figure]:
    """Measure."""
    kinds: dict[str, Level] = {
        "GPU nodes use five times as much": lambda node, _: 0.1 * (5 if node.devices else 1),
        "use grows with cores": lambda node, _: 0.02 * node.sizes["cpu"] ** 0.9,
        "four pools, 1 to 8 times": lambda node, _: 0.1 * _POOLS[node.labels["pool"]],
        "pools, cores and GPUs": _mixed,
    }
    figures = [_figure(name, level, asked=0.5) for name, level in kinds.items()]
    figures.append(_figure("pools, cores and GPUs", _mixed, 0.5, "memory"))
    untold = _figure(
        "nothing tells nodes apart", lambda _, random: float(random.lognormal(-2, 1)), asked=None
    )
    return [*figures, untold, _time()]


def _mixed(node: NodeFeatures, _: Generator) -> float:
    level = 0.02 * node.sizes["cpu"] ** 0.7 * _POOLS[node.labels["pool"]] ** 0.5
    return level * (3 if node.devices else 1)


def fleet(seed: int, level: Level, resource: Resource = "cpu") -> Fleet:
    """Return a fleet."""
    random = np.random.default_rng(seed)
    features = [_node(random) for _ in range(KNOWN + NEW)]
    recommender = Recommender()
    for at, node in enumerate(features):
        key = ContainerKey("kube-system", f"agent-{at}", "agent")
        recommender.track(key, at)
        use = _use(level(node, random), random)
        recommender.observe([UsageSeries(key, each, _TIMES, use * _UNIT[each]) for each in _RESOURCES])
    single = [Workload({"agent": [at]}) for at in range(KNOWN + NEW)]
    found = recommender.recommend([*single, Workload({"agent": list(range(KNOWN))})])
    targets = [float(getattr(each[0].target, resource)) for each in found]
    return Fleet(features, np.array(targets[:-1]), targets[-1])


def predictions(of: Fleet) -> list[Prediction]:
    """Return what is predicted of the new nodes."""
    known = zip(of.features[:KNOWN], of.own[:KNOWN].tolist(), strict=True)
    made = NewNodes([Known(features, target) for features, target in known])
    return [made.predict(node) for node in of.features[KNOWN:]]


def _figure(name: str, level: Level, asked: float | None, resource: Resource = "cpu") -> Figure:
    wrong, together, inside, widths = [], [], [], []
    for seed in SEEDS:
        made = fleet(seed, level, resource)
        found, own = predictions(made), made.own[KNOWN:]
        wrong.append(_error(np.array([each.target for each in found]), own))
        together.append(_error(np.full(NEW, made.together), own))
        inside += [each.lower <= real <= each.upper for each, real in zip(found, own.tolist(), strict=True)]
        widths += [each.upper / each.lower for each in found]
    worst = max(a / b for a, b in zip(wrong, together, strict=True))
    return Figure(
        "new nodes",
        f"error over that of one recommendation for all, {resource}: {name}",
        asked,
        float(np.mean(wrong) / np.mean(together)),
        "x",
        note=f"{np.mean(wrong):.2f} / {np.mean(together):.2f} of what is needed; worst seed {worst:.2f}; "
        f"{np.mean(inside):.0%} inside of the 90 % interval, whose ends are {np.median(widths):.1f}x apart",
    )


def _error(given: Floats, own: Floats) -> float:
    return float(np.abs(given - own).sum() / own.sum())


def _node(random: Generator) -> NodeFeatures:
    cores = float(random.choice(_SIZES))
    return NodeFeatures(
        {"cpu": cores, "memory": cores * float(random.choice([4, 8])) * 2**30, "pods": 110.0},
        {
            "pool": str(random.choice(list(_POOLS))),
            "topology.kubernetes.io/zone": str(random.choice(["a", "b", "c"])),
            "kubernetes.io/arch": str(random.choice(["amd64", "arm64"])),
        },
        frozenset({"nvidia.com/gpu"}) if random.random() < 0.25 else frozenset(),
    )


def _use(level: float, random: Generator) -> Floats:
    """Return two days of samples, one each five minutes."""
    course = 1 + 0.4 * np.sin(2 * np.pi * _TIMES / 86400) + 0.2 * random.standard_normal(len(_TIMES))
    used: Floats = level * float(random.lognormal(0, _UNTOLD)) * np.maximum(course, 0.05)
    return used


def _time() -> Figure:
    random = np.random.default_rng(0)
    nodes = [_node(random) for _ in range(5000)]
    known = [Known(node, _mixed(node, random) * float(random.lognormal(0, _UNTOLD))) for node in nodes]
    began = monotonic()
    NewNodes(known).predict(nodes[0])
    return Figure("new nodes", "5,000 groups read and a node predicted", 2.0, monotonic() - began, "s")
