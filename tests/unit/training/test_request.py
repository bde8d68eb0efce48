from __future__ import annotations

import functools
from typing import Any

import pytest

from kubelab.training.errors import LaunchError
from kubelab.training.request import JobRequest, check, check_function, default_name


def train(lr: float = 0.1, *, steps: int) -> None: ...


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("num_nodes", 0, "num_nodes=0 cannot be the number of workers: use a whole number of at least 1"),
        ("num_nodes", -1, "num_nodes=-1"),
        ("num_nodes", 100_001, "more than an Indexed Job may have: 100000"),
        ("num_nodes", 1.5, "num_nodes=1.5"),
        ("num_nodes", True, "num_nodes=True"),
        ("checkpoint_every", -5, "checkpoint_every=-5"),
        ("max_restarts", -1, "max_restarts=-1"),
        ("name", "Digits", "name='Digits' cannot name a job"),
        ("name", "1st", "starting with a letter"),
        ("name", "a" * 51, "at most 50"),
        ("name", "ends-", "cannot name a job"),
        ("name", "", "cannot name a job"),
        ("kind", "PyTorchJob", "Choose 'TrainJob', 'JAXJob' or 'Job'"),
        ("resources", {"cpus": 1}, "'cpus', which is no resource"),
        ("resources", {"cpu": "a lot"}, "resources['cpu']: 'a lot' is not a quantity"),
        ("resources", {"memory": 0}, "must be more than 0"),
        ("env", {"1X": "y"}, "cannot name a variable"),
        ("env", {"JAX_PROCESS_ID": "1"}, "which the job sets itself"),
        ("env", {"KUBELAB_ARGS": "{}"}, "which the job sets itself"),
        ("volumes", {"data": {"emptyDir": {}}}, "'data', which is no absolute path in the pod"),
        ("volumes", {"/mnt/data": "/data"}, "volumes['/mnt/data']='/data' is no volume's source"),
    ],
)
def test_a_wrong_option_is_named_with_its_value(field: str, value: Any, said: str) -> None:
    good: dict[str, Any] = {"name": "digits", "namespace": "default", "function": "train"}
    with pytest.raises(LaunchError) as caught:
        check(JobRequest(**{**good, field: value}))
    assert said in str(caught.value)


def test_a_good_request_passes() -> None:
    request = JobRequest(
        name="digits-1",
        namespace="default",
        function="train",
        resources={"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": 1},
        env={"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"},
    )
    assert check(request) is request


def test_defaults_are_bound() -> None:
    assert check_function(train, {"steps": 3}) == {"lr": 0.1, "steps": 3}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"steps": 1, "rate": 2}, "unexpected keyword argument 'rate'. It takes: lr, steps."),
        ({}, "missing a required"),
    ],
)
def test_arguments_that_do_not_fit_name_those_that_do(args: dict[str, Any], said: str) -> None:
    with pytest.raises(LaunchError, match="train") as caught:
        check_function(train, args)
    assert said in str(caught.value)


async def asynchronous() -> None: ...


@pytest.mark.parametrize("function", [3, "train", JobRequest, asynchronous])
def test_what_is_not_an_ordinary_function_is_refused(function: Any) -> None:
    with pytest.raises(LaunchError):
        check_function(function, {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train_digits", "train-digits-7f3a"),
        ("<lambda>", "lambda-7f3a"),
        ("_2nd", "job-2nd-7f3a"),
        ("Größe", "gr-e-7f3a"),
        ("___", "job-7f3a"),
        ("x" * 80, "x" * 45 + "-7f3a"),
    ],
)
def test_a_name_is_made_from_the_functions(name: str, expected: str) -> None:
    def function() -> None: ...

    function.__name__ = name
    made = default_name(function, "7f3a")
    assert made == expected
    check(JobRequest(name=made, namespace="default", function=name))


def test_a_partial_is_called_by_its_functions_name() -> None:
    assert default_name(functools.partial(train, steps=1), "0") == "train-0"
