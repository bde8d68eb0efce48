"""What the service counts, as Prometheus reads it, served on an address of its own."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from kubelab.autoscaling.service.scores_file import ScoresFile

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds; Cluster Autoscaler waits 5 s for an answer."""

OUTCOMES = ("chosen", "abstained", "invalid", "failed")


class Counters:
    """Counts answers.

    Parameters
    ----------
    scores : ScoresFile, optional
        Whose state is told too.
    """

    def __init__(self, scores: ScoresFile | None = None) -> None:
        self.scores = scores
        self._lock = Lock()
        self._answers: Counter[str] = Counter()
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0
        self._options = self._pods = 0

    def answered(self, outcome: str, seconds: float, options: int = 0, pods: int = 0) -> None:
        """Count an answer."""
        with self._lock:
            self._answers[outcome] += 1
            self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds += seconds
            self._options += options
            self._pods += pods

    def text(self) -> str:
        """Return the counts in Prometheus' text format 0.0.4."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _head("answers_total", "counter", "Answers by what came of them.")
        yield from (f'{PREFIX}answers_total{{outcome="{each}"}} {self._answers[each]}' for each in OUTCOMES)
        yield from _one("options_total", "counter", "Options that were asked about.", self._options)
        yield from _one("pods_total", "counter", "Pods of those options.", self._pods)
        yield from _head("answer_duration_seconds", "histogram", "How long an answer took.")
        below = 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            below += count
            yield f'{PREFIX}answer_duration_seconds_bucket{{le="{bound}"}} {below}'
        yield f"{PREFIX}answer_duration_seconds_sum {self._seconds:.9g}"
        yield f"{PREFIX}answer_duration_seconds_count {below}"
        if self.scores is not None:
            yield from _scores(self.scores)


PREFIX = "kubelab_expander_"


def _scores(scores: ScoresFile) -> Iterator[str]:
    yield from _one("scores", "gauge", "Scores in use.", len(scores))
    yield from _one("scores_file_ok", "gauge", "0 while the file is broken.", int(not scores.problem))
    yield from _one("scores_reloads_total", "counter", "Times the file was read.", scores.reloads)
    yield from _one("scores_reload_failures_total", "counter", "Times that failed.", scores.failures)


def _one(name: str, kind: str, help_: str, value: int) -> Iterator[str]:
    yield from _head(name, kind, help_)
    yield f"{PREFIX}{name} {value}"


def _head(name: str, kind: str, help_: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {help_}"
    yield f"# TYPE {PREFIX}{name} {kind}"


def serve_counters(counters: Counters, host: str, port: int) -> ThreadingHTTPServer:
    """Serve ``/metrics`` in a thread until `shutdown` is called; port 0 for a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.partition("?")[0] == "/metrics"
            body = counters.text().encode() if found else b"the counts are at /metrics\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a scrape is no event."""

    server = ThreadingHTTPServer((host, port), Handler)
    Thread(target=server.serve_forever, name="expander-counters", daemon=True).start()
    return server
