from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE
from kubelab.autoscaling.service.scores_file import ScoresFile, ScoresFileError


def score(type_: str, cost: object = 80, **spec: Any) -> dict[str, Any]:
    parts = {
        "cost": {"score": cost, "evidence": "repacked"},
        "performance": {"score": 90},
        "reliability": {"score": 100},
    }
    return {
        "apiVersion": "autoscaling.kubelab.dev/v1alpha1",
        "kind": "InstanceScore",
        "metadata": {"name": f"aws-{type_}"},
        "spec": {"instanceType": type_, **parts, **spec},
    }


def write(path: Path, *scores: dict[str, Any]) -> Path:
    fresh = path.with_suffix(".fresh")
    fresh.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": list(scores)}))
    return fresh.replace(path)


def cost(scores: ScoresFile, type_: str = "a") -> float | None:
    found = scores.of({INSTANCE_TYPE: type_})
    return found.cost.score if found else None


def test_scores_are_found_by_instance_type_and_capacity_type(tmp_path: Path) -> None:
    scores = ScoresFile(write(tmp_path / "s", score("a", 10), score("a", 20, capacityType="spot")))
    assert cost(scores) == 10
    spot = scores.of({INSTANCE_TYPE: "a", CAPACITY_TYPE: "spot"})
    assert spot is not None
    assert (spot.cost.score, spot.total, spot.evidence) == (20, pytest.approx(50), "cost: repacked")
    assert cost(scores, "b") is None


def test_json_of_kubectl_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(json.dumps({"items": [score("a", 30)]}))
    assert cost(ScoresFile(tmp_path / "s")) == 30


def test_changed_file_is_taken_at_the_next_refresh(tmp_path: Path) -> None:
    scores = ScoresFile(write(tmp_path / "s", score("a", 10)))
    write(tmp_path / "s", score("a", 99))
    scores.refresh()
    assert (cost(scores), scores.reloads) == (99, 2)
    scores.refresh()
    assert scores.reloads == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "it is no JSON"),
        ("a: [", "it is no YAML"),
        ("a: 1", "it has no list of items"),
        (yaml.safe_dump({"items": [score("a", 101)]}), "aws-a cannot be used: spec.cost.score is 101"),
        (yaml.safe_dump({"items": [score("")]}), "it names no instanceType"),
    ],
)
def test_broken_file_changes_nothing_and_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, says: str
) -> None:
    scores = ScoresFile(write(tmp_path / "s", score("a", 10)))
    (tmp_path / "s").write_text(content)
    with caplog.at_level(logging.WARNING):
        scores.refresh()
        scores.refresh()
    assert (cost(scores), scores.failures) == (10, 1)
    assert says in scores.problem
    assert len(caplog.records) == 1
    assert "1 scores stay as they were last" in caplog.text
    write(tmp_path / "s", score("a", 11))
    scores.refresh()
    assert (cost(scores), scores.problem) == (11, "")


def test_file_that_goes_and_comes_back_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "s", score("a", 10))
    scores = ScoresFile(path)
    path.rename(tmp_path / "away")
    scores.refresh()
    assert "No such file" in scores.problem
    (tmp_path / "away").rename(path)
    scores.refresh()
    assert (cost(scores), scores.problem) == (10, "")


def test_restart_while_the_file_is_broken_loses_no_score(tmp_path: Path) -> None:
    path = write(tmp_path / "s", score("a", 10))
    ScoresFile(path)
    path.write_text("{")
    again = ScoresFile(path)
    assert cost(again) == 10
    assert "it is no JSON" in again.problem
    path.unlink()
    assert cost(ScoresFile(path)) == 10


def test_file_that_was_never_good_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScoresFileError, match=r"s cannot be used: .*No such file"):
        ScoresFile(tmp_path / "s")
    (tmp_path / "s").write_text("{")
    with pytest.raises(ScoresFileError, match=r"Write what `kubectl get instancescores -o yaml` prints"):
        ScoresFile(tmp_path / "s")
