"""Sweeps of real jobs on the embedded cluster: every verb of the handle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubelab import Cluster, clock, portal
from kubelab.client import TRIALS
from kubelab.errors import NotFoundError
from kubelab.reports import ParameterError, ReportFailedError, report_path, run_report
from kubelab.sweeps import Sweep, SweepError, SweepFailedError
from kubelab.tuning import choice, integer, uniform, when
from kubelab.tuning.suggestion.pbt import PARENT_LABEL
from tests.conftest import own_cluster

SMALL = {"cpu": "500m", "memory": "1Gi"}
TIMEOUT_S = 240.0
PBT: dict[str, Any] = {
    "algorithm": "pbt",
    "settings": {
        "n_population": 5,
        "truncation_threshold": 0.4,
        "resample_probability": 0,
        "suggestion_trial_dir": "/mnt/pbt",
    },
    "max_trials": 10,
    "parallel": 5,
    "resources": SMALL,
}
"""Two generations."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_cluster(tmp_path_factory.mktemp("lab"), "sweeps") as made:
        yield made


def climb(height: float = 0.5, kind: str = "flat", slope: int = 7, steps: int = 3, fault: str = "") -> None:
    """Report a value that follows from the arguments."""
    from kubelab import training

    if fault == "raise":
        raise ValueError("this trial cannot run")
    for step in range(1, steps + 1):
        name = "score" if fault == "other name" else "value"
        training.report(step=step, **{name: height * step + slope * (kind == "steep")})


def let_end(sweep: Sweep) -> None:
    """Wait for a sweep's end, whichever it is: `Sweep.wait` raises where it is no success."""
    deadline = clock.monotonic() + TIMEOUT_S
    while not sweep.view().has_ended and clock.monotonic() < deadline:
        time.sleep(0.1)


def test_a_sweep_finds_the_best_and_its_function_runs_again(cluster: Cluster) -> None:
    space = {
        "height": uniform(0, 1),
        "kind": choice("flat", "steep"),
        "slope": when(integer(1, 3), kind="steep"),
    }
    sweep = cluster.sweep(
        climb,
        space=space,
        objective="value",
        direction="maximize",
        max_trials=6,
        parallel=3,
        seed=1,
        resources=SMALL,
        name="climb",
    ).wait(TIMEOUT_S, progress=False)
    trials = sweep.trials()
    assert list(trials["state"]) == ["Succeeded"] * 6
    assert set(trials.loc[trials["kind"] == "steep", "slope"]) <= {1, 2, 3}
    assert trials.loc[trials["kind"] == "flat", "slope"].isna().all(), "it does not count there"
    best = sweep.best()
    assert best.objective == trials["value"].max()
    assert list(sweep.curves().groupby("trial").size()) == [3] * 6
    assert "value=" in sweep.job(best.number).logs()
    assert [each.name for each in cluster.sweeps()] == ["climb"]

    job = sweep.promote(args={"steps": 5}, checkpoint_every=None)
    assert job.wait(TIMEOUT_S, progress=False).metrics()["step"].max() == 5

    sweep.add_trials(1).wait(TIMEOUT_S, progress=False)
    assert len(cluster.find_sweep("climb").view().trials) == 7
    assert "kind: Experiment" in sweep.manifest()


def test_a_sweep_whose_trials_raise_says_so(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        climb,
        space={"height": uniform(0, 1)},
        objective="value",
        algorithm="random",
        args={"fault": "raise"},
        max_trials=8,
        max_failed=1,
        resources=SMALL,
    )
    with pytest.raises(SweepFailedError, match="failed"):
        sweep.wait(TIMEOUT_S, progress=False)
    with pytest.raises(SweepError, match="no trial of sweep"):
        sweep.best()
    assert sweep.trials()["why"].str.len().max() > 0


def shaky(kind: str = "good") -> None:
    """Report a loss, or fail in one of several ways."""
    import os
    import signal

    from kubelab import training

    training.report(step=1, loss=float("nan") if kind == "nan" else 0.25)
    if kind == "raise":
        raise ValueError("the data is gone")
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


