from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from kubelab import Cluster, llm
from kubelab.errors import KubelabError
from kubelab.llm.search import default_space, fixed_arguments, rungs
from kubelab.tuning import Space, choice


def test_what_is_searched_are_arguments_of_a_fine_tune() -> None:
    assert set(Space(default_space())) == {"lr", "rank", "alpha", "dropout", "batch", "schedule"}


def test_what_is_fixed_of_lora_goes_to_every_trial() -> None:
    fixed = fixed_arguments("nano-700", "stdlib-prose", 60, {"rank": 8}, {})
    assert fixed == {"base": "nano-700", "data": "stdlib-prose", "steps": 60, "report_every": 5, "rank": 8}


@pytest.mark.parametrize(
    ("lora", "said"), [({"width": 3}, "no part of LoRA"), ({"rank": 8}, "both in lora and in space")]
)
def test_a_mistake_is_named(lora: dict[str, object], said: str) -> None:
    with pytest.raises(KubelabError, match=said):
        fixed_arguments("nano", "stdlib", 60, lora, default_space())


@pytest.mark.parametrize(("steps", "first"), [(90, 10), (60, 7), (5, 1)])
def test_live_rules_look_first_at_a_ninth_of_the_steps_and_never_just_before_the_end(
    steps: int, first: int
) -> None:
    assert (
        rungs("asha", steps)
        == rungs("hyperband", steps)
        == {"min_resource": first, "max_resource": steps, "eta": 3}
    )
    assert first * 9 >= steps
    assert rungs("tpe", steps) is None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `Cluster.tune_llm` asks `Cluster.sweep` for."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(llm, "find", lambda name: SimpleNamespace(name=f"{name}-700"))
    monkeypatch.setattr(Cluster, "sweep", lambda *_, **options: asked.update(options))
    return asked


def cluster() -> Cluster:
    return Cluster("c", MagicMock(), engine="context")


def test_what_is_fixed_is_not_searched_unless_a_space_says_so(asked: dict[str, Any]) -> None:
    cluster().tune_llm(args={"batch": 8}, lora={"rank": 4})
    assert set(asked["space"]) == {"lr", "alpha", "dropout", "schedule"}
    cluster().tune_llm(args={"batch": 8}, space={"batch": choice(8, 16)})
    assert set(asked["space"]) == {"batch"}, "and the sweep refuses it"


def test_what_is_mounted_stays_beside_what_is_asked_for(asked: dict[str, Any]) -> None:
    data = {"hostPath": {"path": "/data"}}
    cluster().tune_llm(env={"A": "b"}, volumes={"/mnt/data": data})
    bases = llm.mounted_bases()
    assert asked["env"] == {"A": "b", **bases["env"]}
    assert asked["volumes"] == {"/mnt/data": data, **bases["volumes"]}


def test_a_folder_of_text_travels_with_its_whole_path(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    monkeypatch.chdir(tmp_path)
    cluster().tune_llm(data="texts")
    place = str(tmp_path / "texts")
    assert asked["args"]["data"] == place
    assert asked["volumes"][place] == {"hostPath": {"path": place, "type": "Directory"}}
    cluster().tune_llm(data="stdlib")
    assert asked["volumes"] == llm.mounted_bases()["volumes"]


def test_half_of_the_trials_may_diverge(asked: dict[str, Any]) -> None:
    cluster().tune_llm(max_trials=20)
    assert asked["max_failed"] == 10
    cluster().tune_llm(max_failed=0)
    assert asked["max_failed"] == 0


def test_other_arguments_can_be_fixed_over_what_the_search_would_say(asked: dict[str, Any]) -> None:
    cluster().tune_llm(steps=54, args={"batch": 8, "report_every": 6})
    assert asked["args"] == {
        "base": "nano-700", "data": "stdlib-prose", "steps": 54, "report_every": 6, "batch": 8
    }  # fmt: skip
