"""The bench at 1,000 and 5,000 Services, as root and in a user namespace; its figures are told at the end."""

from __future__ import annotations

import os

import pytest

from kubelab.netlab import compare
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.tools import why_not
from kubelab.netlab.verdicts import verdicts
from tests.told import Told

SIZES = (1000, 5000)


@pytest.mark.parametrize("privileges", ["root", "user namespace"])
def test_every_backend_measures_a_thousand_and_five_thousand(privileges: str, told: Told) -> None:
    if privileges == "root" and os.geteuid() != 0:
        pytest.skip("namespaces are made as root only by root")
    if reason := why_not("iptables-legacy") or why_not("nftables"):
        pytest.skip(reason)
    try:
        compared = compare(SIZES, repeats=1, root=privileges == "root")
    except NetworkUnavailableError as error:
        pytest.skip(str(error))
    assert [(each.backend, each.services, each.skipped) for each in compared.measures] == [
        (backend, services, None) for services in SIZES for backend in ("iptables-legacy", "nftables")
    ]
    old, new = (compared.of(backend, 5000) for backend in ("iptables-legacy", "nftables"))
    assert old.rules == 5 + 5000 * 8
    assert old.add_bytes > 500 * new.add_bytes
    assert old.latency["last"].p01 > old.latency["first"].p01  # each rule before it costs nanoseconds
    told[f"kube-proxy's rules, {privileges}"] = " ".join(verdicts(compared))
