"""``kubelab expander serve`` as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

from typer.testing import CliRunner

from kubelab.autoscaling.service.client import ExpanderClient
from kubelab.cli import app
from tests.unit.autoscaling.options import option, pods, template
from tests.unit.autoscaling.service.certificates import Files, self_signed
from tests.unit.autoscaling.service.test_scores_file import score, write

KINDS = {"small": template(8, 32, "m6i.2xlarge"), "large": template(16, 64, "m6i.4xlarge")}
OPTIONS = [option(group, kind, pods(1, 6, 8)) for group, kind in KINDS.items()]
LARGE = (score("m6i.2xlarge", 0), score("m6i.4xlarge", 100))
SMALL = (score("m6i.2xlarge", 100), score("m6i.4xlarge", 0))


@dataclass
class Service:
    process: subprocess.Popen[str]
    address: str
    metrics: str
    root: str

    def best(self) -> list[str]:
        with ExpanderClient(self.address, self.root, timeout_s=20) as client:
            return list(client.best(OPTIONS))

    def counts(self) -> str:
        with urlopen(self.metrics) as answer:
            return str(answer.read().decode())


def arguments(tls: Files, *more: str) -> list[str]:
    return ["expander", "serve", "--cert", str(tls.certificate), "--key", str(tls.key), *more]


@contextmanager
def served(tls: Files, scores: Path) -> Iterator[Service]:
    options = arguments(tls, "--port", "0", "--metrics-port", "0", "--scores", str(scores))
    command = [sys.executable, "-u", "-m", "kubelab.cli", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        address = re.search(r"listens at (\S+),", process.stdout.readline())
        metrics = re.search(r"(http\S+metrics)", process.stdout.readline())
        assert address is not None
        assert metrics is not None
        yield Service(process, address[1], metrics[1], tls.pem)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "The expander has ended.\n"
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_scores_are_reloaded_kept_when_broken_and_survive_a_restart(tls: Files, tmp_path: Path) -> None:
    scores = write(tmp_path / "scores.yaml", *SMALL)
    with served(tls, scores) as service:
        assert service.best() == ["small"]
        write(scores, *LARGE)
        assert service.best() == ["large"]
        scores.write_text("{")
        assert service.best() == ["large"]
        counts = service.counts()
        assert "kubelab_expander_scores_file_ok 0" in counts
        assert "kubelab_expander_scores_reload_failures_total 1" in counts
        assert 'kubelab_expander_answers_total{outcome="chosen"} 3' in counts
    with served(tls, scores) as service:
        assert service.best() == ["large"]
        assert "kubelab_expander_scores 2" in service.counts()


def refused(*options: str) -> str:
    result = CliRunner().invoke(app, list(options))
    assert result.exit_code == 1
    return result.output


def test_expired_certificate_ends_the_start_in_one_line(tmp_path: Path) -> None:
    old = self_signed(tmp_path, "localhost", valid=(timedelta(days=-9), timedelta(days=-2)))
    assert re.fullmatch(r"kubelab: \S+ expired at .* UTC. Have it renewed.\n", refused(*arguments(old)))


def test_unknown_expander_or_a_file_without_scores_ends_the_start(tls: Files, tmp_path: Path) -> None:
    assert "no expander is called 'cheap'" in refused(*arguments(tls, "--expander", "cheap"))
    assert "the expander grpc needs a service" in refused(*arguments(tls, "--expander", "grpc"))
    assert "cannot be used" in refused(*arguments(tls, "--scores", str(tmp_path / "none")))


def test_port_in_use_is_named(tls: Files, tmp_path: Path) -> None:
    with served(tls, write(tmp_path / "scores.yaml", *SMALL)) as service:
        port = service.address.rpartition(":")[2]
        assert f"nothing can listen at 127.0.0.1:{port}" in refused(*arguments(tls, "--port", port))