def test_each_trial_that_went_wrong_says_why(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        shaky,
        space={"kind": choice("nan", "raise", "killed", "good")},
        objective="loss",
        algorithm="grid",
        max_trials=4,
        max_failed=3,
        resources=SMALL,
    ).wait(TIMEOUT_S, progress=False)
    trials = sweep.trials().set_index("kind")
    assert dict(trials["state"]) == {
        "nan": "Succeeded",
        "raise": "Failed",
        "killed": "Failed",
        "good": "Succeeded",
    }
    assert sweep.best().parameters == {"kind": "good"}
    assert "nothing but NaN for loss, so it cannot be the best" in trials.loc["nan", "why"]
    assert "exit code 1, after the line: ValueError: the data is gone" in trials.loc["raise", "why"]
    assert "exit code 137" in trials.loc["killed", "why"]
    assert trials.loc["good", "why"] == ""


def test_a_sweep_with_more_failures_than_it_may_have_fails_and_says_of_which(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        shaky,
        space={"kind": choice("raise", "killed", "good")},
        objective="loss",
        algorithm="grid",
        max_trials=3,
        parallel=3,
        max_failed=1,
        resources=SMALL,
    )
    with pytest.raises(SweepFailedError, match=r"max failed count has reached\. See sweep\.trials\(\)"):
        sweep.wait(TIMEOUT_S, progress=False)
    failed = sweep.trials().query("state == 'Failed'")
    assert len(failed) >= 1
    assert failed["why"].str.contains("ended with exit code").all()


def test_a_trial_that_reports_other_names_says_which(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        climb,
        space={"height": uniform(0, 1)},
        objective="value",
        algorithm="random",
        args={"fault": "other name"},
        max_trials=1,
        parallel=1,
        resources=SMALL,
    )
    let_end(sweep)
    [trial] = sweep.view().trials
    assert trial.state == "MetricsUnavailable"
    assert "score" in trial.why


def test_a_paused_sweep_starts_no_trials_and_a_stopped_one_ends(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        climb,
        space={"height": uniform(0, 1)},
        objective="value",
        algorithm="random",
        max_trials=50,
        parallel=1,
        resources=SMALL,
    )
    assert sweep.pause().status == "Paused"
    assert sweep.resume().status in {"Pending", "Running"}
    view = sweep.stop().wait(TIMEOUT_S, progress=False).view()
    assert view.phase == "Succeeded"
    assert len(view.trials) < 50


def test_a_sweep_is_reported_in_one_file(cluster: Cluster, tmp_path: Path) -> None:
    space = {"height": uniform(0, 1), "kind": choice("flat", "steep")}
    options: dict[str, Any] = {
        "space": space,
        "direction": "maximize",
        "max_trials": 6,
        "parallel": 3,
        "seed": 1,
    }
    sweep = cluster.sweep(climb, objective="value", resources=SMALL, name="told", **options)
    sweep.wait(TIMEOUT_S, progress=False)
    asked = {"experiment": "told", "namespace": "default", "cluster": "sweeps"}
    page = run_report(report_path("sweep-report"), asked, tmp_path / "sweep.html").read_text()
    best = sweep.best()
    for part in (f"The best is trial {best.number}", "What mattered most is", "Plotly.newPlot", "Experiment"):
        assert part in page
    assert page.count("Plotly.newPlot") == 4
    for code in ("sweep.curves()", "Cluster.connect"):
        assert code not in page
    assert 'src="http' not in page


def test_a_report_on_no_sweep_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    report = report_path("sweep-report")
    with pytest.raises(ParameterError, match="'experiment' is needed"):
        run_report(report, {}, tmp_path / "none.html")
    with pytest.raises(ReportFailedError, match="nothing"):
        run_report(report, {"experiment": "nothing", "cluster": "sweeps"}, tmp_path / "none.html")


