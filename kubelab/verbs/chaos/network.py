"""Packets between a job's pods that come late, are lost, or do not pass."""

from __future__ import annotations

from typing import Unpack

from kubelab.chaos.experiment import Target
from kubelab.chaos.radius import checked_share
from kubelab.chaos.verdict import Verdict
from kubelab.training import TrainJob
from kubelab.training.view import JobView
from kubelab.verbs.chaos.faults import Expect, Faults, Hit, Options
from kubelab.verbs.chaos.targets import pod_of, target_of


class NetworkFaults(Faults):
    """Faults of the network between pods."""

    def network_delay(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        delay_s: float = 0.05,
        jitter_s: float = 0.0,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have packets between a job's pods come late; needs a lab that runs as root, and iptables.

        Parameters
        ----------
        rank : int, optional
            Only the packets to and from what this rank serves; all of the job's unless given.
        delay_s, jitter_s : float
            How late each comes, and how much that varies.
        duration_s : float
            How long, at most 600 s.
        job, expect, **options
            As for `kill_pod`.

        Raises
        ------
        ChaosError
            If an option is wrong; nothing is touched.
        """
        given = {"delay_s": delay_s, "jitter_s": jitter_s}
        return self._try("network-delay", job, _pods(rank), expect, options, duration_s=duration_s, **given)

    def network_loss(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        share: float = 0.1,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have a share of the packets between a job's pods be lost; needs a lab that runs as root, and nft.

        Parameters
        ----------
        share : float
            Of the packets, from 0 to 1. The kernel draws the lots, so no seed repeats them.
        job, rank, duration_s, expect, **options
            As for `network_delay`.

        Raises
        ------
        ChaosError
            If an option is wrong; nothing is touched.
        """
        lost = checked_share(share)
        return self._try("network-loss", job, _pods(rank), expect, options, duration_s=duration_s, share=lost)

    def network_partition(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        duration_s: float = 3.0,
        expect: Expect = "the job recovers",
        **options: Unpack[Options],
    ) -> Verdict:
        """Cut a job's pods off from each other; needs a lab that runs as root, and nft.

        JAX takes a worker for dead that is silent for 10 s: the others end then, and all start again.

        Parameters
        ----------
        job, rank, duration_s, expect, **options
            As for `network_delay`.

        Raises
        ------
        ChaosError
            If an option is wrong; nothing is touched.
        """
        hit = _pods(rank)
        return self._try("network-partition", job, hit, expect, options, duration_s=duration_s, share=1.0)


def _pods(rank: int | None) -> Hit:
    async def hit(view: JobView) -> list[Target]:
        if rank is not None:
            return [pod_of(view, rank, 0)]
        return [target_of(pod) for pod in view.workers.values()]

    return hit
