"""Amounts as they are written, and what is in a change."""

from __future__ import annotations

import pytest

from kubelab.rightsizing.change import resource_list, rounded

MIB = 2**20


@pytest.mark.parametrize(
    ("cpu", "memory", "written"),
    [
        (0.126, 512 * MIB, {"cpu": "126m", "memory": "512Mi"}),
        (2.0, 4096 * MIB, {"cpu": "2", "memory": "4Gi"}),
        (0.1, 1000, {"cpu": "100m", "memory": "1000"}),
    ],
)
def test_amounts_are_written_as_people_do(cpu: float, memory: float, written: dict[str, str]) -> None:
    assert resource_list({"cpu": cpu, "memory": memory}) == written


def test_amounts_are_rounded_up_but_not_for_a_float_s_last_digit() -> None:
    assert rounded("cpu", 0.1 + 0.2) == 0.3
    assert rounded("cpu", 0.3001) == 0.301
    assert rounded("cpu", 0.0) == 0.001
    assert rounded("memory", 1.0) == MIB
