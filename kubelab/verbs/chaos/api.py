"""An API server that answers late, or refuses."""

from __future__ import annotations

from typing import Unpack

from kubelab.chaos.experiment import Target
from kubelab.chaos.radius import checked_share
from kubelab.chaos.verdict import Verdict
from kubelab.training import TrainJob
from kubelab.training.view import JobView
from kubelab.verbs.chaos.faults import Expect, Faults, Options


class ApiFaults(Faults):
    """Faults of the API server."""

    def api_latency(
        self,
        job: TrainJob,
        *,
        latency_s: float = 0.5,
        share: float = 1.0,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have the API server answer late; for the engine embedded.

        Requests over HTTP are hit, those of pods and notebooks; kubelab's own parts speak to it in process.

        Parameters
        ----------
        latency_s : float
            How much later.
        share : float
            Of the requests, from 0 to 1; which is drawn by the seed.
        duration_s : float
            How long, at most 600 s.
        job, expect, **options
            As for `kill_pod`.

        Raises
        ------
        ChaosError
            If that is not possible here; nothing is touched.
        """
        given = {"latency_s": latency_s, "share": checked_share(share)}
        return self._try("api-latency", job, _api, expect, options, duration_s=duration_s, **given)

    def api_errors(
        self,
        job: TrainJob,
        *,
        share: float = 0.5,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have the API server refuse a share of the requests with 503; for the engine embedded.

        Parameters
        ----------
        share : float
            Of the requests over HTTP, from 0 to 1; which is drawn by the seed.
        duration_s : float
            How long, at most 600 s.
        job, expect, **options
            As for `kill_pod`.

        Raises
        ------
        ChaosError
            If that is not possible here; nothing is touched.
        """
        errors = checked_share(share)
        return self._try("api-errors", job, _api, expect, options, duration_s=duration_s, error_share=errors)


async def _api(_view: JobView) -> list[Target]:
    return [Target("APIServer", "kubernetes")]
