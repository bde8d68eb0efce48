from __future__ import annotations

import pytest

from kubelab.rightsizing.oom import memory_after_oom

MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(
    ("requested", "peak", "needed"),
    [(128 * MIB, 0, 239_075_328), (GIB, 0, 1_288_490_188), (128 * MIB, GIB, 1_288_490_188)],
)
def test_killed_container_needs_a_fifth_more_or_100_mib_more(requested: int, peak: int, needed: int) -> None:
    assert memory_after_oom(requested, peak) == needed


def test_policy_says_how_much_more() -> None:
    assert memory_after_oom(GIB, 0, ratio=1.5, least=0) == 1.5 * GIB
    assert memory_after_oom(GIB, 0, ratio=1.0, least=GIB) == 2 * GIB
