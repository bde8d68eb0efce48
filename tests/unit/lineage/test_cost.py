"""Amounts of pods that come and go."""

from __future__ import annotations

import pytest

from kubelab.lineage.cost import MOST_PODS, Amount, dump, load, merged, total


def test_a_pod_that_is_gone_counts_as_it_was_last() -> None:
    amounts = merged({}, {"a": Amount(1, 2)})
    amounts = merged(amounts, {"a": Amount(2, 4), "b": Amount(1, 1)})
    amounts = merged(amounts, {"c": Amount(0.5, 0.5)})
    assert total(amounts) == Amount(3.5, 5.5)
    assert load(dump(amounts)) == amounts


def test_a_pod_whose_node_is_gone_keeps_what_it_cost() -> None:
    amounts = merged({"a": Amount(1, 2, 0.5)}, {"a": Amount(2, 4, 0.0)})
    assert total(amounts) == Amount(2, 4, 0.5)


def test_amounts_that_were_kept_without_dollars_are_read() -> None:
    assert load('{"a": [1.0, 2.0]}') == {"a": Amount(1, 2, 0.0)}


def test_many_pods_that_are_gone_are_added_up() -> None:
    amounts: dict[str, Amount] = {}
    for number in range(3 * MOST_PODS):
        amounts = merged(amounts, {f"{number:036}": Amount(1.2345, 2.2345, 0.0012345)})
    assert total(amounts).cpu_core_hours == pytest.approx(3 * MOST_PODS * 1.2345, rel=1e-3)
    assert len(amounts) <= MOST_PODS
    assert len(dump(amounts)) < 8000
    assert load(dump(amounts)) == amounts


def test_too_many_at_once_are_not_written_and_nonsense_is_not_read() -> None:
    assert dump({str(number): Amount() for number in range(MOST_PODS + 2)}) == ""
    assert load("") == load("no json") == load("[1]") == load('{"a": 1}') == {}
