"""A Service's names that do not resolve, or late; its endpoints that come and go."""

from __future__ import annotations

from typing import Unpack

from kubelab.chaos.experiment import Target
from kubelab.chaos.radius import checked_rate, checked_seconds
from kubelab.chaos.verdict import Verdict
from kubelab.training import TrainJob
from kubelab.training.view import JobView
from kubelab.verbs.chaos.faults import Expect, Faults, Options
from kubelab.verbs.chaos.targets import services_of


class ServiceFaults(Faults):
    """Faults of the names and endpoints of a job's Service."""

    def dns_drop(
        self,
        job: TrainJob,
        *,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have the names of a job's Service not resolve.

        Parameters
        ----------
        job, duration_s, expect, **options
            As for `drain`.

        Raises
        ------
        ChaosError
            If the job has no Service, or an option is wrong; nothing is touched.
        """
        return self._try("dns-drop", job, self._services_of, expect, options, duration_s=duration_s)

    def dns_delay(
        self,
        job: TrainJob,
        *,
        delay_s: float = 2.0,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Have what is new of the names of a job's Service be known late, as by a slow DNS.

        Parameters
        ----------
        delay_s : float
            How late.
        job, duration_s, expect, **options
            As for `drain`.

        Raises
        ------
        ChaosError
            If the job has no Service, or an option is wrong; nothing is touched.
        """
        hit, late_s = self._services_of, checked_seconds("delay_s", delay_s)
        return self._try("dns-delay", job, hit, expect, options, duration_s=duration_s, delay_s=late_s)

    def endpoint_flap(
        self,
        job: TrainJob,
        *,
        period_s: float = 1.0,
        rate: float = 20.0,
        duration_s: float = 5.0,
        expect: Expect = "the job goes on",
        **options: Unpack[Options],
    ) -> Verdict:
        """Take all endpoints from a job's Service and give them back, again and again, under load.

        Meanwhile connections are opened to the job's coordinator as clients do, at what the Service's
        EndpointSlices say; the verdict tells how many found no endpoint. For the engine embedded: pods
        that are processes are no endpoints on the engine binaries.

        Parameters
        ----------
        period_s : float
            How long it takes to lose them and have them back, at least 0.1 s.
        rate : float
            How many connections a second, at most 1000; 0 for none.
        job, duration_s, expect, **options
            As for `drain`.

        Raises
        ------
        ChaosError
            If the job has no Service, or an option is wrong; nothing is touched.
        """
        hit = self._services_of
        given = {"period_s": checked_seconds("period_s", period_s, least=0.1), "rate": checked_rate(rate)}
        return self._try("endpoint-flap", job, hit, expect, options, duration_s=duration_s, **given)

    async def _services_of(self, view: JobView) -> list[Target]:
        return await services_of(self._client, view)
