"""What the study says that it leaves out, and that it leaves out no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.netlab.dns import Counts, DnsLab, Load, left_out, loads, study


def tools(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have this machine's tools be those of a folder."""
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr("kubelab.netlab.tools._PATH", str(folder))


@pytest.mark.parametrize("cache", ["dnsmasq", "unbound"])
def test_with_nft_and_a_cache_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    tools(tmp_path, monkeypatch, "nft", cache)
    assert left_out() == ()


def test_without_nft_no_packet_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(tmp_path, monkeypatch, "dnsmasq")
    (reason,) = left_out()
    assert reason == "The kernel drops no packet: nft is not installed (apt-get install nftables)."


def test_without_a_program_for_it_no_cache_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(tmp_path, monkeypatch, "nft")
    (reason,) = left_out()
    assert reason.startswith("No node's cache: neither dnsmasq nor unbound is there")


def test_a_machine_without_the_tools_measures_every_other_row(
    lab: DnsLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(tmp_path, monkeypatch)
    needs_tools = ("second packet dropped", "outside, empty cache", "outside, warm cache")
    recorded = [each.label for each in Counts.of_record().lookups if not each.label.startswith(needs_tools)]
    assert [each.label for each in study(lab).lookups] == recorded
    assert [each.label for each in loads(lab, lookups=8)] == [
        each.label for each in Load.of_record() if each.label != "node's cache"
    ]
