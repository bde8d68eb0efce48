"""Configurations for kind."""

from __future__ import annotations

import pytest
import yaml

from kubelab.limits import kind_config
from kubelab.limits.errors import LimitsOptionError


def test_every_option_stands_where_kind_reads_it() -> None:
    document = yaml.safe_load(
        kind_config(
            nodes=3,
            proxy_mode="nftables",
            feature_gates={"MemoryQoS": True},
            runtime_config={"api/alpha": "true"},
            pods_per_node=250,
        )
    )
    assert (document["kind"], document["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert [node["role"] for node in document["nodes"]] == ["control-plane", "worker", "worker"]
    assert document["networking"] == {"kubeProxyMode": "nftables"}
    assert document["featureGates"] == {"MemoryQoS": True}
    assert document["runtimeConfig"] == {"api/alpha": "true"}
    proxy, kubelet = map(yaml.safe_load, document["kubeadmConfigPatches"])
    assert (proxy["kind"], proxy["metricsBindAddress"]) == ("KubeProxyConfiguration", "0.0.0.0:10249")
    assert (kubelet["kind"], kubelet["maxPods"]) == ("KubeletConfiguration", 250)


def test_what_is_not_asked_for_is_left_to_kind() -> None:
    document = yaml.safe_load(kind_config(open_proxy_metrics=False))
    assert set(document) == {"kind", "apiVersion", "nodes"}


def test_a_cluster_without_kube_proxy_has_no_settings_of_it() -> None:
    document = yaml.safe_load(kind_config(proxy_mode="none"))
    assert document["networking"] == {"kubeProxyMode": "none"}
    assert "kubeadmConfigPatches" not in document


def test_many_nodes_come_with_a_hint_at_inotify() -> None:
    assert "inotify" not in kind_config(nodes=10)
    text = kind_config(nodes=11)
    assert "fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512" in text
    assert len(yaml.safe_load(text)["nodes"]) == 11


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"nodes": 0}, "at least 1 node"),
        ({"nodes": "3"}, "a whole number"),
        ({"proxy_mode": "ebpf"}, "Choose iptables, ipvs, nftables, none"),
        ({"feature_gates": {"MemoryQoS": "yes"}}, "such as {'MemoryQoS': True}"),
        ({"runtime_config": {"api/alpha": True}}, "such as {'api/alpha': 'true'}"),
        ({"runtime_config": "api/alpha"}, "a mapping"),
        ({"pods_per_node": 2.5}, "a whole number"),
        ({"pods_per_node": 0}, "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], remedy: str) -> None:
    with pytest.raises(LimitsOptionError, match=remedy):
        kind_config(**wrong)  # type: ignore[arg-type]
