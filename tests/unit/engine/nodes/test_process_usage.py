from datetime import UTC, datetime
from typing import Any

from kubelab.engine.nodes.process_usage import busy_s, pod_usage
from kubelab.engine.usage import Usage

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def sample(container: str, ago_s: float, cpu_s: float, memory_bytes: int = 1) -> dict[str, Any]:
    time = NOW.timestamp() - ago_s
    return {"container": container, "time": time, "cpu_s": cpu_s, "memory_bytes": memory_bytes}


def test_cpu_is_a_rate_over_the_last_two_samples() -> None:
    samples = [sample("a", 12, 0.0), sample("a", 7, 1.0, 5), sample("a", 2, 3.5, 7)]
    found = pod_usage("ns", "p", samples, NOW)
    assert found is not None
    assert found.containers == {"a": Usage(500_000_000, 7)}
    assert (found.at.timestamp(), found.window_s) == (NOW.timestamp() - 2, 5)


def test_a_pod_has_no_usage_until_all_its_containers_were_sampled_twice() -> None:
    assert pod_usage("ns", "p", [sample("a", 2, 1.0)], NOW) is None
    assert pod_usage("ns", "p", [sample("a", 7, 0), sample("a", 2, 1), sample("b", 2, 0)], NOW) is None


def test_a_restarted_container_is_measured_anew() -> None:
    assert pod_usage("ns", "p", [sample("a", 7, 9.0), sample("a", 2, 0.5)], NOW) is None


def test_a_container_that_ended_is_left_out() -> None:
    ended = [sample("init", 65, 0.0), sample("init", 60, 5.0)]
    found = pod_usage("ns", "p", [*ended, sample("a", 7, 0.0), sample("a", 2, 1.0)], NOW)
    assert found is not None
    assert list(found.containers) == ["a"]
    assert pod_usage("ns", "p", ended, NOW) is None


def test_busy_time_leaves_idle_time_out() -> None:
    text = "cpu  9 9 9 9 9 9 9 9\n" + "".join(f"cpu{n} 100 0 100 5000 700 0 0 0 0 0\n" for n in range(512))
    alone = busy_s(text)
    assert alone > 0
    assert busy_s(text.replace("5000", "9000").replace("700", "900")) == alone
