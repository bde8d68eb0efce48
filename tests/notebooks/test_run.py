"""The notebooks, run: outputs as committed, and with other parameters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from kubelab.engine import launch
from kubelab.netlab import dns
from tests.notebooks.regenerate import ROOT, notebooks
from tests.realapi import build
from tests.unit.costs.objects import node, pod

TUTORIAL = ROOT / "notebooks/tutorials/01-distributed-jax.ipynb"
TUNING = ROOT / "notebooks/tutorials/02-tune-an-llm.ipynb"
AUTOSCALER = ROOT / "notebooks/tutorials/03-autoscaler-and-expander.ipynb"
RIGHTSIZING = ROOT / "notebooks/reports/rightsizing-report.ipynb"
REPORT = ROOT / "notebooks/reports/autoscaler-report.ipynb"
COST_REPORT = ROOT / "notebooks/reports/cost-report.ipynb"
LIMITS_REPORT = ROOT / "notebooks/reports/limits-report.ipynb"
PROXY = ROOT / "notebooks/tutorials/08-kube-proxy-limits.ipynb"
DNS = ROOT / "notebooks/tutorials/09-dns-limits.ipynb"
COSTS = ROOT / "notebooks/tutorials/04-what-a-job-costs.ipynb"
CHAOS = ROOT / "notebooks/tutorials/10-break-it-on-purpose.ipynb"
PACKET_FILTERS = (("nft", "list", "tables"), ("iptables", "-w", "5", "-t", "mangle", "-S"))
"""What loses and delays packets, asked for something that only who may filter packets is told."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


Outcome = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Future[Outcome]]]:
    """The runs under nbval: those on a lab one by one, and beside them those on virtual time."""
    with ThreadPoolExecutor(1) as labs, ThreadPoolExecutor(1) as simulations:
        yield {
            path: (labs if "Cluster.connect" in path.read_text() else simulations).submit(
                _validate, path, tmp_path_factory.mktemp("home")
            )
            for path in notebooks()
            if not lacking(path)
        }
        labs.shutdown(cancel_futures=True)
        simulations.shutdown(cancel_futures=True)


def lacking(path: Path) -> str:
    """Return what this machine lacks to give a notebook's outputs; "" if nothing."""
    if path == DNS:
        return " ".join(dns.left_out())
    if path == CHAOS and (missing := [command[0] for command in PACKET_FILTERS if not _answers(*command)]):
        return f"Packets are lost and delayed by root, with {' and '.join(missing)}."
    return ""


