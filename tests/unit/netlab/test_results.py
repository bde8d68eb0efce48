import pytest

from kubelab.errors import KubelabError
from kubelab.netlab import Comparison
from tests.unit.netlab.made_up import comparison


def test_a_comparison_is_read_as_it_was_written() -> None:
    written = comparison()
    read = Comparison.from_json(written.to_json())
    assert read.measures == written.measures
    assert read.environment == written.environment
    assert read.is_recorded


@pytest.mark.parametrize("services", [5000, 10_000, 30_000])
def test_the_recorded_run_shows_the_published_shape(services: int) -> None:
    recorded = Comparison.recorded()
    last = recorded.net_latency("iptables-legacy", services)
    assert last > recorded.net_latency("iptables-legacy", services, "first")
    assert recorded.net_latency("nftables", services) < last / 2


def test_text_that_is_no_comparison_is_refused() -> None:
    for text in ("", "[]", '{"measures": []}', '{"environment": {}, "measures": []}'):
        with pytest.raises(KubelabError, match="no comparison"):
            Comparison.from_json(text)


def test_what_was_not_measured_is_said_with_what_was() -> None:
    with pytest.raises(KubelabError, match=r"There are: .*nftables"):
        comparison().of("nftables", 123)


def test_what_was_skipped_has_no_latency_and_says_why() -> None:
    with pytest.raises(KubelabError, match="iptables-nft, 5,000 Services, was skipped: iptables-nft is not"):
        comparison().net_latency("iptables-nft", 5000)
