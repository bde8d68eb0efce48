from __future__ import annotations

import pytest

from kubelab.autoscaling.choice import Situation
from kubelab.autoscaling.expanders.priority import Priority
from tests.unit.autoscaling.options import option, template

OPTIONS = [option(name, template(2, 8)) for name in ("eu-spot-large", "eu-spot-small", "on-demand", "gpu")]


def kept(text: str) -> list[str]:
    return sorted(each.node_group for each in Priority(lambda: text).choose(OPTIONS, Situation()).kept)


def test_highest_integer_with_a_match_wins_and_patterns_are_searched() -> None:
    assert kept("10: [on-demand]\n50: [spot]\n90: [^spot]") == ["eu-spot-large", "eu-spot-small"]


def test_group_without_a_match_loses_to_any_match() -> None:
    choice = Priority(lambda: "-5: [gpu]").choose(OPTIONS, Situation())
    assert [each.node_group for each in choice.kept] == ["gpu"]
    assert choice.ranked[1].to_win == "must match a pattern of a priority above -5 (it matches none)"


@pytest.mark.parametrize(
    "text", ["", "10: [", "ten: [a]", "10: a", "10: ['(']", "- a", "10: [nothing-like-it]"]
)
def test_missing_invalid_or_unmatched_priorities_keep_all(text: str) -> None:
    assert len(kept(text)) == len(OPTIONS)


def test_reason_says_what_is_wrong_with_the_priorities() -> None:
    choice = Priority(lambda: "10: ['(']").choose(OPTIONS, Situation())
    assert "priority 10 has a pattern that is no regular expression: '('" in choice.why


def test_changed_priorities_take_effect_at_once() -> None:
    texts = iter(["10: [gpu]", "10: [on-demand]"])
    priority = Priority(lambda: next(texts))
    chosen = [priority.choose(OPTIONS, Situation()).kept[0].node_group for _ in range(2)]
    assert chosen == ["gpu", "on-demand"]
