"""Containers and samples of them."""

from __future__ import annotations

import numpy as np

from kubelab.rightsizing.recommender import ContainerRecommendation, Recommender, Workload
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

START = 1_700_000_000.0
MINUTE, DAY = 60.0, 86400.0
MIB, GIB = 2**20, 2**30


def key(pod: str = "web-0", container: str = "app") -> ContainerKey:
    """Return a container of a Deployment."""
    return ContainerKey("shop", pod, container, "Deployment", "web")


def steady(
    resource: Resource, value: float, *, days: float, every: float = MINUTE, of: ContainerKey | None = None
) -> UsageSeries:
    """Return samples of one value, the last of them so many days after the first."""
    times = START + np.arange(round(days * DAY / every) + 1) * every
    return UsageSeries(of or key(), resource, times, np.full(len(times), value))


def recommended(*series: UsageSeries) -> ContainerRecommendation:
    """Return what is recommended for a container after series of it."""
    recommender = Recommender()
    recommender.track(series[0].container, "group")
    recommender.observe(series)
    [[found]] = recommender.recommend([Workload({"app": ["group"]})])
    return found
