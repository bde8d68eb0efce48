"""Evictions against budgets whose status the test writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubelab.client import PODS, Client, Object, Resource
from kubelab.errors import ApiError
from tests.unit.engine.apiserver.conftest import pod

BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")


async def run(client: Client, name: str = "web", *, ready: bool = True) -> Object:
    made = pod(name, labels={"app": "web"})
    made["spec"]["nodeName"] = "n1"
    await client.create(PODS, made, "default")
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return await client.patch(PODS, name, {"status": status}, "default", subresource="status")


async def make_budget(client: Client, status: Object | None = None, **spec: Any) -> None:
    head: Object = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}}
    selector = {"matchLabels": {"app": "web"}}
    created = await client.create(
        BUDGETS, {**head, "spec": {"selector": selector, "minAvailable": 1, **spec}}, "default"
    )
    if status is not None:
        counts = {"currentHealthy": 0, "desiredHealthy": 1, "expectedPods": 2, "disruptionsAllowed": 0}
        whole = {**counts, "observedGeneration": 1, **status}
        await client.update(BUDGETS, {**created, "status": whole}, subresource="status")


async def evict(client: Client, name: str = "web", **options: Any) -> None:
    body = {"metadata": {"name": name, "namespace": "default"}, "deleteOptions": options}
    head = {"apiVersion": "policy/v1", "kind": "Eviction"}
    await client.create(PODS, {**head, **body}, "default", subresource_of=name, subresource="eviction")


async def is_leaving(client: Client, name: str = "web") -> bool:
    return "deletionTimestamp" in (await client.get(PODS, name, "default"))["metadata"]


async def refusal(client: Client, name: str = "web", **options: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        await evict(client, name, **options)
    return refused.value


async def test_a_budget_that_was_not_looked_at_yet_lets_nothing_go(client: Client) -> None:
    await run(client)
    await make_budget(client)
    error = await refusal(client)
    assert error.code == 429
    assert error.status["details"]["retryAfterSeconds"] == 10
    (cause,) = error.status["details"]["causes"]
    assert cause == {
        "reason": "DisruptionBudget",
        "message": "The disruption budget b is still being processed by the server.",
    }


async def test_a_refusal_names_what_the_budget_needs(client: Client) -> None:
    await run(client)
    await make_budget(client, {"currentHealthy": 1})
    (cause,) = (await refusal(client)).status["details"]["causes"]
    assert cause["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently"


async def test_of_evictions_at_the_same_time_only_as_many_pass_as_the_budget_allows(client: Client) -> None:
    names = [f"p{number}" for number in range(6)]
    for name in names:
        await run(client, name)
    await make_budget(client, {"currentHealthy": 6, "disruptionsAllowed": 2, "expectedPods": 6})
    outcomes = await asyncio.gather(*(evict(client, name) for name in names), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 2
    budget = await client.get(BUDGETS, "b", "default")
    assert len(budget["status"]["disruptedPods"]) == 2


async def test_a_pod_that_is_not_ready_may_go_from_a_healthy_application(client: Client) -> None:
    await run(client, ready=False)
    await make_budget(client, {"currentHealthy": 1})
    await evict(client)
    assert await is_leaving(client)


async def test_a_pod_that_is_not_ready_may_always_go_where_the_policy_says_so(client: Client) -> None:
    await run(client, ready=False)
    await make_budget(client, {"currentHealthy": 0}, unhealthyPodEvictionPolicy="AlwaysAllow")
    await evict(client)
    assert await is_leaving(client)


async def test_a_pod_that_is_not_ready_stays_where_the_application_is_not_healthy(client: Client) -> None:
    await run(client, ready=False)
    await make_budget(client, {"currentHealthy": 0})
    assert (await refusal(client)).code == 429


async def test_a_pod_that_changed_since_is_not_evicted(client: Client) -> None:
    current = await run(client)
    version = current["metadata"]["resourceVersion"]
    stale = await refusal(client, preconditions={"resourceVersion": "1"})
    assert stale.code == 409
    assert not await is_leaving(client)
    await evict(client, preconditions={"resourceVersion": version})
    assert await is_leaving(client)


async def test_a_dry_run_spends_nothing(client: Client) -> None:
    await run(client)
    await make_budget(client, {"currentHealthy": 2, "disruptionsAllowed": 1})
    await evict(client, dryRun=["All"])
    assert not await is_leaving(client)
    assert (await client.get(BUDGETS, "b", "default"))["status"]["disruptionsAllowed"] == 1
