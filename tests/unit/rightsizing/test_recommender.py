from __future__ import annotations

import numpy as np
import pytest

from kubelab.rightsizing.amounts import MAX, WholeAmounts
from kubelab.rightsizing.estimate import Settings
from kubelab.rightsizing.histogram import CPU, MEMORY
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.recommender import Recommender, Workload
from tests.unit.rightsizing.samples import DAY, GIB, MIB, START, key, recommended, steady

CPU_LADDER = [11, 23, 35, 49, 63, 78, 93, 109, 126, 143, 163, 182, 203, 224, 247]
MEMORY_LADDER = [272_061_154, 297_164_212, 323_522_422, 351_198_544, 380_258_472, 410_771_395]


def test_targets_of_cpu_are_the_rungs_of_the_ladder() -> None:
    found = [
        recommended(steady("cpu", float(start), days=0.01)).uncapped.cpu for start in CPU.starts[:15] + 0.001
    ]
    assert found == [max(rung, 25) for rung in CPU_LADDER]
    cut = (CPU.ends[:15] * 1000).astype(int)
    assert [edge + int(edge * 0.15) for edge in cut.tolist()] == CPU_LADDER


def test_targets_of_memory_are_the_rungs_of_the_ladder() -> None:
    starts = [start for start in MEMORY.starts if 215e6 < start < 350e6][: len(MEMORY_LADDER)]
    found = [
        recommended(steady("cpu", 0.1, days=0.01), steady("memory", start + 1000, days=0.01)).target.memory
        for start in starts
    ]
    assert found == MEMORY_LADDER


def test_100_millicores_for_a_week() -> None:
    found = recommended(steady("cpu", 0.1, days=7))
    assert (found.target.cpu, found.lower.cpu, found.upper.cpu) == (126, 125, 144)
    assert found.confidence == 7
    assert found.samples == 7 * 1440 + 1
    assert found.used.cpu == 110


def test_1000_millicores_for_eight_days() -> None:
    found = recommended(steady("cpu", 1.0, days=8))
    assert (found.target.cpu, found.lower.cpu, found.upper.cpu) == (1168, 1167, 1314)


@pytest.mark.parametrize(
    ("used", "target"), [(300 * MIB, 380_258_472), (512 * MIB, 628_694_953), (GIB, 1_238_659_775)]
)
def test_memory_target_after_eight_days(used: int, target: int) -> None:
    assert recommended(steady("cpu", 0.1, days=8), steady("memory", used, days=8)).target.memory == target


def test_nine_samples_in_sixteen_minutes_give_little_confidence() -> None:
    found = recommended(steady("cpu", 0.1, days=16 / 1440, every=120))
    assert found.samples == 9
    assert found.confidence == pytest.approx(0.00625)
    assert found.upper.cpu == int(126 * (1 + 1 / found.confidence))
    assert found.lower.cpu == int(126 * (1 + 0.001 / found.confidence) ** -2)


def test_one_sample_gives_no_bounds() -> None:
    found = recommended(steady("cpu", 0.1, days=0), steady("memory", GIB, days=0))
    assert found.confidence == 0
    assert found.upper == WholeAmounts(MAX, MAX)
    assert found.lower == WholeAmounts(25, 250 * MIB)


def test_memory_target_is_there_with_the_first_sample() -> None:
    found = recommended(steady("cpu", 0.1, days=0), steady("memory", GIB, days=0))
    assert found.target.memory == 1_238_659_775


def test_containers_of_a_pod_share_the_least_amounts() -> None:
    recommender = Recommender()
    for name in ("app", "proxy", "silent"):
        recommender.track(key(container=name), name)
    recommender.observe(
        steady(resource, amount, days=1, of=key(container=name))
        for name in ("app", "proxy")
        for resource, amount in (("cpu", 0.001), ("memory", 1e6))
    )
    [found] = recommender.recommend([Workload({name: [name] for name in ("proxy", "app", "silent")})])
    assert [(each.container, each.target) for each in found] == [
        ("app", WholeAmounts(12, 125 * MIB)),
        ("proxy", WholeAmounts(12, 125 * MIB)),
    ]


