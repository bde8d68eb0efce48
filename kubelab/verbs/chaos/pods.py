"""Pods that are killed, nodes that report not to be ready, or are drained."""

from __future__ import annotations

from typing import Unpack

from kubelab.chaos.experiment import Target
from kubelab.chaos.verdict import Verdict
from kubelab.training import TrainJob
from kubelab.training.view import JobView
from kubelab.verbs.chaos.faults import Expect, Faults, Hit, Options
from kubelab.verbs.chaos.targets import node_under, pod_of


class PodFaults(Faults):
    """Faults of pods and of the nodes under them."""

    def kill_pod(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        expect: Expect = "the job resumes from its checkpoint",
        **options: Unpack[Options],
    ) -> Verdict:
        """Delete one of a job's pods without grace: its processes get SIGKILL, as with Chaos Mesh's pod-kill.

        Parameters
        ----------
        job : TrainJob
            Whose pod.
        rank : int, optional
            Which; drawn by the seed unless given.
        expect : str or callable
            What should hold.
        **options
            See `Options`.

        Raises
        ------
        ChaosError
            If the job has no such pod now; nothing is touched.
        """

        async def hit(view: JobView) -> list[Target]:
            return [pod_of(view, rank, options.get("seed", 0))]

        return self._try("kill-pod", job, hit, expect, options)

    def node_not_ready(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have the node under one of a job's pods report that it is not ready.

        It takes no more pods; those that it has stay, for the 300 s that they tolerate unless they say else.

        Parameters
        ----------
        duration_s : float
            After how long it is ready again, at most 600 s.
        job, rank, expect, **options
            As for `kill_pod`; all pods on the node count as hit.

        Raises
        ------
        ChaosError
            If that is not possible here; nothing is touched.
        """
        hit = self._node_under(rank, options)
        return self._try("node-not-ready", job, hit, expect, options, duration_s=duration_s)

    def drain(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        duration_s: float = 5.0,
        expect: Expect = "the job resumes from its checkpoint",
        **options: Unpack[Options],
    ) -> Verdict:
        """Cordon the node under one of a job's pods and evict all of its pods, as ``kubectl drain`` does.

        Parameters
        ----------
        duration_s : float
            After how long the node takes pods again, at most 600 s.
        job, rank, expect, **options
            As for `kill_pod`.

        Raises
        ------
        ChaosError
            If that is not possible here; nothing is touched.
        """
        hit = self._node_under(rank, options)
        return self._try("drain", job, hit, expect, options, duration_s=duration_s)

    def _node_under(self, rank: int | None, options: Options) -> Hit:
        async def hit(view: JobView) -> list[Target]:
            return await node_under(self._client, pod_of(view, rank, options.get("seed", 0)))

        return hit
