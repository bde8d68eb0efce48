"""How much memory a container is taken to need that was killed for want of it."""

from __future__ import annotations

MIB = 2**20


def memory_after_oom(requested: int, peak: int, *, ratio: float = 1.2, least: int = 100 * MIB) -> int:
    """Return the bytes that are recorded as used when a container was killed.

    Upstream: ``ContainerState.RecordOOM`` in ``pkg/recommender/model/container.go`` of Vertical Pod
    Autoscaler 1.7. Evictions by the kubelet for want of memory count like kills.

    Parameters
    ----------
    requested : int
        The container's request in bytes.
    peak : int
        The most that it was seen to use in the current window; samples of earlier kills do not count.
    ratio, least : float, int
        How many times as much, and how many bytes more, it gets at least: the policy's ``oomBumpUpRatio``
        and ``oomMinBumpUp``.
    """
    used = max(requested, peak)
    return max(used + least, int(used * ratio))
