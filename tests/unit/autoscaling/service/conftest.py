from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.service.answering import Answering
from kubelab.autoscaling.service.certificates import CertificateFiles
from kubelab.autoscaling.service.counters import Counters
from kubelab.autoscaling.service.scores_file import ScoresFile
from kubelab.autoscaling.service.server import ExpanderServer
from tests.unit.autoscaling.options import PriceList
from tests.unit.autoscaling.service.certificates import Files, self_signed

Serve = Callable[..., ExpanderServer]


@dataclass(frozen=True)
class At:
    """A clock that stands still."""

    moment: dt.datetime

    def now(self) -> dt.datetime:
        return self.moment


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1", "localhost")


@pytest.fixture
def serve(tls: Files) -> Iterator[Serve]:
    """Start services that end with the test."""
    started: list[ExpanderServer] = []

    def start(
        chain: str = "score",
        *,
        prices: dict[str, float] | None = None,
        scores: Path | None = None,
        files: Files = tls,
        clock_ahead: dt.timedelta = dt.timedelta(0),
        port: int = 0,
    ) -> ExpanderServer:
        read = ScoresFile(scores) if scores else None
        made = expander(chain, random=Random(0), prices=PriceList(prices or {}), scores=read, keep_ties=True)
        clock = At(dt.datetime.now(dt.UTC) + clock_ahead)
        shown = CertificateFiles(files.certificate, files.key, clock)
        started.append(ExpanderServer(Answering(made, read), Counters(read), shown, port=port))
        return started[-1]

    yield start
    for each in started:
        each.stop(0)
