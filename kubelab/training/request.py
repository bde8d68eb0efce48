"""`JobRequest`: everything that is asked for, checked before anything is created."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kubelab.client import Object
from kubelab.quantities import Quantity, QuantityError, parse_quantity
from kubelab.training.errors import LaunchError

Kind = Literal["TrainJob", "JAXJob", "Job"]

MAX_NAME = 50
"""The job's name is part of its pods' hostnames, which have at most 63 characters."""
MAX_NODES = 100_000
"""The parallelism that an Indexed Job may have (kubernetes 1.37, ``pkg/apis/batch/validation``)."""
_NAME = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_RESERVED = re.compile(
    r"^(KUBELAB_.*|(JAX_)?(NUM_PROCESSES|PROCESS_ID|COORDINATOR_ADDRESS)|COORDINATOR_PORT)$"
)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job as its objects will say it.

    Parameters
    ----------
    name, namespace : str
        What it is called, and where.
    kind : {"TrainJob", "JAXJob", "Job"}
        Kubeflow Trainer's object, the training operator's, or Kubernetes' own Indexed Job.
    num_nodes : int
        Workers, each in a pod of its own.
    resources : mapping of str to quantity
        What each worker requests and is limited to.
    checkpoint_every : int
        Steps between checkpoints; with 0 the job has no volume.
    max_restarts : int
        How often the workers are started again after one was lost.
    image : str
        The containers' image.
    env : mapping of str to str
        Further variables.
    volumes : mapping of str to object
        What to read from: a path in the pod, and the source of a Kubernetes volume.
    args_json : str
        The function's readable arguments.
    arguments : mapping of str to str
        Those that have a variable each, as `kubelab.training.pod.arguments` writes them.
    code : str
        The ConfigMap that carries the function; by default the job has its own.
    function : str
        The function's name.
    steps : int, optional
        How many steps it will make, where an argument says so.
    commit : str
        The git commit of the folder that it is launched from; empty outside a repository.
    """

    name: str
    namespace: str
    function: str
    kind: Kind = "TrainJob"
    num_nodes: int = 2
    resources: Mapping[str, Quantity] = field(default_factory=dict)
    checkpoint_every: int = 0
    max_restarts: int = 3
    image: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Object] = field(default_factory=dict)
    args_json: str = "{}"
    arguments: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    steps: int | None = None
    commit: str = ""

    @property
    def code_name(self) -> str:
        """The name of the ConfigMap that carries the function."""
        return self.code or f"{self.name}-code"


def check_function(function: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with their defaults.

    Raises
    ------
    LaunchError
        If it is not a function, or does not take these arguments.
    """
    if not callable(function) or inspect.isclass(function):
        raise LaunchError(f"{function!r} is not a function. Pass the function itself, without calling it.")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise LaunchError(f"{name_of(function)} is async or a generator. Pass an ordinary function.")
    signature = inspect.signature(function)
    try:
        bound = signature.bind(**args)
    except TypeError as error:
        takes = ", ".join(signature.parameters) or "no arguments"
        raise LaunchError(
            f"{name_of(function)}() does not fit these args: {error}. It takes: {takes}."
        ) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def check(request: JobRequest) -> JobRequest:
    """Return the request if it can be a job.

    Raises
    ------
    LaunchError
        Naming what is wrong, and how to write it.
    """
    if request.kind not in ("TrainJob", "JAXJob", "Job"):
        raise LaunchError(f"kind={request.kind!r} is not known. Choose 'TrainJob', 'JAXJob' or 'Job'.")
    _check_name(request.name)
    _check_count("num_nodes", request.num_nodes, 1, "the number of workers")
    if request.num_nodes > MAX_NODES:
        raise LaunchError(f"num_nodes={request.num_nodes} is more than an Indexed Job may have: {MAX_NODES}.")
    _check_count("checkpoint_every", request.checkpoint_every, 0, "steps between checkpoints, or None")
    _check_count("max_restarts", request.max_restarts, 0, "how often lost workers are started again")
    for resource, quantity in request.resources.items():
        _check_resource(resource, quantity)
    for variable in request.env:
        _check_variable(variable)
    for path, source in request.volumes.items():
        _check_volume(path, source)
    return request


def check_mapping(option: str, value: object, example: str) -> dict[str, Any]:
    """Return an option that is a mapping, as a dictionary; empty where it is None.

    Raises
    ------
    LaunchError
        If it is something else.
    """
    if value is not None and not isinstance(value, Mapping):
        raise LaunchError(f"{option}={value!r} is not a mapping. Write {option}={example}.")
    return dict(value or {})


def default_name(function: Callable[..., Any], suffix: str, longest: int = MAX_NAME) -> str:
    """Return a job name made from the function's: ``train_digits`` gives ``train-digits-7f3a``."""
    words = re.sub(r"[^a-z0-9]+", "-", name_of(function).lower()).strip("-")
    stem = words if words[:1].isalpha() else f"job-{words}".rstrip("-")
    return f"{stem[: longest - len(suffix) - 1].rstrip('-')}-{suffix}"


def name_of(function: Any) -> str:
    """Return a callable's name; a partial's is its function's."""
    function = getattr(function, "func", function)
    return str(getattr(function, "__name__", type(function).__name__))


def _check_name(name: object) -> None:
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAME.match(name):
        raise LaunchError(
            f"name={name!r} cannot name a job: use at most {MAX_NAME} lower-case letters, digits and '-', "
            "starting with a letter and ending with a letter or digit, such as 'digits-1'."
        )


def _check_count(option: str, value: object, least: int, meaning: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise LaunchError(f"{option}={value!r} cannot be {meaning}: use a whole number of at least {least}.")


def _check_resource(resource: str, quantity: Quantity) -> None:
    if resource not in _RESOURCES and "/" not in resource:
        raise LaunchError(
            f"resources has {resource!r}, which is no resource. Use cpu, memory, ephemeral-storage, "
            "or a device's full name such as 'nvidia.com/gpu'."
        )
    try:
        positive = parse_quantity(quantity) > 0
    except QuantityError as error:
        raise LaunchError(f"resources[{resource!r}]: {error}") from None
    if not positive:
        raise LaunchError(f"resources[{resource!r}]={quantity!r} must be more than 0.")


def _check_volume(path: object, source: object) -> None:
    if not isinstance(path, str) or not path.startswith("/") or ":" in path:
        raise LaunchError(f"volumes has {path!r}, which is no absolute path in the pod, such as '/mnt/data'.")
    if not isinstance(source, Mapping) or len(source) != 1:
        raise LaunchError(
            f"volumes[{path!r}]={source!r} is no volume's source. Write one of Kubernetes', such as "
            '{"hostPath": {"path": "/data"}} or {"persistentVolumeClaim": {"claimName": "data"}}.'
        )


def _check_variable(variable: object) -> None:
    if not isinstance(variable, str) or not _VARIABLE.match(variable):
        raise LaunchError(f"env has {variable!r}, which cannot name a variable.")
    if _RESERVED.match(variable):
        raise LaunchError(f"env has {variable!r}, which the job sets itself. Leave it out.")
