"""How much of a machine is left for pods where nobody says it: the providers' published reserves.

These are estimates: images, add-ons and settings change them by a few hundred MiB.
"""

from __future__ import annotations

from collections.abc import Callable

_MIB = 2**20
_EVICTION_MIB = 100.0
"""The kubelet keeps so much free (``memory.available``), on all three."""

Rule = Callable[[int, float, int], tuple[int, int]]


def estimate(provider: str, vcpu: int, memory_bytes: int, pods: int) -> tuple[int, int, str]:
    """Return allocatable CPU in millicores, allocatable memory in bytes, and the rule's name.

    The rules are EKS's (as karpenter-provider-aws v1.x computes it, with its 7.5 % for the hypervisor), GKE's
    ("Plan GKE Standard node sizes") and AKS's from 1.29 ("Node resource reservations"), read in 2026-07; a
    provider without one gets GKE's.
    """
    name, rule = _RULES.get(provider, _RULES["gcp"])
    cpu, memory_mib = rule(vcpu, memory_bytes / _MIB, pods)
    return cpu, max(0, memory_mib) * _MIB, f"estimated by {name}'s reserves"


def default_pods(provider: str) -> int:
    """Return how many pods a node takes unless told otherwise: 250 in AKS's overlay network, else 110."""
    return 250 if provider == "azure" else 110


def _curve_cpu(vcpu: int) -> int:
    """Take 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the others."""
    reserved = 60 + 10 * (vcpu > 1) + 5 * min(max(vcpu - 2, 0), 2) + 2.5 * max(vcpu - 4, 0)
    return int(vcpu * 1000 - reserved)


def _eks(vcpu: int, memory_mib: float, pods: int) -> tuple[int, int]:
    return _curve_cpu(vcpu), int(memory_mib * (1 - 0.075) - (255 + 11 * pods) - _EVICTION_MIB)


def _gke(vcpu: int, memory_mib: float, _pods: int) -> tuple[int, int]:
    reserved, left = 0.0, memory_mib
    for size_gib, share in ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06)):
        part = min(left, size_gib * 1024)
        reserved, left = reserved + part * share, left - part
    if memory_mib < 1024:
        reserved = 255.0
    return _curve_cpu(vcpu), int(memory_mib - reserved - left * 0.02 - _EVICTION_MIB)


def _aks(vcpu: int, memory_mib: float, pods: int) -> tuple[int, int]:
    cpu = {1: 60, 2: 100}.get(vcpu, 100 + 10 * vcpu)  # 140 of 4 cores, 180 of 8 ... 740 of 64
    mb = 1e6 / _MIB
    reserved = min((20 * pods + 50) * mb, memory_mib * 0.25)
    return vcpu * 1000 - cpu, int(memory_mib - reserved - _EVICTION_MIB)


_RULES: dict[str, tuple[str, Rule]] = {"aws": ("EKS", _eks), "gcp": ("GKE", _gke), "azure": ("AKS", _aks)}
