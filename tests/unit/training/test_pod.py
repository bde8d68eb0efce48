"""The pod's side, part by part."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from kubelab.errors import KubelabError
from kubelab.training.pod import context as session
from kubelab.training.pod.context import steps_of
from kubelab.training.pod.environment import PodEnvironment
from kubelab.training.pod.failure import is_peer_lost
from kubelab.training.pod.history import History
from kubelab.training.pod.progress import Progress, trainer_status
from kubelab.training.pod.reporting import Reporter
from kubelab.training.pod.run import Run


def test_trainer_v2s_variables_are_read() -> None:
    env = {
        "JAX_NUM_PROCESSES": "2",
        "JAX_PROCESS_ID": "1",
        "JAX_COORDINATOR_ADDRESS": "digits-node-0-0.digits:29500",
        "KUBELAB_CHECKPOINT_DIR": "/mnt/kubelab",
        "KUBELAB_CHECKPOINT_EVERY": "50",
    }
    assert PodEnvironment.read(env) == PodEnvironment(
        1, 2, "digits-node-0-0.digits:29500", "/mnt/kubelab", 50
    )


def test_the_training_operators_variables_are_read() -> None:
    env = {
        "NUM_PROCESSES": "2",
        "PROCESS_ID": "0",
        "COORDINATOR_ADDRESS": "digits-worker-0",
        "COORDINATOR_PORT": "6666",
    }
    assert PodEnvironment.read(env) == PodEnvironment(0, 2, "digits-worker-0:6666")


def test_without_variables_there_is_one_worker() -> None:
    assert PodEnvironment.read({}) == PodEnvironment()


@pytest.mark.parametrize("env", [{"JAX_NUM_PROCESSES": "two"}, {"JAX_NUM_PROCESSES": "2"}])
def test_variables_that_cannot_be_are_refused(env: dict[str, str]) -> None:
    with pytest.raises(KubelabError):
        PodEnvironment.read(env)


def test_a_line_is_what_katib_reads(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(PodEnvironment())
    reporter.report(1, {"loss": jnp.float32(0.5), "val-acc": np.float64(0.25), "n": 3})
    reporter.report(2, {"loss": 1e-7})
    first, second = capsys.readouterr().out.splitlines()
    assert first.split(" ", 1)[1] == "step=1 loss=0.5 val-acc=0.25 n=3"
    assert second.split(" ")[1:3] == ["step=2", "loss=1e-07"]
    assert second.split(" ")[3].startswith("steps_per_second=")


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"loss": "low"}, "loss='low' is not a number"),
        ({"loss": np.ones(3)}, r"shape \(3,\)"),
        ({"val loss": 1}, "'val loss' cannot name a metric"),
        ({"attempt": 1}, "'attempt' cannot name a metric"),
    ],
)
def test_what_is_not_a_metric_is_refused(metrics: dict[str, Any], said: str) -> None:
    with pytest.raises(KubelabError, match=said):
        Reporter(PodEnvironment()).report(1, metrics)


def test_an_earlier_attempts_lines_are_repeated_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = PodEnvironment(checkpoint_dir=str(tmp_path))
    Reporter(environment).report(1, {"loss": 1.0})
    first = capsys.readouterr().out
    Reporter(environment).report(2, {"loss": 0.5})
    again = capsys.readouterr().out
    assert again.startswith(first)
    assert again.splitlines()[1].endswith("step=2 loss=0.5 attempt=1")


def test_half_a_line_of_a_killed_worker_is_dropped(tmp_path: Path) -> None:
    History(str(tmp_path), 0).add("whole")
    path = tmp_path / "metrics/rank-0.log"
    path.write_text(path.read_text() + "2026-08-01T10:00:0")
    again = History(str(tmp_path), 0)
    assert (again.earlier, again.attempt) == (["whole"], 1)
    third = History(str(tmp_path), 0)
    assert third.attempt == 2
    assert third.earlier[0] == "whole"


class Server:
    """A Trainer's status endpoint."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.answer = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.bodies.append(json.loads(body))
                owner.headers.append(self.headers["Authorization"])
                self.send_response(owner.answer)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/status"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_only_the_newest_status_is_posted_with_the_pods_token(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    progress = Progress(server.url, "", str(tmp_path / "token"))
    for step in range(100):
        progress.update({"step": step})
    progress.close()
    assert server.bodies[-1] == {"trainerStatus": {"step": 99}}
    assert len(server.bodies) <= 2
    assert set(server.headers) == {"Bearer secret"}


