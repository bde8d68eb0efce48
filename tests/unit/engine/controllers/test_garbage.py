from typing import Any

from kubelab.client import CONFIG_MAPS, Object
from kubelab.engine.controllers.garbage import Owned, blocking, references_left
from tests.unit.engine.controllers.lab import Lab


def config_map(name: str, *owners: Object, block: bool = True, **meta: Any) -> Object:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": block,
        }
        for owner in owners
    ]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "ownerReferences": references, **meta},
    }


def test_an_object_goes_only_with_its_last_owner() -> None:
    obj = {"metadata": {"ownerReferences": [{"uid": "a"}, {"uid": "b", "blockOwnerDeletion": True}]}}
    assert references_left(obj, gone={"a"}, waiting=set()) == ([obj["metadata"]["ownerReferences"][1]], False)
    assert references_left(obj, gone={"a"}, waiting={"b"}) == ([], True)


def test_only_dependents_that_say_so_block_their_owner(lab: Lab) -> None:
    blocks = Owned(CONFIG_MAPS, {"metadata": {"ownerReferences": [{"uid": "a", "blockOwnerDeletion": True}]}})
    lets_go = Owned(CONFIG_MAPS, {"metadata": {"ownerReferences": [{"uid": "a"}]}})
    assert blocking("a", [blocks, lets_go]) == [blocks]


async def test_background_deletion_takes_the_dependents_after_their_owner(lab: Lab) -> None:
    owner = await lab.client.create(CONFIG_MAPS, config_map("owner"))
    middle = await lab.client.create(CONFIG_MAPS, config_map("middle", owner))
    await lab.client.create(CONFIG_MAPS, config_map("leaf", middle))
    await lab.client.delete(CONFIG_MAPS, "owner", "default", propagation="Background")
    await lab.gone(CONFIG_MAPS, "leaf")


async def test_foreground_deletion_waits_for_the_dependents(lab: Lab) -> None:
    owner = await lab.client.create(CONFIG_MAPS, config_map("owner"))
    held = config_map("held", owner, finalizers=["test.kubelab.dev/hold"])
    await lab.client.create(CONFIG_MAPS, held)
    await lab.client.delete(CONFIG_MAPS, "owner", "default", propagation="Foreground")
    await lab.until(CONFIG_MAPS, lambda maps: "deletionTimestamp" in maps["held"]["metadata"])
    assert (await lab.client.get(CONFIG_MAPS, "owner", "default"))["metadata"]["finalizers"] == [
        "foregroundDeletion"
    ]
    await lab.client.patch(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}}, "default")
    await lab.gone(CONFIG_MAPS, "held")
    await lab.gone(CONFIG_MAPS, "owner")


async def test_orphans_stay_without_their_owner(lab: Lab) -> None:
    owner = await lab.client.create(CONFIG_MAPS, config_map("owner"))
    await lab.client.create(CONFIG_MAPS, config_map("orphan", owner))
    await lab.client.delete(CONFIG_MAPS, "owner", "default", propagation="Orphan")
    await lab.gone(CONFIG_MAPS, "owner")
    orphan = await lab.client.get(CONFIG_MAPS, "orphan", "default")
    assert "ownerReferences" not in orphan["metadata"]


async def test_an_object_whose_owner_never_was_goes(lab: Lab) -> None:
    absent = {"metadata": {"name": "absent", "uid": "00000000-0000-0000-0000-000000000000"}}
    await lab.client.create(CONFIG_MAPS, config_map("stray", absent))
    await lab.gone(CONFIG_MAPS, "stray")


async def test_an_object_stays_for_its_other_owner(lab: Lab) -> None:
    one = await lab.client.create(CONFIG_MAPS, config_map("one"))
    other = await lab.client.create(CONFIG_MAPS, config_map("other"))
    await lab.client.create(CONFIG_MAPS, config_map("shared", one, other))
    await lab.client.delete(CONFIG_MAPS, "one", "default", propagation="Background")
    await lab.until(CONFIG_MAPS, lambda maps: len(maps["shared"]["metadata"]["ownerReferences"]) == 1)
    await lab.client.delete(CONFIG_MAPS, "other", "default", propagation="Background")
    await lab.gone(CONFIG_MAPS, "shared")


async def test_what_was_left_over_when_the_control_plane_died_is_collected(lab: Lab) -> None:
    owner = await lab.client.create(CONFIG_MAPS, config_map("owner"))
    await lab.client.create(CONFIG_MAPS, config_map("leaf", owner))
    await lab.stop_controllers()
    await lab.client.delete(CONFIG_MAPS, "owner", "default", propagation="Background")
    await lab.start_controllers()
    await lab.gone(CONFIG_MAPS, "leaf")