def test_hyperband_takes_the_best_of_each_rung_further_and_ends_with_its_brackets(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        climb,
        space={"height": uniform(0, 1), "steps": integer(1, 4)},
        objective="value",
        direction="maximize",
        algorithm="hyperband",
        settings={"r_l": 4, "eta": 2, "resource_name": "steps"},
        max_trials=30,
        parallel=4,
        resources=SMALL,
    ).wait(TIMEOUT_S, progress=False)
    trials = sweep.trials()
    assert list(trials["steps"]) == [1, 1, 1, 1, 2, 2, 4, 2, 2, 2, 4, 4, 4, 4]
    assert list(trials["state"]) == ["Succeeded"] * 14
    heights = list(trials["height"])
    assert heights[4:6] == sorted(heights[:4], reverse=True)[:2]
    assert heights[6] == max(heights[:4])
    assert heights[10] == max(heights[7:10])


def test_pbt_breeds_a_generation_from_the_one_before(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        climb,
        space={"height": uniform(0, 1)},
        objective="value",
        direction="maximize",
        **PBT,
    ).wait(TIMEOUT_S, progress=False)
    trials = sweep.trials()
    assert list(trials["state"]) == ["Succeeded"] * 10
    heights = list(trials["height"])
    first, second = heights[:5], heights[5:]
    good = sorted(first, reverse=True)[:2]
    assert min(second) >= min(first), "the worst take over the best's"
    assert set(second) & set(good)


def go_on(rate: float = 0.5) -> None:
    """Add up rates from where the parent stopped, and leave the sum to the children."""
    import jax.numpy as jnp

    from kubelab import training

    run = training.context()
    total, step = run.restore({"sum": jnp.zeros(())}) or ({"sum": jnp.zeros(())}, 0)
    total = {"sum": total["sum"] + rate}
    run.save(step + 1, total)
    training.report(step=step + 1, total=float(total["sum"]))


def test_pbts_trials_go_on_from_their_parents_checkpoints(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        go_on,
        space={"rate": uniform(0, 1)},
        objective="total",
        direction="maximize",
        **PBT,
        name="breeding",
    ).wait(TIMEOUT_S, progress=False)
    trials = sweep.trials().set_index("name")
    found = portal.run(cluster.client.list(TRIALS, "default")).items
    parents = {
        each["metadata"]["name"]: each["metadata"]["labels"].get(PARENT_LABEL)
        for each in found
        if each["metadata"]["name"] in trials.index
    }
    children = {name: parent for name, parent in parents.items() if parent}
    assert len(children) == 5
    for name, parent in children.items():
        gained = trials.loc[name, "total"] - trials.loc[parent, "total"]
        assert gained == pytest.approx(trials.loc[name, "rate"], abs=1e-5)
    steps = sweep.curves().groupby("trial")["step"].apply(list)
    assert list(steps) == [[1]] * 5 + [[2]] * 5, "a child's curve begins where its parent's ends"


def evaluate_a_small_language_model_on_digits(height: float = 0.5, steps: int = 3) -> None:
    climb(height, steps=steps)


def test_a_handle_reads_its_own_sweep_only_and_adds_to_none_that_was_stopped(cluster: Cluster) -> None:
    space = {"height": uniform(0, 1)}
    options: dict[str, Any] = {"objective": "value", "resources": SMALL, "name": "again"}
    old = cluster.sweep(climb, space=space, max_trials=1, parallel=1, **options).wait(
        TIMEOUT_S, progress=False
    )
    old.delete()
    new = cluster.sweep(climb, space=space, max_trials=50, parallel=1, **options)
    with pytest.raises(NotFoundError, match="another one has its name now"):
        old.view()
    new.stop()
    let_end(new)
    with pytest.raises(SweepError, match="has ended before its 50 trials"):
        new.add_trials(1)


def test_a_long_name_is_cut_and_a_promoted_job_knows_its_steps(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        evaluate_a_small_language_model_on_digits,
        space={"steps": choice(2, 4)},
        objective="value",
        algorithm="grid",
        max_trials=2,
        resources=SMALL,
    ).wait(TIMEOUT_S, progress=False)
    assert sweep.name.startswith("evaluate-a-small-language-model-on-")
    longer = int(sweep.trials().query("steps == 4").index[0])
    job = sweep.promote(longer, checkpoint_every=None).wait(TIMEOUT_S, progress=False)
    assert job.view().steps == 4
