"""What the machine allows, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kubelab.engine.nodes import Isolation, end_all, probe
from kubelab.engine.nodes.isolation import group_name, without_namespaces

from .conftest import Lab, alive


def test_missing_things_are_said() -> None:
    nothing = without_namespaces(Isolation(namespaces=True))
    said = "; ".join(nothing.missing())
    assert "namespaces are not allowed" in said
    assert "memory limits are enforced by measuring" in said
    everything = Isolation(namespaces=True, memory_cgroup="/m", cpu_cgroup="/c")
    assert len(everything.missing()) == 1


def test_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(Path("/tmp").glob("kubelab-*"))
    probe(tmp_path)
    assert set(Path("/tmp").glob("kubelab-*")) <= before


_TRACE = Path("/tmp/kubelab-guest-was-here")


def _machine() -> tuple[bytes, str]:
    return Path("/etc/hosts").read_bytes(), Path("/proc/self/mountinfo").read_text()


def _control_groups(lab: Lab) -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(group_name(lab.state_dir)))


async def test_machine_is_as_before_after_everything_ended(lab: Lab) -> None:
    before = _machine()
    script = f"hostname; touch {_TRACE}; echo x > x"
    await lab.run("guest", "sh", "-c", script, resources={"limits": {"memory": "64Mi", "cpu": "500m"}})
    assert _machine() == before
    if lab.isolation.namespaces:
        assert not await asyncio.to_thread(_TRACE.exists)
    await asyncio.to_thread(_TRACE.unlink, missing_ok=True)
    await lab.stop_node()
    await asyncio.to_thread(end_all, lab.state_dir)
    assert not _control_groups(lab)
    await lab.start_node()


async def test_end_all_spares_processes_that_are_not_the_clusters(one_lab: Lab) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    await one_lab.create("busy", "sleep", "1000")
    await one_lab.running("busy")
    await one_lab.stop_node()
    assert await asyncio.to_thread(end_all, one_lab.state_dir) >= 2
    assert alive(bystander.pid)
    bystander.kill()
    await bystander.wait()
    await one_lab.start_node()
    pod = await one_lab.ended("busy")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
