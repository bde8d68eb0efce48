"""Fragmentation, worked by hand."""

import numpy as np
import pytest

from kubelab.scheduling.packing.fragmentation import TypicalPods
from kubelab.scheduling.packing.gpus import Demand, Room

HALF = Demand(cpu_millicores=4000, memory_mib=1, gpus=1, gpu_milli=500)
WHOLE = Demand(cpu_millicores=8000, memory_mib=1, gpus=1, gpu_milli=1000)
PAIR = Demand(cpu_millicores=8000, memory_mib=1, gpus=2, gpu_milli=1000)
CPU_ONLY = Demand(cpu_millicores=2000, memory_mib=1)


def room(cpu: int, *gpus: int) -> Room:
    return Room(np.array([cpu]), np.array([[*gpus, *[0] * (8 - len(gpus))]]))


@pytest.mark.parametrize(
    ("pod", "free", "lost"),
    [
        (HALF, room(4000, 1000, 300), 300),  # the GPU with 300 left is too small
        (HALF, room(3999, 1000, 300), 1300),  # no CPU: all of it is lost
        (WHOLE, room(8000, 900, 1000), 900),
        (PAIR, room(8000, 900, 1000), 1900),  # two are asked for and one is whole
        (PAIR, room(8000, 1000, 1000, 400), 400),
        (CPU_ONLY, room(8000, 1000), 1000),  # upstream: idle GPUs are lost to pods that ask for none
    ],
)
def test_what_a_pod_cannot_use_is_lost(pod: Demand, free: Room, lost: float) -> None:
    assert TypicalPods([pod]).fragmentation(free).tolist() == [lost]


def test_fragmentation_is_the_mean_over_typical_pods() -> None:
    typical = TypicalPods([HALF, HALF, HALF, WHOLE], share=1)
    assert typical.fragmentation(room(8000, 600, 1000)).tolist() == [0.75 * 0 + 0.25 * 600]


def test_rare_shapes_are_not_typical() -> None:
    assert TypicalPods([*[HALF] * 19, WHOLE], share=0.95).shares == {HALF: 1.0}


def test_sharing_pod_on_each_gpu_equals_the_fragmentation_of_what_it_leaves() -> None:
    typical = TypicalPods([HALF, WHOLE, PAIR, CPU_ONLY], share=1)
    before = room(12_000, 1000, 700, 500)
    on_each = typical.fragmentation_sharing(before, HALF)[0, :3]
    by_hand = [room(8000, 500, 700, 500), room(8000, 1000, 200, 500), room(8000, 1000, 700, 0)]
    assert on_each.tolist() == [typical.fragmentation(after)[0] for after in by_hand]
