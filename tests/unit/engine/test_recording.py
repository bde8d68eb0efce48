"""When a recorder is started; the recorder itself is `tests.unit.lineage`'s."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubelab.client import CONFIG_MAPS, JOBS, Client, Object
from kubelab.clock import RealClock
from kubelab.engine import recording
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.recording import Recording
from kubelab.informer import Informers
from kubelab.training.builders import FUNCTION


class Counted(Recording):
    """Counts recorders instead of starting them."""

    started = 0

    async def _record(self) -> None:
        self.started += 1


def job(name: str, annotations: dict[str, str]) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"template": {"spec": pod}},
    }


async def recorders(client: Client, folder: Path, *jobs: Object) -> int:
    """Return whether a recorder was started once the informers have seen these jobs."""
    informers = Informers(client)
    made = Counted(informers, "lab", folder)
    running = asyncio.create_task(made.run())
    for each in jobs:
        await client.create(JOBS, each)
    async with asyncio.timeout(30):
        while len(informers.of(JOBS).objects) < len(jobs) or not informers.of(CONFIG_MAPS).synced.is_set():
            await informers.start()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    running.cancel()
    await informers.stop()
    return made.started


async def test_a_recorder_is_started_for_what_has_a_run_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_DELAY_S", 0)
    server = ApiServer(tmp_path, RealClock(), token="t")
    await server.start()
    client = server.client("system:masters")
    await bootstrap(client, RealClock())
    try:
        assert await recorders(client, tmp_path, job("theirs", {})) == 0
        assert await recorders(client, tmp_path, job("theirs-2", {}), job("ours", {FUNCTION: "f"})) > 0
        await client.delete(JOBS, "ours", "default", propagation="Background")
        assert await recorders(client, tmp_path) > 0, "it was deleted while nobody looked"
        with monkeypatch.context() as patch:
            patch.setenv("KUBELAB_RECORDER", "off")
            assert await recorders(client, tmp_path) == 0, "it is switched off"
        (tmp_path / "recorder" / "wanted").unlink()
        assert await recorders(client, tmp_path) == 0
    finally:
        await server.stop()
