"""Deletion: grace, finalizers, propagation, preconditions, collections and namespaces."""

from __future__ import annotations

import orjson
import pytest

from kubelab.client import CONFIG_MAPS, EVENTS, JOBS, NAMESPACES, PODS, SERVICES, Client, Object
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ApiError, ConflictError, InvalidError, NotFoundError
from tests.unit.engine.apiserver.conftest import SetClock, config_map, pod


async def bind(client: Client, name: str = "web") -> None:
    await client.create(
        PODS,
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"name": "n1"}},
        "default",
        subresource_of=name,
        subresource="binding",
    )


async def gone(client: Client, name: str = "web") -> bool:
    try:
        await client.get(PODS, name, "default")
    except NotFoundError:
        return True
    return False


async def test_a_pod_without_a_node_goes_at_once(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    deleted = await client.delete(PODS, "web", "default")
    assert deleted["kind"] == "Pod"
    assert await gone(client)


async def test_a_pod_on_a_node_waits_for_the_node(client: Client, clock: SetClock) -> None:
    await client.create(PODS, pod(), "default")
    await bind(client)
    marked = await client.delete(PODS, "web", "default")
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-31T12:00:30Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked["metadata"]["generation"] == 2
    clock.advance(5)
    again = await client.delete(PODS, "web", "default")
    assert again["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    sooner = await client.delete(PODS, "web", "default", grace_period_seconds=10)
    assert sooner["metadata"]["deletionTimestamp"] == "2026-01-31T12:00:10Z"
    await client.delete(PODS, "web", "default", grace_period_seconds=0)
    assert await gone(client)


async def test_a_finished_pod_goes_at_once(client: Client) -> None:
    created = await client.create(PODS, pod(), "default")
    await bind(client)
    current = await client.get(PODS, "web", "default")
    await client.update(PODS, {**current, "status": {"phase": "Succeeded"}}, subresource="status")
    await client.delete(PODS, "web", "default", uid=created["metadata"]["uid"])
    assert await gone(client)


async def test_finalizers_keep_an_object_until_the_last_is_removed(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a", finalizers=["example.com/x"]), "default")
    marked = await client.delete(CONFIG_MAPS, "a", "default")
    assert marked["metadata"]["deletionTimestamp"]
    await client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, "default")
    with pytest.raises(NotFoundError):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_a_pod_with_a_finalizer_outlives_its_grace(client: Client) -> None:
    await client.create(PODS, pod(finalizers=["example.com/x"]), "default")
    await bind(client)
    await client.delete(PODS, "web", "default")
    await client.delete(PODS, "web", "default", grace_period_seconds=0)
    assert not await gone(client)
    await client.patch(PODS, "web", {"metadata": {"finalizers": None}}, "default")
    assert await gone(client)


@pytest.mark.parametrize(
    ("propagation", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
async def test_propagation_is_a_finalizer_for_the_garbage_collector(
    client: Client, propagation: str, finalizers: list[str]
) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    marked = await client.delete(CONFIG_MAPS, "a", "default", propagation=propagation)  # type: ignore[arg-type]
    assert marked["metadata"]["finalizers"] == finalizers


async def test_jobs_orphan_their_pods_unless_told_otherwise(client: Client) -> None:
    job: Object = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}}
    job["spec"] = {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}}
    await client.create(JOBS, job, "default")
    marked = await client.delete(JOBS, "j", "default")
    assert marked["metadata"]["finalizers"] == ["orphan"]
    await client.create(JOBS, {**job, "metadata": {"name": "k"}}, "default")
    deleted = await client.delete(JOBS, "k", "default", propagation="Background")
    assert deleted["status"] == "Success"
    assert deleted["details"]["kind"] == "jobs"


async def test_preconditions_must_hold(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(
        ConflictError, match=r"the UID in the precondition \(other\) does not match the UID in record"
    ):
        await client.delete(CONFIG_MAPS, "a", "default", uid="other")
    with pytest.raises(InvalidError, match='propagationPolicy: Unsupported value: "Never"'):
        await client.delete(CONFIG_MAPS, "a", "default", propagation="Never")  # type: ignore[arg-type]


async def test_a_collection_is_deleted_by_selector(client: Client) -> None:
    for name, app in (("a", "web"), ("b", "db"), ("c", "web")):
        await client.create(CONFIG_MAPS, config_map(name, labels={"app": app}), "default")
    path = "/api/v1/namespaces/default/configmaps"
    answer = await client.transport.request("DELETE", path, {"labelSelector": "app=web"})
    assert answer.status == 200
    assert [item["metadata"]["name"] for item in (await client.list(CONFIG_MAPS, "default")).items] == ["b"]
    answer = await client.transport.request("DELETE", "/api/v1/configmaps", {})
    assert answer.status == 405


async def test_the_default_namespace_may_not_be_deleted(client: Client) -> None:
    with pytest.raises(
        ApiError, match=r'^namespaces "default" is forbidden: this namespace may not be deleted$'
    ):
        await client.delete(NAMESPACES, "default")


async def test_a_namespace_terminates_until_it_is_finalized(client: Client, server: ApiServer) -> None:
    team: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    created = await client.create(NAMESPACES, team)
    assert created["spec"]["finalizers"] == ["kubernetes"]
    assert created["metadata"]["labels"]["kubernetes.io/metadata.name"] == "team"
    marked = await client.delete(NAMESPACES, "team")
    assert marked["status"]["phase"] == "Terminating"
    with pytest.raises(ApiError, match="because it is being terminated") as refused:
        await client.create(CONFIG_MAPS, config_map("late"), "team")
    assert refused.value.causes[0]["reason"] == "NamespaceTerminating"
    current = await client.get(NAMESPACES, "team")
    await client.update(NAMESPACES, {**current, "spec": {"finalizers": []}}, subresource="finalize")
    with pytest.raises(NotFoundError):
        await client.get(NAMESPACES, "team")


async def test_events_last_an_hour_after_they_were_seen(
    client: Client, server: ApiServer, clock: SetClock
) -> None:
    for name, seen in (("old", "2026-01-31T12:00:00Z"), ("seen-again", "2026-01-31T12:30:00Z")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web"},
            "lastTimestamp": seen,
        }
        await client.create(EVENTS, event, "default")
    clock.advance(3600)
    await server._expiry.expire()
    assert [item["metadata"]["name"] for item in (await client.list(EVENTS)).items] == ["seen-again"]


async def test_only_the_events_that_were_written_last_are_kept(
    server: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.expiry._MOST", 3)
    for number in range(5):
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"event-{number}"},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web"},
        }
        await client.create(EVENTS, event, "default")
    await client.patch(EVENTS, "event-0", {"count": 2}, "default")
    await server._expiry.trim()
    kept = {item["metadata"]["name"] for item in (await client.list(EVENTS)).items}
    assert kept == {"event-0", "event-3", "event-4"}


async def test_a_dry_run_deletes_nothing(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    await client.transport.request("DELETE", "/api/v1/namespaces/default/configmaps/a", {"dryRun": "All"})
    assert await client.get(CONFIG_MAPS, "a", "default")


async def test_what_ends_at_once_is_never_marked(client: Client) -> None:
    await client.create(SERVICES, {"metadata": {"name": "a"}, "spec": {"clusterIP": "None"}}, "default")
    gone = await client.delete(SERVICES, "a", "default")
    assert gone["kind"] == "Service"
    assert "deletionTimestamp" not in gone["metadata"]


async def test_deleted_collections_are_returned_as_they_were(client: Client) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "finalizers": ["x.dev/wait"]}}, "default")
    answer = await client.transport.request("DELETE", "/api/v1/namespaces/default/configmaps", {})
    assert "deletionTimestamp" not in orjson.loads(answer.body)["items"][0]["metadata"]
    assert "deletionTimestamp" in (await client.get(CONFIG_MAPS, "a", "default"))["metadata"]


async def test_the_query_is_not_read_beside_a_body(client: Client) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, "default")
    path = "/api/v1/namespaces/default/configmaps/a"
    await client.transport.request("DELETE", path, {"dryRun": "All"}, b"{}")
    with pytest.raises(NotFoundError):
        await client.get(CONFIG_MAPS, "a", "default")
