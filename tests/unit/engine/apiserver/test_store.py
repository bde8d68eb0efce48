"""The store: nothing is visible or acknowledged before it is durable, and writes build on each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from kubelab.client import PODS, Object
from kubelab.engine.apiserver.collection import Collection
from kubelab.engine.apiserver.journal import Journal, JournalError
from kubelab.engine.apiserver.store import Store

KEY = ("default", "web")


def pod(**extra: object) -> Object:
    return {"metadata": {"name": "web", "namespace": "default"}, **extra}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "journal.db")
    store.open()
    yield store
    await store.close()


async def test_a_write_is_visible_only_after_its_commit(store: Store) -> None:
    pods = store.collection(PODS)
    task = asyncio.create_task(store.commit(pods, KEY, pod()))
    await asyncio.sleep(0)
    assert KEY not in pods.objects
    assert pods.latest(KEY) is not None
    stored = await task
    assert pods.objects[KEY] is stored
    assert store.version == stored.version


async def test_writes_that_wait_are_committed_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[Journal] = []
    real = Journal.commit

    def count(self: Journal) -> None:
        commits.append(self)
        real(self)

    monkeypatch.setattr(Journal, "commit", count)
    pods = store.collection(PODS)
    await asyncio.gather(*(store.commit(pods, ("default", str(i)), pod()) for i in range(50)))
    assert len(commits) == 1
    assert len(pods.objects) == 50


async def test_versions_rise_across_restarts_even_after_a_deletion(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    store.open()
    pods = store.collection(PODS)
    await store.commit(pods, KEY, pod())
    deleted = await store.commit(pods, KEY, pod(), delete=True)
    await store.close()
    again = Store(tmp_path / "journal.db")
    again.open()
    assert again.version == deleted.version
    stored = await again.commit(again.collection(PODS), KEY, pod())
    assert stored.version == deleted.version + 1
    await again.close()


async def test_create_delete_and_create_in_one_batch_leave_the_last(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    store.open()
    pods = store.collection(PODS)
    await asyncio.gather(
        store.commit(pods, KEY, pod(generation=1)),
        store.commit(pods, KEY, pod(), delete=True),
        store.commit(pods, KEY, pod(generation=2)),
        store.commit(pods, KEY, pod(), delete=True),
        store.commit(pods, KEY, pod(generation=3)),
    )
    assert pods.objects[KEY].object()["generation"] == 3
    assert pods.pending == {}
    await store.close()
    again = Store(tmp_path / "journal.db")
    again.open()
    assert again.collection(PODS).objects[KEY].object()["generation"] == 3
    await again.close()


async def test_a_failed_commit_refuses_every_write_that_may_build_on_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = store.collection(PODS)
    await store.commit(pods, KEY, pod(generation=1))

    def fail(self: Journal) -> None:
        self.rollback()
        raise JournalError(self.path, "disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "commit", fail)
        first = asyncio.create_task(store.commit(pods, KEY, pod(generation=2)))
        await asyncio.sleep(0)
        second = asyncio.create_task(store.commit(pods, KEY, pod(generation=3)))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [JournalError, JournalError]
    assert pods.objects[KEY].object()["generation"] == 1
    assert pods.latest(KEY) is pods.objects[KEY]
    stored = await store.commit(pods, KEY, pod(generation=4))
    assert pods.objects[KEY] is stored


async def test_a_cancelled_writer_does_not_stop_its_batch(store: Store) -> None:
    pods = store.collection(PODS)
    task = asyncio.create_task(store.commit(pods, KEY, pod()))
    other = asyncio.create_task(store.commit(pods, ("default", "db"), pod()))
    await asyncio.sleep(0)
    task.cancel()
    await other
    assert set(pods.objects) == {KEY, ("default", "db")}


async def test_keys_stay_in_order_as_objects_come_and_go(store: Store) -> None:
    pods = store.collection(PODS)
    random = Random(3)
    for _ in range(200):
        key = ("default", str(random.randrange(30)))
        await store.commit(pods, key, pod(), delete=key in pods.objects and random.random() < 0.5)
        assert pods.keys() == sorted(pods.objects)


async def test_history_is_bounded_and_says_from_where_it_is_complete(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.collection._HISTORY_CHANGES", 100)
    pods = store.collection(PODS)
    for _ in range(10):
        await asyncio.gather(*(store.commit(pods, (str(i), "web"), pod()) for i in range(40)))
    assert pods.changes(0, 10) is None
    assert pods.differences_since(pods.floor - 1) is None
    position = pods.position_after(pods.floor)
    changes = pods.changes(position, 1000)
    assert changes is not None
    assert [change.version for change in changes] == list(range(pods.floor + 1, store.version + 1))
    assert len(changes) <= 100


async def test_old_changes_are_forgotten_but_for_the_last_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.collection._MARK_EVERY", 10)
    monkeypatch.setattr("kubelab.engine.apiserver.collection._HISTORY_LEAST", 30)
    pods = store.collection(PODS)
    for _ in range(100):
        await store.commit(pods, KEY, pod())
    assert pods.floor == 0
    monkeypatch.setattr("kubelab.engine.apiserver.collection._HISTORY_S", 0.0)
    for _ in range(10):
        await store.commit(pods, KEY, pod())
    assert pods.floor == store.version - 30
    changes = pods.changes(pods.position_after(pods.floor), 1000)
    assert changes is not None
    assert [change.version for change in changes] == list(range(pods.floor + 1, store.version + 1))


async def test_versions_of_an_object_share_labels_that_stay_the_same(store: Store) -> None:
    pods = store.collection(PODS)
    labelled = {"metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}}}
    before = await store.commit(pods, KEY, labelled)
    after = await store.commit(pods, KEY, {**labelled, "metadata": dict(labelled["metadata"])})
    assert after.labels is before.labels == {"app": "web"}


async def test_history_outlives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    store.open()
    pods = store.collection(PODS)
    first = await store.commit(pods, KEY, pod(generation=1))
    await store.commit(pods, KEY, pod(generation=2))
    await store.commit(pods, KEY, pod(), delete=True)
    await store.commit(pods, KEY, pod(generation=3))
    before = told(pods, first.version)
    await store.close()
    again = Store(tmp_path / "journal.db")
    again.open()
    assert told(again.collection(PODS), first.version) == before
    assert [event for event, *_ in before] == ["MODIFIED", "DELETED", "ADDED"]
    await again.close()


async def test_history_on_disk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.retention._CHANGES", 10)
    store = Store(tmp_path / "journal.db")
    store.open()
    pods = store.collection(PODS)
    random = Random(5)
    for _ in range(200):
        key = ("default", str(random.randrange(3)))
        await store.commit(pods, key, pod(), delete=key in pods.objects and random.random() < 0.3)
    before, objects = told(pods, store.version - 10), {key: one.body for key, one in pods.objects.items()}
    await store.close()
    again = Store(tmp_path / "journal.db")
    again.open()
    after = again.collection(PODS)
    assert {key: one.body for key, one in after.objects.items()} == objects
    assert told(after, again.version - 10) == before
    assert after.floor > 150
    assert len(list(again._journal.rows() if again._journal else [])) <= 3 + 2 * 10
    await again.close()


def told(collection: Collection, version: int) -> list[tuple[str, bytes, bytes | None]]:
    assert version >= collection.floor
    changes = collection.changes(collection.position_after(version), 1000) or []
    return [(each.type, each.new.body, each.old.body if each.old else None) for each in changes]
