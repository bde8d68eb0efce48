"""Whatever order things happen in, a rolling update stays within its bounds and comes to its end."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.engine.controllers.deployment.replica_sets import fence_posts
from kubelab.engine.controllers.pods import is_ready
from tests.unit.engine.controllers.workloads import DeploymentWorld, deployment, make_ready, use_image

bounds = st.one_of(st.integers(0, 4), st.integers(0, 100).map("{}%".format))


@settings(max_examples=80)
@given(st.data(), st.integers(0, 7), bounds, bounds)
def test_a_rolling_update_is_never_below_the_least_nor_above_the_most(
    choices: st.DataObject, replicas: int, surge: int | str, unavailable: int | str
) -> None:
    world = DeploymentWorld(deployment(replicas, surge=surge, unavailable=unavailable))
    world.settle()
    extra, missing = fence_posts(world.deployment)
    use_image(world.deployment, "new")
    for _ in range(choices.draw(st.integers(0, 60), label="steps")):
        actors = ["deployment", *world.sets, *(n for n, pod in world.pods.items() if not is_ready(pod))]
        actor = choices.draw(st.sampled_from(actors), label="who acts")
        if actor == "deployment":
            world.step()
        elif actor in world.sets:
            world.step_set(actor)
        else:
            make_ready(world.pods[actor], world.now_s)
        assert world.available() >= replicas - missing
        assert sum(world.sizes().values()) <= replicas + extra
    world.settle()
    assert world.sizes()["new"] == replicas
    assert sum(world.sizes().values()) == replicas
    assert world.condition("Progressing")["reason"] == "NewReplicaSetAvailable"
    assert world.available() == replicas


@settings(max_examples=60)
@given(st.data(), st.integers(1, 8), bounds, bounds)
def test_a_deployment_scaled_amid_a_rollout_comes_to_its_new_size(
    choices: st.DataObject, replicas: int, surge: int | str, unavailable: int | str
) -> None:
    world = DeploymentWorld(deployment(replicas, surge=surge, unavailable=unavailable))
    world.settle()
    use_image(world.deployment, "new")
    for _ in range(choices.draw(st.integers(0, 10), label="steps before")):
        world.step()
        for name in list(world.sets):
            world.step_set(name)
    size = choices.draw(st.integers(0, 12), label="new size")
    world.deployment["spec"]["replicas"] = size
    world.deployment["metadata"]["generation"] += 1
    world.settle()
    assert {image: count for image, count in world.sizes().items() if count} == (
        {"new": size} if size else {}
    )
