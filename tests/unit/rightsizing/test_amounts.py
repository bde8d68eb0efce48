from __future__ import annotations

import pytest

from kubelab.rightsizing.amounts import MAX, WholeAmounts, scaled


@pytest.mark.parametrize(
    ("amounts", "written"),
    [
        (WholeAmounts(126, 380_258_472), {"cpu": "126m", "memory": "380258472"}),
        (WholeAmounts(2000, 262_144_000), {"cpu": "2", "memory": "262144k"}),
        (WholeAmounts(0, 0), {"cpu": "0", "memory": "0"}),
        (WholeAmounts(MAX, MAX), {"cpu": "100G", "memory": "100T"}),
        (WholeAmounts(None, 1000), {"memory": "1k"}),
        (WholeAmounts(), {}),
    ],
)
def test_amounts_are_written_as_kubernetes_writes_them(
    amounts: WholeAmounts, written: dict[str, str]
) -> None:
    assert amounts.resource_list() == written


def test_amounts_are_read_rounded_up() -> None:
    assert WholeAmounts.of({"cpu": "0.1234", "memory": "1Ki"}) == WholeAmounts(124, 1024)
    assert WholeAmounts.of(None) == WholeAmounts()


def test_what_has_no_amount_gets_none_by_a_bound() -> None:
    bound = WholeAmounts(100, 100)
    assert WholeAmounts(cpu=50).at_least(bound) == WholeAmounts(cpu=100)
    assert WholeAmounts(memory=500).at_most(bound) == WholeAmounts(memory=100)
    assert WholeAmounts(5, 5).at_least(WholeAmounts()) == WholeAmounts(5, 5)


def test_scaling_cuts_off_and_stays_within_what_is_possible() -> None:
    assert scaled(100, 0.159) == 15
    assert scaled(100, float("inf")) == MAX
    assert scaled(0, float("inf")) == 0
