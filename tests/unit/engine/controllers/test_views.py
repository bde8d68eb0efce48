from collections.abc import Iterable
from typing import cast

from kubelab.client import CONFIG_MAPS, Client, Object
from kubelab.engine.controllers.views import View
from kubelab.informer import Informer, key_of


def config_map(name: str, version: int, *, uid: str = "one", owner: str = "") -> Object:
    meta = {"name": name, "namespace": "default", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "ConfigMap", "metadata": {**meta, "labels": {"owner": owner}}}


def owners(obj: Object) -> Iterable[str]:
    return (obj["metadata"]["labels"]["owner"],)


def view() -> View:
    made = View(Informer(cast("Client", None), CONFIG_MAPS))
    made.index("owner", owners)
    return made


async def test_a_write_is_seen_before_the_watch_shows_it() -> None:
    seen = view()
    seen.wrote(config_map("a", 5, owner="x"))
    assert seen.get("default", "a") is not None
    assert len(seen.by_index("owner", "x")) == 1


async def test_the_watch_takes_over_once_it_has_caught_up() -> None:
    seen = view()
    seen.wrote(config_map("a", 5, owner="x"))
    seen.informer._set(("default", "a"), config_map("a", 4, owner="old"))
    assert [each["metadata"]["resourceVersion"] for each in seen.by_index("owner", "x")] == ["5"]
    assert seen.by_index("owner", "old") == []
    newer = config_map("a", 6, owner="y")
    seen.informer._set(key_of(newer), newer)
    assert seen.get("default", "a") is newer
    assert seen.by_index("owner", "x") == []
    assert seen.by_index("owner", "y") == [newer]


async def test_an_older_answer_does_not_hide_a_newer_one() -> None:
    seen = view()
    seen.wrote(config_map("a", 7))
    seen.wrote(config_map("a", 6))
    found = seen.get("default", "a")
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "7"


async def test_a_deleted_object_is_hidden_until_its_name_is_used_again() -> None:
    seen = view()
    old = config_map("a", 5, owner="x")
    seen.informer._set(key_of(old), old)
    seen.deleted(old)
    assert seen.get("default", "a") is None
    assert seen.by_index("owner", "x") == []
    new = config_map("a", 8, uid="two", owner="x")
    seen.informer._set(key_of(new), new)
    assert seen.get("default", "a") is new


async def test_an_answer_that_comes_after_the_deletion_was_seen_brings_nothing_back() -> None:
    seen = view()
    obj = config_map("a", 5)
    seen.informer._set(key_of(obj), obj)
    seen.informer._set(key_of(obj), None)
    seen.wrote(obj)
    assert seen.get("default", "a") is None


async def test_a_deletion_confirmed_after_the_watch_showed_it_leaves_no_trace() -> None:
    seen = view()
    obj = config_map("a", 5)
    seen.informer._set(key_of(obj), obj)
    seen.informer._set(key_of(obj), None)
    seen.deleted(obj)
    assert seen.get("default", "a") is None
    assert not seen._ahead
