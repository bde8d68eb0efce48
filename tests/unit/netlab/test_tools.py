import pytest

from kubelab.netlab.errors import TooManyServicesError
from kubelab.netlab.syncs import check_memory
from kubelab.netlab.tools import reason, version

NFT = "/usr/sbin/nft"


def test_a_version_is_found_in_what_a_tool_says() -> None:
    assert version("nftables v1.0.6 (Lester Gooch #5)") == (1, 0, 6)
    assert version("iptables-restore v1.8.9 (nf_tables)") == (1, 8, 9)
    assert version("") == (0,)


def test_nothing_speaks_against_a_machine_with_all_of_it() -> None:
    assert reason("nftables", NFT, {"nft": "1.0.6"}, "Linux", "6.1.0-13-amd64") is None
    assert reason("iptables-legacy", "/usr/sbin/iptables-legacy-restore", {}, "Linux", "4.4.0") is None


def test_a_missing_tool_is_named_with_its_package() -> None:
    assert "apt-get install nftables" in str(reason("nftables", None, {}, "Linux", "6.1.0"))
    assert "apt-get install iptables" in str(reason("iptables-nft", None, {}, "Linux", "6.1.0"))


def test_an_old_nft_is_refused() -> None:
    assert reason("nftables", NFT, {"nft": "1.0.1"}, "Linux", "6.1.0") is None
    assert "nft is 0.9.8" in str(reason("nftables", NFT, {"nft": "0.9.8"}, "Linux", "6.1.0"))


def test_an_old_kernel_is_refused() -> None:
    assert "5.10.0" in str(reason("nftables-inline-maps", NFT, {"nft": "1.0.6"}, "Linux", "5.10.0-8"))


def test_other_systems_have_no_such_kernel() -> None:
    assert "Darwin has no Linux kernel" in str(reason("nftables", NFT, {"nft": "1.0.6"}, "Darwin", "23.1.0"))


def test_what_would_not_fit_into_memory_is_refused_with_what_would() -> None:
    with pytest.raises(TooManyServicesError, match="Ask for at most") as refused:
        check_memory("nftables", 200_000, 2, free_bytes=2**30)
    check_memory("nftables", refused.value.most, 2, free_bytes=2**30)


def test_where_no_service_fits_fewer_endpoints_are_asked_for() -> None:
    with pytest.raises(TooManyServicesError, match="Ask for fewer endpoints"):
        check_memory("nftables", 1, 1_000_000, 2**30)
