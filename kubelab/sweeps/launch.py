"""`launch`: from a function and a space to a sweep; `attach`: from a sweep's name to its handle."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubelab import portal
from kubelab.client import CONFIG_MAPS, EXPERIMENTS, Client, Object
from kubelab.errors import AlreadyExistsError, NotFoundError
from kubelab.quantities import Quantity
from kubelab.sweeps.errors import SweepError
from kubelab.sweeps.experiment import experiment
from kubelab.sweeps.handle import Sweep
from kubelab.sweeps.katib import check_cluster
from kubelab.training import builders
from kubelab.training.commit import commit_of
from kubelab.training.launch import create_owning, ensure_runtime, fit, serves
from kubelab.training.pod.context import steps_of
from kubelab.training.request import (
    JobRequest,
    Kind,
    check,
    check_function,
    check_mapping,
    default_name,
    name_of,
)
from kubelab.training.shipping import archive
from kubelab.tuning import EarlyStopping, Problem, Space
from kubelab.tuning.parameters import Parameter
from kubelab.tuning.problem import Direction
from kubelab.tuning.stopping import check_stopping
from kubelab.tuning.suggestion import ALGORITHMS, check_algorithm

MAX_NAME = 40
"""Katib's limit. A trial adds nine characters, and is then the name of a job."""
DEFAULT_RESOURCES: Mapping[str, Quantity] = {"cpu": 1, "memory": "1Gi"}


def launch(
    client: Client,
    namespace: str,
    fn: Callable[..., object],
    *,
    space: Mapping[str, Parameter],
    objective: str,
    direction: Direction = "minimize",
    goal: float | None = None,
    algorithm: str = "tpe",
    settings: Mapping[str, object] | None = None,
    stopping: str | None = None,
    stopping_settings: Mapping[str, object] | None = None,
    max_trials: int = 20,
    parallel: int = 2,
    max_failed: int = 3,
    metrics: tuple[str, ...] = (),
    seed: int | None = None,
    args: Mapping[str, Any] | None = None,
    num_nodes: int = 1,
    resources: Mapping[str, Quantity] | None = None,
    kind: Kind = "TrainJob",
    env: Mapping[str, str] | None = None,
    image: str | None = None,
    volumes: Mapping[str, Object] | None = None,
    name: str | None = None,
) -> Sweep:
    """Create an Experiment whose trials run ``fn``, and return its handle; see `kubelab.Cluster.sweep`.

    Raises
    ------
    TuningError
        If the search cannot be made; nothing was created.
    LaunchError
        If an option is wrong or the function cannot travel; nothing was created.
    ApiError
        If the cluster refuses it; what was created is deleted.
    """
    args = check_mapping("args", args, '{"steps": 300}')
    problem = Problem(
        parameters=Space(check_mapping("space", space, '{"lr": log(1e-4, 1e-1)}')),
        objective=objective,
        direction=direction,
        goal=goal,
        algorithm=algorithm,
        settings=_settings(algorithm, settings, seed),
        max_trials=max_trials,
        parallel=parallel,
        additional_metrics=tuple(metrics),
        early_stopping=EarlyStopping(stopping, _texts(stopping_settings)) if stopping else None,
    )
    check_algorithm(problem)
    check_stopping(problem)
    values = _check_arguments(fn, args, problem.parameters)
    name = default_name(fn, secrets.token_hex(2), MAX_NAME) if name is None else name
    request = check(
        JobRequest(
            name=name,
            namespace=namespace,
            function=name_of(fn),
            kind=kind,
            num_nodes=num_nodes,
            resources={**DEFAULT_RESOURCES, **check_mapping("resources", resources, '{"cpu": 1}')},
            max_restarts=0,
            image=image or "",
            volumes=check_mapping("volumes", volumes, '{"/mnt/data": {"hostPath": {"path": "/data"}}}'),
            env={key: str(value) for key, value in check_mapping("env", env, '{"A": "b"}').items()},
            steps=steps_of({key: value for key, value in values.items() if key not in space}),
            commit=commit_of(Path.cwd()),
            code=f"{name}-code",
        )
    )
    if len(name) > MAX_NAME:
        raise SweepError(f"name={name!r} is too long for a sweep: use at most {MAX_NAME} characters.")
    if not isinstance(max_failed, int) or max_failed < 0:
        raise SweepError(f"max_failed={max_failed!r} is no number of trials: use a whole number, 0 or more.")
    shipped = archive(fn, args)
    request = replace(request, args_json=shipped.args_json)
    made = portal.run(
        create(client, problem, request, shipped.content, max_failed=min(max_failed, max_trials))
    )
    return Sweep(client, namespace, name, made["metadata"]["uid"])


