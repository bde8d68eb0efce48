import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.engine.controllers.pods import is_ready
from tests.unit.engine.controllers.statefulset.world import StatefulSetWorld, stateful_set
from tests.unit.engine.controllers.workloads import make_ready, use_image


def rolled_out(replicas: int = 3, **spec: object) -> StatefulSetWorld:
    world = StatefulSetWorld(stateful_set(replicas, **spec))  # type: ignore[arg-type]
    world.settle()
    world.history.clear()
    return world


def test_pods_come_one_after_the_other_with_stable_names() -> None:
    world = StatefulSetWorld(stateful_set(3))
    world.settle(ready=False)
    assert list(world.pods) == ["web-0"]
    world.settle()
    assert world.history == ["+web-0", "+web-1", "+web-2"]
    pod = world.pods["web-1"]
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-1", "web")
    assert pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "web-1"
    assert pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"


def test_in_parallel_they_come_and_go_at_once() -> None:
    world = StatefulSetWorld(stateful_set(3, podManagementPolicy="Parallel"))
    world.step()
    assert len(world.pods) == 3
    world.set["spec"]["replicas"] = 0
    world.step()
    assert world.pods == {}


def test_scaling_down_goes_from_the_highest_ordinal() -> None:
    world = rolled_out(3)
    world.set["spec"]["replicas"] = 1
    world.settle()
    assert world.history == ["-web-2", "-web-1"]


def test_scaling_down_waits_for_a_pod_that_is_not_available() -> None:
    world = rolled_out(3)
    world.pods["web-0"]["status"]["conditions"] = []
    world.set["spec"]["replicas"] = 1
    world.settle(ready=False)
    assert world.history == []


def test_ordinals_may_start_elsewhere() -> None:
    world = rolled_out(2, ordinals={"start": 5})
    assert sorted(world.pods) == ["web-5", "web-6"]


def test_an_ended_pod_is_replaced() -> None:
    world = rolled_out(2)
    world.pods["web-0"]["status"]["phase"] = "Failed"
    world.settle()
    assert world.history == ["-web-0", "+web-0"]


def test_an_update_goes_backwards_one_by_one() -> None:
    world = rolled_out(3)
    use_image(world.set, "new")
    world.settle()
    assert world.history == ["-web-2", "+web-2", "-web-1", "+web-1", "-web-0", "+web-0"]
    assert set(world.images().values()) == {"new"}


def test_an_update_waits_for_a_broken_pod() -> None:
    world = rolled_out(3)
    use_image(world.set, "broken")
    world.settle(ready=False)
    assert world.images() == {"web-0": "busybox", "web-1": "busybox", "web-2": "broken"}


def test_more_may_be_unavailable() -> None:
    world = rolled_out(4, maxUnavailable="50%")
    use_image(world.set, "new")
    world.step()
    assert world.history == ["-web-3", "-web-2"]


def test_below_the_partition_pods_keep_the_old_template_even_when_replaced() -> None:
    world = rolled_out(3, partition=2)
    use_image(world.set, "new")
    world.settle()
    assert world.images() == {"web-0": "busybox", "web-1": "busybox", "web-2": "new"}
    del world.pods["web-0"]
    world.settle()
    assert world.images()["web-0"] == "busybox"
    status = world.set["status"]
    assert (status["currentReplicas"], status["updatedReplicas"]) == (2, 1)
    assert status["currentRevision"] != status["updateRevision"]


def test_on_delete_updates_what_a_user_deletes() -> None:
    world = rolled_out(2, strategy="OnDelete")
    use_image(world.set, "new")
    world.settle()
    assert world.history == []
    del world.pods["web-0"]
    world.settle()
    assert world.images() == {"web-0": "new", "web-1": "busybox"}


def test_status_of_a_complete_set() -> None:
    world = rolled_out(2)
    revision = world.revision("web-0")
    assert world.set["status"] == {
        "replicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "currentReplicas": 2,
        "updatedReplicas": 2,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
        "observedGeneration": 1,
    }


def test_a_pod_is_waited_for_until_it_was_ready_long_enough() -> None:
    world = StatefulSetWorld(stateful_set(2, minReadySeconds=30))
    world.settle()
    assert list(world.pods) == ["web-0"]
    assert world.decide().again_after_s == 30
    world.now_s = 30
    world.settle()
    assert len(world.pods) == 2


def test_a_set_being_deleted_changes_nothing() -> None:
    world = rolled_out(1)
    world.set["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    world.set["spec"]["replicas"] = 3
    world.settle()
    assert world.history == []


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@settings(max_examples=40)
@given(choices=st.data(), replicas=st.integers(1, 5), unavailable=st.integers(1, 3))
def test_an_update_keeps_within_what_may_be_unavailable_and_ends(
    policy: str, choices: st.DataObject, replicas: int, unavailable: int
) -> None:
    world = rolled_out(replicas, podManagementPolicy=policy, maxUnavailable=unavailable)
    use_image(world.set, "new")
    for _ in range(choices.draw(st.integers(0, 40), label="steps")):
        starting = sorted(name for name, pod in world.pods.items() if not is_ready(pod))
        actor = choices.draw(st.sampled_from(["set", *starting]), label="who acts")
        if actor == "set":
            world.step()
        else:
            make_ready(world.pods[actor], world.now_s)
        assert sum(map(is_ready, world.pods.values())) >= replicas - unavailable
    world.settle()
    assert list(world.images().values()) == ["new"] * replicas
    status = world.set["status"]
    assert status["currentRevision"] == status["updateRevision"]
