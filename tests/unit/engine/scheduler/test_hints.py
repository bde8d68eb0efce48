import pytest

from kubelab.client import Object
from kubelab.engine.scheduler.hints import Change, Kind, may_help
from tests.unit.scheduling.objects import cluster, node, pod

FIT = frozenset({"NodeResourcesFit"})


def helps(wanted: Object, kind: Kind, *placed: Object, plugins: frozenset[str] = FIT, **spec: object) -> bool:
    made = cluster(node("a", **spec), placed={"a": list(placed)})  # type: ignore[arg-type]
    return may_help(made.info(wanted), plugins, Change(kind, made.cache.nodes["a"]))


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.POD_GONE])
def test_a_change_of_a_node_helps_only_if_the_pod_now_fits_it(kind: Kind) -> None:
    assert helps(pod(cpu="4"), kind)
    assert not helps(pod(cpu="4"), kind, pod(cpu="1"))
    assert not helps(pod(cpu="1"), kind, unschedulable=True)


def test_a_pod_that_could_preempt_there_is_tried_again() -> None:
    assert helps(pod(cpu="4", priority=5), Kind.POD_GONE, pod(cpu="1"))
    assert not helps(pod(cpu="9", priority=5), Kind.POD_GONE, pod(cpu="1"))


def test_a_placed_pod_concerns_only_those_who_look_at_other_pods() -> None:
    assert not helps(pod(), Kind.POD_PLACED)
    assert helps(pod(), Kind.POD_PLACED, plugins=frozenset({"InterPodAffinity"}))


def test_storage_concerns_only_pods_that_mount_it() -> None:
    made = cluster()
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    wanted = made.info(pod(volumes=volumes))
    blocked = frozenset({"VolumeBinding"})
    assert may_help(wanted, blocked, Change(Kind.STORAGE, claim=("default", "data")))
    assert may_help(wanted, blocked, Change(Kind.STORAGE))
    assert not may_help(wanted, blocked, Change(Kind.STORAGE, claim=("default", "other")))
    assert not may_help(wanted, FIT, Change(Kind.STORAGE, claim=("default", "data")))
