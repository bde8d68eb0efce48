import pytest

from kubelab.netlab.dns.errors import DnsNameError, DnsOptionError
from kubelab.netlab.dns.names import autopath_names, reckon, tried
from kubelab.netlab.dns.resolv_conf import ResolvConf, pod_resolv_conf
from kubelab.netlab.dns.zone import Zone

POD = pod_resolv_conf()
ZONE = Zone.cluster()


def test_a_name_with_fewer_dots_than_ndots_goes_through_the_search_list_first() -> None:
    assert tried("api.example.com", POD) == (
        "api.example.com.default.svc.cluster.local",
        "api.example.com.svc.cluster.local",
        "api.example.com.cluster.local",
        "api.example.com",
    )


def test_a_name_with_enough_dots_is_tried_as_it_is_first_and_then_through_the_search_list() -> None:
    conf = ResolvConf((), ("a.example", "b.example"), ("ndots:2",))
    assert tried("api.example.com", conf) == (
        "api.example.com",
        "api.example.com.a.example",
        "api.example.com.b.example",
    )


def test_a_trailing_dot_leaves_one_name() -> None:
    assert tried("web.", POD) == ("web",)


def test_the_root_in_a_search_list_is_the_name_as_it_is_and_is_not_tried_twice() -> None:
    assert tried("web", ResolvConf((), (".", "a.example"), ("ndots:5",))) == ("web", "web.a.example")


@pytest.mark.parametrize("name", ["10.0.0.1", "2001:db8::1", "localhost"])
def test_addresses_and_localhost_need_no_query(name: str) -> None:
    assert tried(name, POD) == ()


def test_autopath_looks_through_the_list_only_for_names_in_its_first_domain() -> None:
    assert autopath_names("x.default.svc.cluster.local", POD.search) == (
        "x.default.svc.cluster.local",
        "x.svc.cluster.local",
        "x.cluster.local",
        "x",
    )
    assert autopath_names("x.svc.cluster.local", POD.search) == ("x.svc.cluster.local",)


def test_a_lookup_ends_at_the_first_name_that_has_a_record_of_a_type_asked_for() -> None:
    assert reckon("web", POD, ZONE.has) == (
        ("web.default.svc.cluster.local", "A"),
        ("web.default.svc.cluster.local", "AAAA"),
    )
    assert len(reckon("web", POD, ZONE.has, family="ipv6")) == 4


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        (".", "empty"),
        ("a..b", "part ''"),
        ("x" * 64 + ".example", "64 characters"),
        ("é.example", "characters other than"),
        ("a b", "characters other than"),
        ("a/b;c", "characters other than"),
        (5, "no text"),
        (".".join(["x" * 60] * 5), "at most 253"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(DnsNameError, match="is no DNS name") as refused:
        tried(name, POD)
    assert why in str(refused.value)


def test_a_family_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(DnsOptionError, match="Choose any, ipv4, ipv6"):
        reckon("web", POD, ZONE.has, family="ipx")
