"""A real Prometheus on loopback: with a past that was written beforehand, scraping what the test serves."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

_CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
- job_name: cadvisor
  honor_labels: true
  static_configs:
  - targets: ["127.0.0.1:{port}"]
"""


@contextmanager
def exporter(text: str) -> Iterator[int]:
    """Serve metrics in Prometheus' text format; the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def prometheus(folder: Path, *, past: str, scraped: int, max_samples: int = 50_000_000) -> Iterator[str]:
    """Run one whose past is OpenMetrics text; its URL.

    Parameters
    ----------
    scraped : int
        The port of what it scrapes.
    max_samples : int
        How many a query may load.
    """
    program, tool = shutil.which("prometheus"), shutil.which("promtool")
    if program is None or tool is None:
        pytest.skip("no prometheus on this machine: apt-get install prometheus")
    (folder / "past.txt").write_text(past)
    (folder / "prometheus.yml").write_text(_CONFIG.format(port=scraped))
    blocks = [tool, "tsdb", "create-blocks-from", "openmetrics", folder / "past.txt", folder / "data"]
    subprocess.run(blocks, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = (
        f"--config.file={folder}/prometheus.yml --storage.tsdb.path={folder}/data "
        f"--storage.tsdb.retention.time=100y --web.listen-address=127.0.0.1:{port} "
        f"--query.max-samples={max_samples}"
    )
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([program, *options.split()], stdout=log, stderr=log)
    try:
        _await_ready(running, f"http://127.0.0.1:{port}", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def _await_ready(running: subprocess.Popen[bytes], url: str, log: Path) -> None:
    while True:
        assert running.poll() is None, log.read_text()
        try:
            with urlopen(f"{url}/-/ready"):
                return
        except URLError:
            threading.Event().wait(0.05)