@pytest.mark.parametrize("broken", ["refused", "no server", "no token"])
def test_a_status_that_cannot_be_posted_never_raises(server: Server, tmp_path: Path, broken: str) -> None:
    (tmp_path / "token").write_text("secret")
    server.answer = 403
    url = "http://127.0.0.1:9/" if broken == "no server" else server.url
    progress = Progress(url, "", str(tmp_path / ("none" if broken == "no token" else "token")))
    progress.update({})
    progress.close()


def test_a_status_tells_progress_and_the_time_that_is_left() -> None:
    status = trainer_status({"loss": "0.5"}, "2026-08-01T10:00:00Z", step=75, steps=300, remaining_s=12.4)
    assert status == {
        "metrics": [{"name": "loss", "value": "0.5"}],
        "lastUpdatedTime": "2026-08-01T10:00:00Z",
        "progressPercentage": 25,
        "estimatedRemainingSeconds": 12,
    }


@pytest.mark.parametrize(
    ("args", "steps"), [({"steps": 300}, 300), ({"num_steps": 5}, 5), ({"steps": True}, None), ({}, None)]
)
def test_the_number_of_steps_is_an_argument(args: dict[str, Any], steps: int | None) -> None:
    assert steps_of(args) == steps


class JaxRuntimeError(RuntimeError):
    """Named as JAX's own."""


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (ValueError("UNKNOWN: Gloo all-reduce failed: [pair.cc:538] Connection reset by peer"), True),
        (JaxRuntimeError("UNAVAILABLE: coordination service is gone"), True),
        (JaxRuntimeError("INVALID_ARGUMENT: shapes differ"), False),
        (ValueError("the connection reset the peer"), False),
        (ConnectionResetError("Connection reset by peer"), False),
    ],
)
def test_a_lost_peer_is_told_from_the_functions_own_errors(error: Exception, lost: bool) -> None:
    assert is_peer_lost(error, 2) is lost
    assert is_peer_lost(error, 1) is False


def test_rows_are_shared_out_evenly() -> None:
    rows = np.arange(11)
    shares = [Run(PodEnvironment(rank, 3), {}).share(rows) for rank in range(3)]
    assert [share.tolist() for share in shares] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    with pytest.raises(KubelabError, match="2 rows cannot be shared among 3 workers"):
        Run(PodEnvironment(0, 3), {}).share(rows[:2])


@pytest.mark.parametrize(("every", "due"), [(5, [5, 10]), (0, []), (1, list(range(1, 12)))])
def test_a_checkpoint_is_due_every_so_many_steps(every: int, due: list[int]) -> None:
    run = Run(PodEnvironment(checkpoint_dir="/mnt", checkpoint_every=every), {})
    assert [step for step in range(12) if run.should_save(step)] == due


def test_without_a_volume_nothing_is_saved_or_restored() -> None:
    run = Run(PodEnvironment(checkpoint_every=5), {})
    assert not run.should_save(5)
    run.save(5, {"w": np.ones(2)})
    assert run.restore({"w": np.ones(2)}) is None


def test_a_function_can_be_tried_where_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_session", None)
    run = session.context()
    assert (run.rank, run.size, repr(run)) == (0, 1, "<Run rank 0 of 1>")
    assert run is session.context()
    batch = run.shard({"x": np.ones((run.mesh.size, 2))})
    assert batch["x"].shape == (run.mesh.size, 2)