def _answers(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _validate(path: Path, home: Path) -> Outcome:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [
        *(sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300"),
        f"--nbval-sanitize-with={ROOT / 'tests/notebooks/sanitize.cfg'}",
        *("-p", "no:cacheprovider", "--timeout=500", "-q", str(path)),
    ]
    environment = {**os.environ, "KUBELAB_HOME": str(home), "PATH": programs}
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=550, check=False
        )
    finally:
        down = [sys.executable, "-m", "kubelab.cli", "down"]
        subprocess.run(down, env=environment, capture_output=True, check=False)


def printed(book: NotebookNode) -> dict[str, str]:
    """What each cell printed, which on a busy machine comes in several pieces."""
    return {
        cell.id: "".join(output.get("text", "") for output in cell.get("outputs", [])) for cell in book.cells
    }


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.name)
@pytest.mark.timeout(1800)
def test_a_notebook_gives_the_outputs_that_are_committed(
    path: Path, outcomes: dict[Path, Future[Outcome]]
) -> None:
    if reason := lacking(path):
        pytest.skip(reason)
    done = outcomes[path].result()
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_tutorial_01_runs_with_three_processes(notebook_environment: dict[str, str], tmp_path: Path) -> None:
    executed = papermill.execute_notebook(
        TUTORIAL,
        tmp_path / "executed.ipynb",
        {"num_nodes": 3, "steps": 200},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert told["wait-check"] == (
        "Succeeded: 3 processes took 200 steps\ntest accuracy of at least 96 %: True\n"
    )
    assert told["same-check"] == "3 processes, 1 fingerprint\n"
    assert "went on from a checkpoint: True" in told["kill-check"]


def test_tutorial_01_runs_on_the_real_control_plane(
    notebook_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    try:
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(build.assets()))
    except build.UnavailableError as error:
        pytest.skip(str(error))
    launch.up("lab", engine="binaries")
    executed = papermill.execute_notebook(
        TUTORIAL, tmp_path / "executed.ipynb", {"steps": 200}, progress_bar=False, cwd=str(tmp_path)
    )
    told = printed(executed)
    assert told["wait-check"].startswith("Succeeded: 2 processes took 200 steps\n")
    assert told["same-check"] == "2 processes, 1 fingerprint\n"
    assert "went on from a checkpoint: True" in told["kill-check"]


def test_tutorial_02_runs_with_fewer_and_shorter_trials(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        TUNING,
        tmp_path / "executed.ipynb",
        {"base_steps": 100, "steps": 27, "max_trials": 6, "parallel": 3},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert told["base-check"].startswith("a nano of 0.3 million weights took 100 steps\n")
    assert told["wait-check"].startswith("Succeeded: 6 trials, objective val_loss\n")
    assert "it is better than the median: True" in told["best-check"]


def test_tutorial_09_says_from_the_record_what_it_measures(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        DNS, tmp_path / "executed.ipynb", {"live": False}, progress_bar=False, cwd=str(tmp_path)
    )
    committed = nbformat.read(DNS, as_version=4)
    checked = [cell.id for cell in committed.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    recorded, measured = printed(executed), printed(committed)
    assert [recorded[each] for each in checked] == [measured[each] for each in checked]
    assert any("RECORDED on Linux" in str(cell.get("outputs")) for cell in executed.cells)


def test_tutorial_04_runs_with_another_seed_and_shorter_steps(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        COSTS,
        tmp_path / "executed.ipynb",
        {"seed": 5, "minutes_per_step": 0.5, "hours": 6.0},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert "2 processes, 2.5 h: 0.0991 USD by hand, 0.0991 USD on the bill" in told["by-hand-check"]
    assert told["trials-check"].startswith("12 trials cost 0.0475 USD")


def test_tutorial_03_runs_with_another_seed_and_a_shorter_day(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        AUTOSCALER,
        tmp_path / "executed.ipynb",
        {"seed": 4, "hours": 3.0},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert "24 cores bought for 15: 9 are left over" in told["greedy-check"]
    assert "16 cores bought for 15: 1 is left over" in told["morning-check"]


def test_tutorial_08_shows_what_was_recorded_where_rules_cannot_be_loaded(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        PROXY, tmp_path / "executed.ipynb", {"live": False}, progress_bar=False, cwd=str(tmp_path)
    )
    told = {cell.id: cell.outputs for cell in executed.cells if cell.get("outputs")}
    assert "Recorded on AMD EPYC" in told["compare"][0]["data"]["text/html"]
    said = printed(executed)
    assert "iptables, 30,000 Services: " in said["compare-said"]
    assert "At 30,000 Services" in said["compare-said"]
    assert "Recorded on" in said["maps"]
    assert "Recorded on another machine" in told["panel"][0]["data"]["text/html"]


def test_autoscaler_report_plays_a_dump_of_a_cluster(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    pod = {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]},
        "status": {"phase": "Running"},
    }
    node = {
        "metadata": {"name": "n1", "labels": {"node.kubernetes.io/instance-type": "m6i.large"}},
        "spec": {},
        "status": {"allocatable": {"cpu": "1930m", "memory": "6903Mi", "pods": "29"}},
    }
    items = [
        {"apiVersion": "v1", "kind": "Pod", **pod},
        {"apiVersion": "v1", "kind": "Node", **node},
    ]
    dump = tmp_path / "cluster.json"
    dump.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    executed = papermill.execute_notebook(
        REPORT,
        tmp_path / "executed.ipynb",
        {"scenario": str(dump), "policies": "price; least-waste", "hours": 1.0},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = "".join(printed(executed).values())
    assert "The cheapest is price" in told
    assert "times the lower bound of 0.09 USD; prices of 2026-07-20" in told


def test_the_rightsizing_report_reads_a_recording(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    recording = tmp_path / "use.csv"
    lines = ["time,namespace,pod,container,cpu_cores,memory_bytes"]
    lines += [f"{1_770_000_000 + 60 * minute},shop,web,app,0.25,1e8" for minute in range(2000)]
    recording.write_text("\n".join(lines))
    executed = papermill.execute_notebook(
        RIGHTSIZING,
        tmp_path / "executed.ipynb",
        {"recording": str(recording)},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    assert printed(executed)["summary"].startswith(
        "2 of 2 requests can be sized from 7d of use by the rule adaptive."
    )
    told = {cell.id: cell.outputs for cell in executed.cells if cell.get("outputs")}
    assert "ask for 250m of cpu" in told["todo-table"][0]["data"]["text/html"]


def test_cost_report_is_of_a_recorded_cluster(notebook_environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"
    items = [
        {**node(), "kind": "Node"},
        {**pod("a", cpu="5", memory="5Gi", labels={"team": "red"}, ended=10), "kind": "Pod"},
    ]
    path.write_text(json.dumps({"kind": "List", "items": items}))
    window = "2026-01-01T00:00:00Z,2026-01-02T00:00:00Z"
    executed = papermill.execute_notebook(
        COST_REPORT,
        tmp_path / "executed.ipynb",
        {"recorded": str(path), "window": window, "step": "1h", "aggregate": "label:team"},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert told["cell-05"] == (
        "2026-01-01 00:00 to 2026-01-01 10:00 UTC: 10.00 USD.\n"
        "That is 730 USD in a month of 730 hours; prices of 2026-07-20.\n"
        "Nobody had what 5.00 USD were paid for: 50% is idle.\n"
    )
    assert "connect to it" in told["cell-14"]


def test_limits_report_measures_this_machine_and_a_lab(
    notebook_environment: dict[str, str], tmp_path: Path
) -> None:
    executed = papermill.execute_notebook(
        LIMITS_REPORT,
        tmp_path / "executed.ipynb",
        {"services": "100", "repeats": 1, "recorded": "names", "nodes": 2, "pods": 20, "rates": "50,200"},
        progress_bar=False,
        cwd=str(tmp_path),
    )
    told = printed(executed)
    assert told["proxy"].startswith(("Measured here.\n", "Recorded: "))  # by what the machine allows
    assert told["names"].startswith("Recorded: as asked for.\n")
    assert told["names"].endswith("A name outside the cluster costs 8 queries, with a trailing dot 2.\n")
    assert "pod start: p99 " in told["cluster"]
    assert told["pace"].startswith("Pod start ")
    assert "kubeProxyMode: nftables" in told["kind"]
