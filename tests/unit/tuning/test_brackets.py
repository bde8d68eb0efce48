"""Hyperband's brackets against the table of the paper, and the dealing of trials to them."""

from __future__ import annotations

from kubelab.tuning.brackets import Bracket, bracket_of, brackets


def test_the_brackets_are_those_of_the_paper() -> None:
    # Li et al. 2018, Table 1: R = 81, eta = 3.
    assert brackets(81, 1, 3) == [
        Bracket(4, trials=81, resource=1),
        Bracket(3, trials=34, resource=3),
        Bracket(2, trials=15, resource=9),
        Bracket(1, trials=8, resource=27),
        Bracket(0, trials=5, resource=81),
    ]


def test_a_power_of_eta_is_not_missed_by_rounding() -> None:
    assert [bracket.number for bracket in brackets(3**5, 1, 3)] == [5, 4, 3, 2, 1, 0]
    assert [bracket.number for bracket in brackets(3**5 - 1, 1, 3)] == [4, 3, 2, 1, 0]
    assert brackets(100, 25, 2)[0] == Bracket(2, trials=4, resource=25.0)
    assert brackets(7, 7, 3) == [Bracket(0, trials=1, resource=7)]


def test_trials_fill_the_brackets_in_order_again_and_again() -> None:
    dealt = brackets(9, 1, 3)
    assert [bracket.trials for bracket in dealt] == [9, 5, 3]
    numbers = [bracket_of(position, dealt).number for position in range(34)]
    assert numbers == [*[2] * 9, *[1] * 5, *[0] * 3] * 2
