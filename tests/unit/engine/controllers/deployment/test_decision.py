from kubelab.engine.controllers.deployment.replica_sets import annotations_of
from tests.unit.engine.controllers.workloads import DeploymentWorld, deployment, make_ready, use_image


def rolled_out(replicas: int = 4, **options: object) -> DeploymentWorld:
    world = DeploymentWorld(deployment(replicas, **options))  # type: ignore[arg-type]
    world.settle()
    return world


def test_a_new_deployment_has_a_replica_set_named_by_its_hash() -> None:
    world = rolled_out(3)
    ((name, made),) = world.sets.items()
    digest = made["metadata"]["labels"]["pod-template-hash"]
    assert name == f"web-{digest}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] == digest
    assert annotations_of(made) == {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }


def test_status_of_a_complete_rollout() -> None:
    world = rolled_out(3)
    counts = {key: value for key, value in world.status.items() if key != "conditions"}
    assert counts == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert world.condition("Available")["reason"] == "MinimumReplicasAvailable"
    progressing = world.condition("Progressing")
    (name,) = world.sets
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'


def test_a_rolling_update_starts_with_what_surge_and_unavailability_allow() -> None:
    world = rolled_out(4, surge="25%", unavailable="25%")
    use_image(world.deployment, "new")
    world.settle(ready=False)
    assert world.sizes() == {"busybox": 3, "new": 2}
    assert world.available() == 3


def test_pods_that_are_not_available_go_first() -> None:
    world = rolled_out(4, surge=1, unavailable=0)
    use_image(world.deployment, "broken")
    world.settle(ready=False)
    assert world.sizes() == {"busybox": 4, "broken": 1}
    use_image(world.deployment, "mended")
    world.settle()
    assert world.sizes() == {"busybox": 0, "broken": 0, "mended": 4}


def test_recreate_waits_until_old_pods_are_gone() -> None:
    world = rolled_out(2, strategy={"type": "Recreate"})
    use_image(world.deployment, "new")
    for _ in range(4):
        world.step()
    assert world.sizes() == {"busybox": 0}
    world.settle()
    assert world.sizes() == {"busybox": 0, "new": 2}


def test_going_back_reuses_the_replica_set_and_counts_the_revision_on() -> None:
    world = rolled_out()
    use_image(world.deployment, "new")
    world.settle()
    assert world.revision == "2"
    use_image(world.deployment, "busybox")
    world.settle()
    assert (world.revision, len(world.sets)) == ("3", 2)
    reused = next(each for each in world.sets.values() if each["spec"]["replicas"])
    assert annotations_of(reused)["deployment.kubernetes.io/revision-history"] == "1"


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    world = rolled_out(2)
    world.deployment["spec"] |= {"paused": True, "replicas": 5}
    use_image(world.deployment, "new")
    world.settle()
    assert world.sizes() == {"busybox": 5}
    assert world.condition("Progressing")["reason"] == "DeploymentPaused"
    world.deployment["spec"]["paused"] = False
    world.step()
    assert world.condition("Progressing")["reason"] == "DeploymentResumed"
    world.settle()
    assert world.sizes() == {"busybox": 0, "new": 5}


def test_replica_sets_amid_a_rollout_grow_in_proportion() -> None:
    world = rolled_out(10, surge=3, unavailable=2)
    use_image(world.deployment, "new")
    world.settle(ready=False)
    assert world.sizes() == {"busybox": 8, "new": 5}
    world.deployment["spec"]["replicas"] = 15
    world.deployment["metadata"]["generation"] += 1
    world.step()
    assert world.sizes() == {"busybox": 11, "new": 7}


def test_history_beyond_the_limit_is_deleted() -> None:
    world = rolled_out(1, revisionHistoryLimit=1)
    for image in ("two", "three", "four"):
        use_image(world.deployment, image)
        world.settle()
    assert world.sizes() == {"three": 0, "four": 1}


def test_no_progress_before_the_deadline_is_an_error_until_there_is_some() -> None:
    world = rolled_out(2, surge=1, unavailable=0, progressDeadlineSeconds=60)
    use_image(world.deployment, "broken")
    world.settle(ready=False)
    again_after_s = world.decide().again_after_s
    assert again_after_s == 61
    world.now_s += again_after_s
    world.settle(ready=False)
    progressing = world.condition("Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"].endswith("has timed out progressing.")
    for pod in world.alive():
        make_ready(pod, world.now_s)
    world.settle()
    assert world.condition("Progressing")["reason"] == "NewReplicaSetAvailable"


def test_annotations_of_a_deployment_are_those_of_its_new_replica_set() -> None:
    world = rolled_out(1)
    world.deployment["metadata"]["annotations"]["kubernetes.io/change-cause"] = "first"
    world.settle()
    (made,) = world.sets.values()
    assert annotations_of(made)["kubernetes.io/change-cause"] == "first"


def test_a_replica_set_that_was_there_before_is_found() -> None:
    world = rolled_out(1)
    world.deployment["status"] = {}
    world.step()
    assert world.condition("Progressing")["reason"] == "FoundNewReplicaSet"


def test_failures_of_the_replica_set_are_shown() -> None:
    world = rolled_out(1)
    (made,) = world.sets.values()
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no quota",
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    made["status"]["conditions"] = [failure]
    world.step()
    assert world.condition("ReplicaFailure")["message"] == "no quota"
