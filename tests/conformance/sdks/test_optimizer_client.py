"""OptimizerClient 0.5, unmodified: its trials really run, as TrainJobs, and its answers come from them."""

from __future__ import annotations

import itertools

import pytest

from tests.conformance.sdks.sdk import Sdk, SdkError


def loss_of(parameters: dict[str, str]) -> float:
    """Return what `fit` of calls/optimizer.py has printed last, and least."""
    return abs(float(parameters["rate"]) - 0.01) + int(parameters["width"]) / 3


def test_random_search_runs_to_its_end_and_names_the_best(sdk: Sdk, namespace: str) -> None:
    job = {
        "namespace": namespace,
        "name": sdk("optimizer", "optimize", namespace=namespace, function="fit", num_trials=3),
    }
    done = sdk("optimizer", "wait", **job)
    assert done["status"] == "Complete"
    assert (done["objectives"], done["algorithm"]) == ([["loss", "minimize"]], "random")
    assert (done["num_trials"], done["parallel_trials"]) == (3, 2)
    assert [trial["status"] for trial in done["trials"].values()] == ["Complete"] * 3
    losses = {name: loss_of(trial["parameters"]) for name, trial in done["trials"].items()}
    for name, trial in done["trials"].items():
        assert trial["losses"] == pytest.approx([losses[name]])
        assert 0.001 <= float(trial["parameters"]["rate"]) <= 0.1
    assert sdk("optimizer", "get_job", **job) == done
    assert sdk("optimizer", "list_jobs", namespace=namespace) == [done]

    best = sdk("optimizer", "best", **job)
    winner = min(losses, key=lambda name: losses[name])
    assert best["parameters"] == done["trials"][winner]["parameters"]
    assert best["metrics"]["loss"]["min"] == pytest.approx(losses[winner])
    assert best["metrics"]["loss"]["max"] > best["metrics"]["loss"]["latest"]

    for trial in (None, winner, *done["trials"]):
        lines = sdk("optimizer", "logs", **job, trial=trial)
        assert [line.split()[0] for line in lines] == ["step=1", "step=2", "step=3"]
        assert float(lines[-1].partition("loss=")[2]) == pytest.approx(losses[trial or winner])

    seen = sdk("optimizer", "events", **job)
    assert ["Experiment", job["name"], "ExperimentMaxTrialsReached"] in seen
    assert {name for kind, name, _ in seen if kind == "Trial"} == set(losses)

    sdk("optimizer", "delete", **job)
    assert sdk("optimizer", "list_jobs", namespace=namespace) == []
    with pytest.raises(SdkError, match="Failed to get OptimizationJob"):
        sdk("optimizer", "get_job", **job)


def test_grid_search_runs_every_combination_once(sdk: Sdk, namespace: str) -> None:
    name = sdk("optimizer", "optimize", namespace=namespace, function="fit", algorithm="grid", num_trials=4)
    done = sdk("optimizer", "wait", namespace=namespace, name=name)
    tried = sorted(
        (each["parameters"]["rate"], each["parameters"]["width"]) for each in done["trials"].values()
    )
    assert tried == sorted(itertools.product(("0.01", "0.1"), ("1", "2")))
    best = sdk("optimizer", "best", namespace=namespace, name=name)
    assert best["parameters"] == {"rate": "0.01", "width": "1"}


def test_a_job_is_read_while_its_trials_run_and_deleted_with_them(sdk: Sdk, namespace: str) -> None:
    job = {"namespace": namespace, "name": sdk("optimizer", "optimize", namespace=namespace)}
    running = sdk("optimizer", "wait", **job, status="Running")
    assert 1 <= len(running["trials"]) <= 2
    sdk("optimizer", "delete", **job)
    assert sdk("optimizer", "list_jobs", namespace=namespace) == []
