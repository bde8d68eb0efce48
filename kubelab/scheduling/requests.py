"""What a pod asks of a node: its resource requests, summed as the kubelet and scheduler do.

The rules are those of ``k8s.io/component-helpers/resource`` (v1.37): containers and sidecars add up,
init containers run one after another, pod-level requests take precedence, overhead comes on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from kubelab.client import Object
from kubelab.quantities import cpu_millicores, whole
from kubelab.scheduling.resizing import specs_of

DEFAULT_CPU_MILLICORES = 100
"""``schedutil.DefaultMilliCPURequest``: what a container without a request counts as in scores."""

DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024
"""``schedutil.DefaultMemoryRequest``."""

Amounts = Mapping[str, int]
"""By resource name: ``cpu`` in millicores, everything else in whole units (bytes, counts)."""


def amounts(given: Mapping[str, str | int | float] | None) -> dict[str, int]:
    """Parse a ``ResourceList``."""
    return {
        name: cpu_millicores(quantity) if name == "cpu" else whole(quantity)
        for name, quantity in (given or {}).items()
    }


def quantities(found: Amounts) -> dict[str, str]:
    """Return a ``ResourceList``: the inverse of `amounts`."""
    return {name: f"{amount}m" if name == "cpu" else str(amount) for name, amount in found.items()}


def held_requests(pod: Object, *, nonzero: bool = False) -> dict[str, int]:
    """Return what a whole pod holds: while it is resized, the most of what it asks for, was given and has."""
    total: Counter[str] = Counter()
    for spec in specs_of(pod, "requests"):
        total |= Counter(pod_requests(spec, nonzero=nonzero))
    return dict(total)


def pod_requests(spec: Object, *, nonzero: bool = False) -> dict[str, int]:
    """Return the requests of a whole pod.

    Parameters
    ----------
    spec : dict
        A ``PodSpec``.
    nonzero : bool
        Count a container that does not ask for CPU or memory with upstream's defaults, as scores do.
    """
    level = amounts((spec.get("resources") or {}).get("requests"))
    defaults = {"cpu": DEFAULT_CPU_MILLICORES, "memory": DEFAULT_MEMORY_BYTES} if nonzero else {}
    defaults = {name: value for name, value in defaults.items() if name not in level}
    total = _sum(({**_containers(spec, defaults), **level}, amounts(spec.get("overhead"))))
    return {name: value for name, value in total.items() if value}


def _containers(spec: Object, defaults: Amounts) -> Counter[str]:
    running = _sum(_request(container, defaults) for container in spec.get("containers") or ())
    sidecars: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.get("initContainers") or ():
        request = _request(container, defaults)
        if container.get("restartPolicy") == "Always":
            running.update(request)
            sidecars.update(request)
            peak |= sidecars
        else:
            peak |= _sum((request, sidecars))
    return running | peak


def _request(container: Object, defaults: Amounts) -> Counter[str]:
    return Counter({**defaults, **amounts((container.get("resources") or {}).get("requests"))})


def _sum(requests: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for request in requests:
        total.update(request)
    return total
