"""The figure of an experiment."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kubelab.figures.chaos import steps_over_time


@dataclass
class Sample:
    at_s: float
    step: int | None
    running: int


@pytest.mark.parametrize(("workers", "apart"), [(0, 1), (2, 1), (8, 1), (40, 5), (100, 13)])
def test_workers_are_counted_in_whole_numbers_from_zero(workers: int, apart: int) -> None:
    axis = steps_over_time([Sample(-1.0, None, workers), Sample(1.0, 3, 0)]).layout.yaxis2
    assert (axis.tick0, axis.dtick) == (0, apart)
    assert axis.range[0] == 0
    assert axis.range[1] > workers


def test_a_title_has_room_above_the_legend() -> None:
    plain, titled = steps_over_time([]), steps_over_time([], title="PodKill: held")
    assert titled.layout.title.text == "PodKill: held"
    assert titled.layout.margin.t >= plain.layout.margin.t + 40
