from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from kubelab import Cluster, llm
from kubelab.errors import KubelabError
from kubelab.llm.search import default_space, fixed_arguments, rungs
from kubelab.tuning import Space


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
def test_asha_looks_first_at_a_ninth_of_the_steps_and_never_just_before_the_end(
    steps: int, first: int
) -> None:
    assert rungs("asha", steps) == {"min_resource": first, "max_resource": steps, "eta": 3}
    assert first * 9 >= steps
    assert rungs("tpe", steps) is None


def test_other_arguments_can_be_fixed_over_what_the_search_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(llm, "find", lambda name: SimpleNamespace(name=f"{name}-700"))
    monkeypatch.setattr(Cluster, "sweep", lambda *_, **options: asked.update(options))
    cluster = Cluster("c", MagicMock(), engine="context")
    cluster.tune_llm(steps=54, args={"batch": 8, "report_every": 6})
    assert asked["args"] == {
        "base": "nano-700", "data": "stdlib-prose", "steps": 54, "report_every": 6, "batch": 8
    }  # fmt: skip
