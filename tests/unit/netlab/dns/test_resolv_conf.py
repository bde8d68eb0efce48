import pytest

from kubelab.netlab.dns.errors import DnsOptionError, ResolvConfError
from kubelab.netlab.dns.resolv_conf import ResolvConf, pod_resolv_conf

HOST = ResolvConf(("192.0.2.53",), ("corp.example",), ("edns0",))


def test_a_pod_asks_the_cluster_first_with_five_dots_and_the_nodes_own_search_list_last() -> None:
    assert pod_resolv_conf(namespace="team", host=HOST).text() == (
        "search team.svc.cluster.local svc.cluster.local cluster.local corp.example\n"
        "nameserver 10.96.0.10\n"
        "options ndots:5\n"
    )


def test_a_pod_of_policy_default_has_what_its_node_has() -> None:
    assert pod_resolv_conf(policy="Default", host=HOST) == HOST


def test_on_the_nodes_network_cluster_first_is_the_nodes_own_unless_the_policy_says_with_host_net() -> None:
    assert pod_resolv_conf(host=HOST, host_network=True) == HOST
    with_host_net = pod_resolv_conf(policy="ClusterFirstWithHostNet", host=HOST, host_network=True)
    assert with_host_net == pod_resolv_conf(host=HOST)


def test_a_pods_own_settings_are_put_behind_and_its_options_over_those_of_the_policy() -> None:
    config = {
        "nameservers": ["192.0.2.1", "10.96.0.10"],
        "searches": ["more.example", "cluster.local"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "use-vc"}],
    }
    conf = pod_resolv_conf(config=config)
    assert conf.nameservers == ("10.96.0.10", "192.0.2.1")
    assert conf.search == ("default.svc.cluster.local", "svc.cluster.local", "cluster.local", "more.example")
    assert conf.options == ("ndots:2", "use-vc")


def test_policy_none_has_only_what_the_pod_says_and_needs_a_nameserver() -> None:
    config = {"nameservers": ["192.0.2.1"]}
    assert pod_resolv_conf(policy="None", config=config) == ResolvConf(("192.0.2.1",))
    with pytest.raises(ResolvConfError, match="policy None needs at least one"):
        pod_resolv_conf(policy="None")


def test_what_is_beyond_the_limits_is_left_out() -> None:
    many = {
        "nameservers": [f"192.0.2.{i}" for i in range(9)],
        "searches": [f"d{i}.example" for i in range(40)],
    }
    conf = pod_resolv_conf(config=many)
    assert len(conf.nameservers) == 3
    assert len(conf.search) == 32
    label = "x" * 49
    domains = [f"{label}.{label}.{label}.{label}{i}.example" for i in range(12)]
    long = pod_resolv_conf(config={"searches": domains})
    assert len(" ".join(long.search)) <= 2048
    assert len(long.search) == 3 + 9


@pytest.mark.parametrize("value", ["five", "-1", ""])
def test_ndots_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(ResolvConfError, match="ndots is a number"):
        pod_resolv_conf(config={"options": [{"name": "ndots", "value": value}]})


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(ResolvConfError, match="use ClusterFirst, ClusterFirstWithHostNet, Default or None"):
        pod_resolv_conf(policy="ClusterLast")


def test_a_file_is_read_as_glibc_reads_it() -> None:
    text = "# of a node\nsearch a.example\nsearch b.example c\nnameserver 192.0.2.1\noptions ndots:99\n"
    conf = ResolvConf.parse(text)
    assert conf == ResolvConf(("192.0.2.1",), ("b.example", "c"), ("ndots:99",))
    assert conf.ndots == 15
    assert ResolvConf.parse("").ndots == 1


def test_what_is_written_is_read_back() -> None:
    assert ResolvConf.parse(pod_resolv_conf(host=HOST).text()) == pod_resolv_conf(host=HOST)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"search": ("a.example\nnameserver 192.0.2.9",)}, "characters other than"),
        ({"search": ("a..b",)}, "a domain is a DNS name"),
        ({"nameservers": ("ns.example",)}, "a nameserver is an address"),
        ({"nameservers": ("fe80::1%a\nb",)}, "a nameserver is an address"),
        ({"options": ("ndots:-1",)}, "ndots is a number from 0 to 15"),
        ({"options": ("ndots:x",)}, "ndots is a number from 0 to 15"),
        ({"options": ("ndots:2 use-vc",)}, "an option is one word"),
        ({"options": ("",)}, "an option is one word"),
    ],
)
def test_what_no_line_of_a_file_can_say_is_refused(wrong: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(ResolvConfError, match=words):
        ResolvConf(**wrong)


def test_one_text_is_no_list_of_domains() -> None:
    with pytest.raises(DnsOptionError, match=r"Give a list of texts, such as \['cluster.local'\]"):
        ResolvConf(search="cluster.local")  # type: ignore[arg-type]
    with pytest.raises(DnsOptionError, match=r"searches='cluster\.local' does not work"):
        pod_resolv_conf(config={"searches": "cluster.local"})


def test_an_option_without_a_name_is_refused() -> None:
    with pytest.raises(ResolvConfError, match="an option has a name"):
        pod_resolv_conf(config={"options": [{"value": "2"}]})
