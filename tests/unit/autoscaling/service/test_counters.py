from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from kubelab.autoscaling.service.counters import Counters, serve_counters


def test_counts_are_prometheus_text() -> None:
    counters = Counters()
    counters.answered("chosen", 0.02, options=3, pods=40)
    counters.answered("chosen", 7.0, options=1, pods=2)
    counters.answered("invalid", 0.001)
    lines = counters.text().splitlines()
    assert 'kubelab_expander_answers_total{outcome="chosen"} 2' in lines
    assert 'kubelab_expander_answers_total{outcome="abstained"} 0' in lines
    assert "kubelab_expander_pods_total 42" in lines
    assert 'kubelab_expander_answer_duration_seconds_bucket{le="0.025"} 2' in lines
    assert 'kubelab_expander_answer_duration_seconds_bucket{le="5.0"} 2' in lines
    assert 'kubelab_expander_answer_duration_seconds_bucket{le="+Inf"} 3' in lines
    assert "kubelab_expander_answer_duration_seconds_count 3" in lines


def test_counts_are_served_at_one_path() -> None:
    server = serve_counters(Counters(), "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with urlopen(f"{url}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert b"kubelab_expander_options_total 0" in answer.read()
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{url}/")
    finally:
        server.shutdown()
        server.server_close()