def test_policy_holds_the_target_and_keeps_what_it_was() -> None:
    recommender = Recommender()
    recommender.track(key(), "group")
    recommender.observe([steady("cpu", 1.0, days=8), steady("memory", GIB, days=8)])
    policy = ContainerPolicy(
        most=WholeAmounts(cpu=500), least=WholeAmounts(memory=2 * GIB), controlled=frozenset(("cpu",))
    )
    [[found]] = recommender.recommend([Workload({"app": ["group"]}, {"app": policy})])
    assert found.as_object() == {
        "containerName": "app",
        "lowerBound": {"cpu": "500m"},
        "target": {"cpu": "500m"},
        "uncappedTarget": {"cpu": "1168m"},
        "upperBound": {"cpu": "500m"},
    }


def test_nothing_is_recommended_where_the_policy_is_off() -> None:
    recommender = Recommender()
    recommender.track(key(), "group")
    recommender.observe([steady("cpu", 1.0, days=1)])
    assert recommender.recommend([Workload({"app": ["group"]}, {"app": ContainerPolicy(off=True)})]) == [[]]
    assert recommender.recommend([]) == []


def test_amounts_are_rounded_up_when_asked() -> None:
    recommender = Recommender(Settings(round_cpu=50, round_memory=MIB))
    recommender.track(key(), "group")
    recommender.observe([steady("cpu", 0.1, days=7), steady("memory", 300 * MIB, days=7)])
    [[found]] = recommender.recommend([Workload({"app": ["group"]})])
    assert found.target == WholeAmounts(150, 363 * MIB)


def test_workload_over_several_groups_is_the_workload_of_all_their_pods() -> None:
    apart, together = Recommender(), Recommender()
    for pod, used in (("web-0", 0.1), ("web-1", 0.1), ("web-2", 0.9)):
        series = steady("cpu", used, days=2, of=key(pod))
        apart.track(key(pod), pod)
        together.track(key(pod), "all")
        apart.observe([series])
        together.observe([series])
    [aggregate], [calm], [busy] = apart.recommend(
        [Workload({"app": groups}) for groups in (["web-0", "web-1", "web-2"], ["web-0"], ["web-2"])]
    )
    assert [aggregate] == together.recommend([Workload({"app": ["all"]})])[0]
    assert (calm.target.cpu, busy.target.cpu, aggregate.target.cpu) == (126, 1038, 1038)


def test_series_of_containers_that_are_not_tracked_are_left_out() -> None:
    recommender = Recommender()
    assert recommender.observe([steady("cpu", 1.0, days=1)]) == 0


def test_evidence_says_when_samples_were_taken() -> None:
    found = recommended(steady("cpu", 0.1, days=7))
    assert found.first.timestamp() == START
    assert found.last.timestamp() == START + 7 * DAY


def test_forgotten_groups_are_gone_and_the_others_stay() -> None:
    recommender = Recommender()
    for pod in ("web-0", "web-1", "web-2"):
        recommender.track(key(pod), pod)
        recommender.observe([steady("cpu", 0.1, days=1, of=key(pod))])
    before = recommender.recommend([Workload({"app": ["web-2"]})])
    recommender.aggregation.keep(["web-2", "web-0"])
    assert recommender.recommend([Workload({"app": ["web-2"]})]) == before
    assert recommender.recommend([Workload({"app": ["web-1"]})]) == [[]]
    recommender.track(key("web-3"), "web-3")
    recommender.observe([steady("cpu", 0.1, days=1, of=key("web-3"))])
    [[new]] = recommender.recommend([Workload({"app": ["web-3"]})])
    assert new.target.cpu == 126
    assert np.isfinite(recommender.aggregation.containers["last_cpu"]).all()
