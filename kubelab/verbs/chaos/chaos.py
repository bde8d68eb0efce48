"""`Chaos`: the faults that a cluster can be given, each with an expectation and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from kubelab import portal
from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import Experiment, Target
from kubelab.chaos.hypotheses import hypothesis_of
from kubelab.chaos.radius import check_radius
from kubelab.chaos.samples import Sample, Stage
from kubelab.chaos.verdict import Verdict
from kubelab.client import Client
from kubelab.training import TrainJob
from kubelab.training.reading import JobReader
from kubelab.training.view import JobView
from kubelab.verbs.chaos.run import Run
from kubelab.verbs.chaos.targets import pod_of, running

Expect = str | Callable[[], bool]
_LABS = ("binaries", "embedded")


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

    def _try(
        self,
        fault: str,
        job: TrainJob,
        hit: Callable[[JobView], Coroutine[Any, Any, list[Target]]],
        expect: Expect,
        options: Options,
        *,
        duration_s: float = 0.0,
        parameters: Mapping[str, float] | None = None,
        engines: Sequence[str] = _LABS,
    ) -> Verdict:
        self._check_engine(fault, engines)
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
