from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import pytest

from kubelab.autoscaling.choice import Choice, Situation
from kubelab.autoscaling.errors import (
    DuplicateExpanderError,
    ExpanderAfterRandomError,
    MissingRemoteError,
    RemoteError,
    UnknownExpanderError,
)
from kubelab.autoscaling.expanders import KNOWN, expander
from kubelab.autoscaling.expanders.chain import Chain
from kubelab.autoscaling.expanders.remote import Remote
from kubelab.autoscaling.option import Option
from tests.unit.autoscaling.options import PriceList, option, pods, template

SMALL = template(4, 16)
OPTIONS = [
    option("two-pods", SMALL, pods(2, 1), 1),
    option("wide", SMALL, pods(3, 1), 3),
    option("narrow", SMALL, pods(3, 1), 1),
]


class Says:
    """A service that names these groups, or fails."""

    def __init__(self, *groups: str, fails: bool = False) -> None:
        self.groups = groups
        self.fails = fails

    def best(self, options: Sequence[Option]) -> Collection[str]:
        if self.fails:
            raise RemoteError("no answer within 5 s")
        return self.groups


def chain(names: str, remote: Remote | None = None, seed: int = 0) -> Chain:
    return expander(names, random=Random(seed), prices=PriceList(), remote=remote)


def choose(names: str, remote: Remote | None = None) -> Choice:
    return chain(names, remote).choose(OPTIONS, Situation())


def names(choice: Choice) -> list[str]:
    return [each.node_group for each in choice.kept]


def test_each_expander_narrows_down_what_the_one_before_kept() -> None:
    choice = choose("most-pods,least-nodes")
    assert names(choice) == ["narrow"]
    assert [each.option.node_group for each in choice.ranked] == ["narrow", "wide", "two-pods"]
    assert [each.rank for each in choice.ranked] == [1, 2, 3]
    assert [step.expander for step in choice.steps] == ["most-pods", "least-nodes"]
    assert choice.ranked[2].to_win == "must take more than 3 pods (it takes 2)"


def test_chain_stops_at_one_option() -> None:
    assert [step.expander for step in choose("least-nodes,most-pods,random").steps] == [
        "least-nodes",
        "most-pods",
    ]


def test_lots_are_drawn_among_equals_and_the_seed_decides() -> None:
    drawn = [names(chain("most-pods", seed=seed).choose(OPTIONS, Situation())) for seed in range(8)]
    assert {name for each in drawn for name in each} == {"wide", "narrow"}
    assert all(len(each) == 1 for each in drawn)
    assert choose("most-pods").steps[-1].expander == "random"


def test_terms_of_every_step_stay_with_the_option() -> None:
    assert [term.name for term in choose("most-pods,least-nodes").ranked[0].terms] == ["pods", "nodes"]


def test_no_options_are_no_choice() -> None:
    for name in KNOWN:
        assert chain(name, Says()).choose([], Situation()).kept == ()


def test_unknown_expander_is_named_with_those_known() -> None:
    with pytest.raises(UnknownExpanderError, match=r"is called 'cheapest'. There are: random, most-pods"):
        chain("most-pods,cheapest")


def test_expander_named_twice_or_after_random_is_an_error() -> None:
    with pytest.raises(DuplicateExpanderError):
        chain("price,score,price")
    with pytest.raises(ExpanderAfterRandomError):
        chain("random,price")


def test_grpc_needs_a_service() -> None:
    with pytest.raises(MissingRemoteError):
        chain("grpc")


def test_service_decides_by_the_names_of_groups() -> None:
    assert names(choose("grpc", Says("wide"))) == ["wide"]
    assert names(choose("grpc,least-nodes", Says("wide", "narrow", "stranger"))) == ["narrow"]


def test_service_that_fails_or_names_strangers_only_has_no_opinion() -> None:
    for remote in (Says(fails=True), Says("stranger")):
        choice = choose("grpc,most-pods,least-nodes", remote)
        assert names(choice) == ["narrow"]
        assert len(choice.steps[0].kept) == 3
    assert "no answer within 5 s" in choose("grpc,least-waste", Says(fails=True)).why


def test_empty_answer_of_the_service_is_a_veto() -> None:
    choice = choose("grpc,least-waste", Says())
    assert choice.kept == ()
    assert choice.why == "grpc: the service named no group, which vetoes this scale-up."
