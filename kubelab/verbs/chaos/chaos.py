"""`Chaos`: the faults that a cluster can be given, each with an expectation and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from kubelab import portal
from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import Experiment, Target
from kubelab.chaos.hypotheses import hypothesis_of
from kubelab.chaos.radius import check_duration, check_radius, checked_rate, checked_share
from kubelab.chaos.samples import Sample, Stage
from kubelab.chaos.verdict import Verdict
from kubelab.client import Client
from kubelab.training import TrainJob
from kubelab.training.reading import JobReader
from kubelab.training.view import JobView
from kubelab.verbs.chaos.run import Run
from kubelab.verbs.chaos.targets import node_under, pod_of, running, services_of, target_of

Expect = str | Callable[[], bool]
_LABS = ("binaries", "embedded")
_OWN = ("embedded",)
_Hit = Callable[[JobView], Coroutine[Any, Any, list[Target]]]


class Options(TypedDict, total=False):
    """What every fault takes.

    Attributes
    ----------
    seed : int
        For lots that are drawn; the same seed hits the same pod.
    dry_run : bool
        Touch nothing, and say whom it would hit.
    max_pods : int
        The blast radius: how many pods may be hit; as many as the job has, unless given.
    recover_s : float
        How long to wait after the fault for what is expected, 60 s unless given.
    on_sample : callable
        Called with the stage and all samples after each look.
    """

    seed: int
    dry_run: bool
    max_pods: int
    recover_s: float
    on_sample: Callable[[Stage, list[Sample]], None]


class Chaos:
    """Breaks something on purpose once what is expected holds, undoes it, and judges.

    ``expect`` is what should hold before, during and after a fault: one of
    `kubelab.chaos.hypotheses.HYPOTHESES`, or a function that returns True as long as it holds. A fault is an
    object that ``kubectl get chaos`` shows. The lab's daemon undoes it at its deadline also when the notebook
    that asked for it is gone; Ctrl-C undoes it at once.
    """

    def __init__(self, client: Client, namespace: str, engine: str) -> None:
        self._client = client
        self._namespace = namespace
        self._engine = engine

    def kill_pod(
        self,
        job: TrainJob,
        *,
        rank: int | None = None,
        expect: Expect = "the job resumes from its checkpoint",
        **options: Unpack[Options],
    ) -> Verdict:
        """Kill one of a job's pods, as a node that loses power does.

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

        async def hit(view: JobView) -> list[Target]:
            return await self._node_of(pod_of(view, rank, options.get("seed", 0)))

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

        async def hit(view: JobView) -> list[Target]:
            return await self._node_of(pod_of(view, rank, options.get("seed", 0)))

        return self._try("drain", job, hit, expect, options, duration_s=duration_s)

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
        parameters = {"latency_s": latency_s, "share": checked_share(share)}
        return self._try(
            "api-latency",
            job,
            _api,
            expect,
            options,
            duration_s=duration_s,
            parameters=parameters,
            engines=_OWN,
        )

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
        parameters = {"error_share": checked_share(share)}
        return self._try(
            "api-errors",
            job,
            _api,
            expect,
            options,
            duration_s=duration_s,
            parameters=parameters,
            engines=_OWN,
        )

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
        parameters = {"delay_s": delay_s, "jitter_s": jitter_s}
        return self._try(
            "network-delay", job, _pods(rank), expect, options, duration_s=duration_s, parameters=parameters
        )

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
        parameters = {"share": checked_share(share)}
        return self._try(
            "network-loss", job, _pods(rank), expect, options, duration_s=duration_s, parameters=parameters
        )

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
        parameters = {"share": 1.0}
        return self._try(
            "network-partition",
            job,
            _pods(rank),
            expect,
            options,
            duration_s=duration_s,
            parameters=parameters,
        )

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
        parameters = {"delay_s": delay_s}
        return self._try(
            "dns-delay", job, self._services_of, expect, options, duration_s=duration_s, parameters=parameters
        )

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
        parameters = {"period_s": period_s, "rate": checked_rate(rate)}
        return self._try(
            "endpoint-flap",
            job,
            self._services_of,
            expect,
            options,
            duration_s=duration_s,
            parameters=parameters,
        )

    async def _node_of(self, pod: Target) -> list[Target]:
        return await node_under(self._client, pod)

    async def _services_of(self, view: JobView) -> list[Target]:
        return await services_of(self._client, view)

    def _try(
        self,
        fault: str,
        job: TrainJob,
        hit: _Hit,
        expect: Expect,
        options: Options,
        *,
        duration_s: float = 0.0,
        parameters: Mapping[str, float] | None = None,
        engines: Sequence[str] = _LABS,
    ) -> Verdict:
        self._check_engine(fault, engines)
        check_duration(fault, duration_s)
        hypothesis = hypothesis_of(expect)
        about = Target(job.kind, job.name, job.namespace, job.view().job["metadata"]["uid"])
        reader = JobReader(self._client, job.kind, job.namespace, job.name, about.uid)

        async def tried() -> Verdict:
            view = await running(reader)
            experiment = Experiment(
                fault,
                tuple(await hit(view)),
                job.namespace,
                duration_s=duration_s,
                seed=options.get("seed", 0),
                parameters=parameters or {},
                hypothesis=hypothesis.text,
                about=about,
            )
            check_radius(experiment.pods, view.num_nodes, options.get("max_pods"))
            if options.get("dry_run"):
                return Verdict(experiment, "dry run")
            run = Run(
                self._client,
                experiment,
                hypothesis,
                reader,
                recover_s=options.get("recover_s", 60.0),
                on_sample=options.get("on_sample"),
            )
            return await run.verdict()

        return portal.run(tried())

    def _check_engine(self, fault: str, engines: Sequence[str]) -> None:
        if self._engine not in engines:
            raise ChaosError(
                f"{fault} is not possible on the engine {self._engine}, only on "
                f"{' and '.join(engines)}: there kubelab's daemon injects it and "
                "undoes it also when this process is gone."
            )


async def _api(_view: JobView) -> list[Target]:
    return [Target("APIServer", "kubernetes")]


def _pods(rank: int | None) -> _Hit:
    async def hit(view: JobView) -> list[Target]:
        return (
            [pod_of(view, rank, 0)] if rank is not None else [target_of(pod) for pod in view.workers.values()]
        )

    return hit