async def create(
    client: Client, problem: Problem, request: JobRequest, content: bytes, *, max_failed: int
) -> Object:
    """Create a sweep's objects: all of them exist afterwards, or none.

    Raises
    ------
    SweepError
        If the cluster has no Katib, or one that cannot run it, or a sweep of that name.
    """
    request, base = await fit(client, request)
    await check_cluster(client, problem, request)
    if base is not None:
        await ensure_runtime(client, builders.restarting_runtime(base, 0, request.namespace))
    if request.kind == "Job" and request.num_nodes > 1:
        raise SweepError(
            f"num_nodes={request.num_nodes} needs Kubeflow Trainer for trials, which this cluster does not "
            "have: install it, or use num_nodes=1."
        )
    body = experiment(request.name, problem, request, max_failed=max_failed)
    owned = [(CONFIG_MAPS, builders.code_config_map(request, content))]
    try:
        return await create_owning(client, EXPERIMENTS, body, owned)
    except AlreadyExistsError:
        raise SweepError(
            f"there is already a sweep {request.name!r} in namespace {request.namespace!r}. Choose another "
            f"name, or delete it first: cluster.find_sweep({request.name!r}).delete()."
        ) from None
    except NotFoundError:
        if await serves(client, EXPERIMENTS, request.namespace):
            raise
        raise SweepError(
            "the cluster does not serve Katib's Experiments (kubeflow.org/v1beta1). An administrator "
            'installs Katib: kubectl apply -k "github.com/kubeflow/katib.git/manifests/v1beta1/installs/'
            'katib-standalone?ref=v0.19.0"'
        ) from None


def attach(client: Client, namespace: str, name: str) -> Sweep:
    """Return the handle of a sweep that exists.

    Raises
    ------
    NotFoundError
        If there is no Experiment of that name.
    """
    found = portal.run(client.get(EXPERIMENTS, name, namespace))
    return Sweep(client, namespace, name, found["metadata"]["uid"])


def _check_arguments(fn: Callable[..., object], args: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """Return the function's arguments where all that is searched has a value.

    Raises
    ------
    SweepError
        If an argument is both fixed and searched.
    LaunchError
        If the function does not take them.
    """
    both = sorted(set(args) & set(space))
    if both:
        raise SweepError(f"{', '.join(both)} stand both in args and in space. Leave them out of one.")
    always = [each for each in space if not space.conditions(each)]
    for names in (space, always):  # a parameter that does not count in a trial is left to its default
        values = check_function(fn, {**args, **{each: space.parameter(each).at(0.5) for each in names}})
    return values


def _settings(algorithm: str, settings: Mapping[str, object] | None, seed: int | None) -> dict[str, str]:
    given = _texts(settings)
    known = ALGORITHMS.get(algorithm)
    if seed is not None and known is not None and "random_state" in known.schema:
        given.setdefault("random_state", str(seed))
    return given


def _texts(settings: Mapping[str, object] | None) -> dict[str, str]:
    return {key: str(value) for key, value in check_mapping("settings", settings, '{"eta": 3}').items()}
