"""`Faults`: what every fault has: an expectation, options, and one way to be tried."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypedDict

from kubelab import portal
from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import Experiment, Target
from kubelab.chaos.hypotheses import hypothesis_of
from kubelab.chaos.radius import check_duration, check_radius
from kubelab.chaos.samples import Sample, Stage
from kubelab.chaos.verdict import Verdict
from kubelab.client import Client
from kubelab.training import TrainJob
from kubelab.training.reading import JobReader
from kubelab.training.view import JobView
from kubelab.verbs.chaos.run import Run
from kubelab.verbs.chaos.run_here import INJECTORS, RunHere
from kubelab.verbs.chaos.targets import running, target_of

Expect = str | Callable[[], bool]
Hit = Callable[[JobView], Coroutine[Any, Any, list[Target]]]
"""Says whom a fault hits, once the job runs."""

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
        The blast radius: how many pods may be hit; as many as the job has, unless given. A fault of the API
        or of a Service hits all of the job's pods, and whoever else asks there.
    recover_s : float
        How long to wait after the fault for what is expected, 60 s unless given.
    on_sample : callable
        Called with the stage and all samples after each look; with none while the job does not run yet.
    """

    seed: int
    dry_run: bool
    max_pods: int
    recover_s: float
    on_sample: Callable[[Stage, list[Sample]], None]


class Faults:
    """Tries faults on a cluster; subclasses have a method for each.

    Parameters
    ----------
    client : Client
        The cluster's API.
    engine : str
        What runs the cluster.
    """

    def __init__(self, client: Client, engine: str) -> None:
        self._client = client
        self._engine = engine

    def _try(
        self,
        fault: str,
        job: TrainJob,
        hit: Hit,
        expect: Expect,
        options: Options,
        *,
        duration_s: float = 0.0,
        **parameters: float,
    ) -> Verdict:
        self._check_engine(fault)
        _check(job, options)
        check_duration(fault, duration_s)
        hypothesis = hypothesis_of(expect)
        about = Target(job.kind, job.name, job.namespace, job.view().job["metadata"]["uid"])
        reader = JobReader(self._client, job.kind, job.namespace, job.name, about.uid)
        on_sample = options.get("on_sample")

        async def tried() -> Verdict:
            view = await running(reader, on_sample and partial(on_sample, "before", []))
            experiment = Experiment(
                fault,
                tuple(await hit(view)),
                job.namespace,
                duration_s=duration_s,
                seed=options.get("seed", 0),
                parameters=parameters,
                hypothesis=hypothesis.text,
                about=about,
            )
            hit_pods = experiment.pods or tuple(map(target_of, view.workers.values()))
            check_radius(hit_pods, view.num_nodes, options.get("max_pods"))
            if options.get("dry_run"):
                return Verdict(experiment, "dry run")
            run = (Run if self._engine in _LABS else RunHere)(
                self._client,
                experiment,
                hypothesis,
                reader,
                recover_s=options.get("recover_s", 60.0),
                on_sample=on_sample,
            )
            return await run.verdict()

        return portal.run(tried())

    def _check_engine(self, fault: str) -> None:
        if self._engine not in _LABS and fault not in INJECTORS:
            raise ChaosError(
                f"{fault} is not possible on the engine {self._engine}, only on {' and '.join(_LABS)}: there "
                "kubelab's daemon injects it and undoes it also when this process is gone. "
                f"What needs no undo is possible on any cluster: {', '.join(INJECTORS)}."
            )


def _check(job: object, options: Options) -> None:
    """Refuse what Python would take and nobody meant: ``dryrun=True`` kills."""
    if not isinstance(job, TrainJob):
        raise ChaosError(f"{job!r} is no job: pass one such as cluster.job(name).")
    known = Options.__annotations__
    if unknown := sorted(set(options) - set(known)):
        raise ChaosError(f"{unknown[0]!r} is no option of a fault. There are: {', '.join(known)}.")
