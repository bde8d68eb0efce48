"""What a DNS server can be told to know, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.netlab.dns import Behaviour, DnsNameError, DnsOptionError, Zone


def test_services_have_addresses_of_the_cluster_and_names_outside_have_both_families() -> None:
    zone = Zone.cluster(["prod/db"], ["Example.com."])
    assert zone.answer("db.prod.svc.cluster.local", "A") == ("NOERROR", (("A", "10.96.1.1"),))
    assert zone.answer("example.com", "AAAA") == ("NOERROR", (("AAAA", "2001:db8::1"),))


@pytest.mark.parametrize("service", ["web", "/web", "default/", "a/b/c"])
def test_a_service_without_its_namespace_is_refused(service: str) -> None:
    with pytest.raises(DnsOptionError, match="Write namespace/name, such as default/web"):
        Zone.cluster([service])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"services": "default/web"}, "Give a list of texts"),
        ({"external": "example.com"}, "Give a list of texts"),
        ({"external": [f"n{each}.example" for each in range(255)]}, "at most 254"),
    ],
)
def test_what_is_no_list_of_a_few_names_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(DnsOptionError, match=words):
        Zone.cluster(**wrong)


def test_a_zone_has_names_and_addresses_of_their_family_only() -> None:
    with pytest.raises(DnsNameError):
        Zone({"a b": ("192.0.2.1",)})
    with pytest.raises(DnsOptionError, match="Give IPv4 addresses"):
        Zone({"a": ("2001:db8::1",)})
    with pytest.raises(DnsOptionError, match="Give IPv6 addresses"):
        Zone({}, {"a": ("192.0.2.1",)})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"loss": -0.1}, "a share from 0 to 1"),
        ({"loss": 1.1}, "a share from 0 to 1"),
        ({"loss": float("nan")}, "a share from 0 to 1"),
        ({"delay_s": -1}, "seconds, from 0 on"),
        ({"delay_s": float("inf")}, "seconds, from 0 on"),
        ({"delay_s": "1"}, "seconds, from 0 on"),
        ({"nxdomain": "web"}, "Give a list of texts"),
        ({"autopath": "cluster.local"}, "Give a list of texts"),
    ],
)
def test_a_server_that_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(DnsOptionError, match=words):
        Behaviour(**wrong)
