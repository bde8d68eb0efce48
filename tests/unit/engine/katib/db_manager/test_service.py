"""The service over real gRPC, on a real API server in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from kubelab.client import CONFIG_MAPS, TRIALS, Client
from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.katib.db_manager import histories
from kubelab.engine.katib.db_manager.histories import TrialHistories
from kubelab.engine.katib.db_manager.log import Entry
from kubelab.engine.katib.db_manager.messages import MESSAGES, SERVICE
from kubelab.engine.katib.db_manager.service import DbManager, serve
from kubelab.sweeps.observations import load

AT = "2026-01-31T12:00:0{}Z"


class Manager:
    """The db manager as its clients see it, and the API that it writes to."""

    def __init__(self, client: Client, channel: grpc.aio.Channel) -> None:
        self.client = client
        self.channel = channel

    async def __call__(self, verb: str, **fields: Any) -> Any:
        method = self.channel.unary_unary(
            f"/{SERVICE}/{verb}ObservationLog",
            request_serializer=MESSAGES[f"{verb}ObservationLogRequest"].SerializeToString,
            response_deserializer=MESSAGES[f"{verb}ObservationLogReply"].FromString,
        )
        return await method(MESSAGES[f"{verb}ObservationLogRequest"](**fields), timeout=60)

    async def report(self, trial: str, second: int, **values: object) -> None:
        logs = [
            {"time_stamp": AT.format(second), "metric": {"name": name, "value": str(value)}}
            for name, value in values.items()
        ]
        await self("Report", trial_name=trial, observation_log={"metric_logs": logs})

    async def get(self, trial: str, **asked: str) -> list[tuple[str, str]]:
        reply = await self("Get", trial_name=trial, **asked)
        return [(each.metric.name, each.metric.value) for each in reply.observation_log.metric_logs]

    async def trial(self, name: str, kind: str = "Push", namespace: str = "default") -> None:
        labels = {"katib.kubeflow.org/trial": name}
        spec = {"metricsCollector": {"collector": {"kind": kind}}}
        await self.client.create(TRIALS, {"metadata": {"name": name}, "spec": spec}, namespace)
        meta = {"name": f"{name}-observations", "labels": labels}
        history = {"metadata": meta, "data": {"reports.json": "{}"}}
        await self.client.create(CONFIG_MAPS, history, namespace)


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    api = ApiServer(tmp_path, RealClock(), token="token")
    await api.start()
    client = api.client("system:masters")
    await bootstrap(client, RealClock())
    server, port = await serve(DbManager(TrialHistories(client)), "127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Manager(client, channel)
    await server.stop(None)
    await api.stop()


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), str(caught.value.details())


async def test_reports_are_kept_in_the_trials_history_and_read_back(manager: Manager) -> None:
    await manager.trial("t")
    await manager.report("t", 1, loss=0.5, accuracy=0.25)
    await manager.report("t", 2, loss=0.125)
    config_map = await manager.client.get(CONFIG_MAPS, "t-observations", "default")
    assert [each.value for each in load(config_map)["loss"]] == [0.5, 0.125]
    assert await manager.get("t") == [("loss", "0.5"), ("accuracy", "0.25"), ("loss", "0.125")]
    assert await manager.get("t", metric_name="loss", start_time=AT.format(2)) == [("loss", "0.125")]


async def test_reports_at_the_same_time_are_all_kept(manager: Manager) -> None:
    await manager.trial("t")
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(manager.report("t", 1, loss=number))
    assert sorted(float(value) for _, value in await manager.get("t")) == list(range(20))


async def test_what_another_writes_meanwhile_is_kept(manager: Manager) -> None:
    await manager.trial("t")
    two = TrialHistories(manager.client), TrialHistories(manager.client)
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            entry = Entry(AT.format(1), "loss", str(number))
            group.create_task(two[number % 2].append("t", [entry]))
    assert sorted(float(value) for _, value in await manager.get("t")) == list(range(20))


async def test_a_history_is_forgotten(manager: Manager) -> None:
    await manager.trial("t")
    await manager.report("t", 1, loss=0.5)
    await manager("Delete", trial_name="t")
    assert await manager.get("t") == []
    await manager("Delete", trial_name="nobody")


async def test_a_history_that_begins_late_is_awaited(manager: Manager) -> None:
    report = asyncio.create_task(manager.report("late", 1, loss=0.5))
    await manager.trial("late")
    await report
    assert await manager.get("late") == [("loss", "0.5")]


async def test_a_trial_that_nobody_knows_has_no_history_and_cannot_report(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "_PATIENCE", 1)
    assert await manager.get("nobody") == []
    code, said = await refused(manager.report("nobody", 1, loss=1))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "no trial 'nobody' is known" in said


async def test_what_a_collector_reads_is_not_pushed(manager: Manager) -> None:
    await manager.trial("t", kind="StdOut")
    code, said = await refused(manager.report("t", 1, loss=1))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "read by the collector StdOut, not pushed" in said


async def test_a_name_in_two_namespaces_is_refused(manager: Manager) -> None:
    await manager.trial("t")
    await manager.trial("t", namespace="kube-public")
    _, said = await refused(manager.report("t", 1, loss=1))
    assert "in each of the namespaces default, kube-public" in said


async def test_a_value_that_is_no_number_changes_nothing(manager: Manager) -> None:
    await manager.trial("t")
    code, said = await refused(manager.report("t", 1, accuracy=0.5, loss="much"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "'much' of loss is no number" in said
    assert await manager.get("t") == []
