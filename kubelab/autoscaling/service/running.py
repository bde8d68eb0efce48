"""Runs the service until it is told to end: what ``kubelab expander serve`` does."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event

from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.service.answering import Answering
from kubelab.autoscaling.service.certificates import CertificateFiles
from kubelab.autoscaling.service.counters import Counters, serve_counters
from kubelab.autoscaling.service.scores_file import ScoresFile
from kubelab.autoscaling.service.server import ExpanderServer
from kubelab.clock import RealClock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What to serve, and where.

    Attributes
    ----------
    certificate, key : Path
        PEM files.
    host, port : str, int
        Where to listen.
    expander : str
        A chain; those that are equal at its end are all named, for Cluster Autoscaler to go on with.
    scores, catalogue : Path or None
        A file of InstanceScores, and a price file; without the latter, the catalogue that is in use.
    priorities : Path or None
        The YAML of the expander ``priority``.
    metrics_port : int or None
        Where on ``host`` Prometheus reads; None for nowhere.
    """

    certificate: Path
    key: Path
    host: str = "127.0.0.1"
    port: int = 8086
    expander: str = "score"
    scores: Path | None = None
    catalogue: Path | None = None
    priorities: Path | None = None
    metrics_port: int | None = None


def run(settings: Settings, told: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    settings : Settings
        What to serve.
    told : callable
        Takes the lines that say where.

    Raises
    ------
    KubelabError
        If something is wrong with the settings.
    """
    files = CertificateFiles(settings.certificate, settings.key, RealClock())
    scores = ScoresFile(settings.scores) if settings.scores else None
    chain = expander(
        settings.expander,
        random=Random(0),  # noqa: S311 - lots, not secrets
        prices=Catalogue.load(settings.catalogue),
        scores=scores,
        priorities=lambda: _text(settings.priorities),
        keep_ties=True,
    )
    counters = Counters(scores)
    server = ExpanderServer(Answering(chain, scores), counters, files, host=settings.host, port=settings.port)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    told(f"The expander {chain.name} listens at {server.address}, as {', '.join(files.identity.names)}.")
    metrics = None
    try:
        if settings.metrics_port is not None:
            metrics = serve_counters(counters, settings.host, settings.metrics_port)
            told(f"Metrics are at http://{settings.host}:{metrics.server_port}/metrics.")
        stop.wait()
    finally:
        server.stop()
        if metrics is not None:
            metrics.shutdown()
            metrics.server_close()
    told("The expander has ended.")


def _text(path: Path | None) -> str:
    try:
        return path.read_text() if path else ""
    except OSError as error:
        logger.warning("the priorities cannot be read: %s", error)
        return ""
