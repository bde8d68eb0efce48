"""Clusters of kind's for experiments with limits, as its configuration.

Format: kind.sigs.k8s.io/docs/user/configuration, ``kind.x-k8s.io/v1alpha4``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from kubelab.limits.checks import check_whole
from kubelab.limits.errors import LimitsOptionError

KubeProxyMode = Literal["iptables", "ipvs", "nftables", "none"]

_MANY_NODES = 10
_INOTIFY = (
    '# So many nodes share one kernel\'s inotify limits, and fail with "too many open files" below:\n'
    "#   sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512\n"
)
_PROXY_METRICS = (
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n"
    "kind: KubeProxyConfiguration\n"
    "metricsBindAddress: 0.0.0.0:10249\n"
)


def kind_config(
    *,
    nodes: int = 1,
    proxy_mode: KubeProxyMode | None = None,
    feature_gates: Mapping[str, bool] | None = None,
    runtime_config: Mapping[str, str] | None = None,
    pods_per_node: int | None = None,
    open_proxy_metrics: bool = True,
) -> str:
    """Return a configuration for ``kind create cluster --config``, as YAML.

    Parameters
    ----------
    nodes : int
        The first is the control plane, which runs pods only when it is alone.
    proxy_mode : {"iptables", "ipvs", "nftables", "none"}, optional
        How kube-proxy carries Services to pods, or that there is none; kind's default unless given.
    feature_gates : mapping of str to bool, optional
        For every component of Kubernetes.
    runtime_config : mapping of str to str, optional
        APIs to serve, such as ``{"api/alpha": "true"}``.
    pods_per_node : int, optional
        kubelet's ``maxPods``, which is 110 unless given.
    open_proxy_metrics : bool
        Let kube-proxy's metrics be read through the API server, as `Cluster.limits` does.

    Raises
    ------
    LimitsOptionError
        If a number, the mode, a gate or an API makes no sense.
    """
    check_whole("nodes", nodes, 1, "A cluster has at least 1 node: give a whole number.")
    if proxy_mode is not None and proxy_mode not in get_args(KubeProxyMode):
        raise LimitsOptionError("proxy_mode", proxy_mode, f"Choose {', '.join(get_args(KubeProxyMode))}.")
    _check_values("feature_gates", feature_gates or {}, bool, "{'MemoryQoS': True}")
    _check_values("runtime_config", runtime_config or {}, str, "{'api/alpha': 'true'}")
    patches = [_PROXY_METRICS] if open_proxy_metrics and proxy_mode != "none" else []
    if pods_per_node is not None:
        check_whole("pods_per_node", pods_per_node, 1, "Give a whole number of at least 1.")
        patches.append(_max_pods(pods_per_node))
    document = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": role} for role in ["control-plane"] + ["worker"] * (nodes - 1)],
        "networking": {"kubeProxyMode": proxy_mode} if proxy_mode else None,
        "featureGates": dict(feature_gates or {}),
        "runtimeConfig": dict(runtime_config or {}),
        "kubeadmConfigPatches": patches,
    }
    text = _yaml({key: value for key, value in document.items() if value})
    return (_INOTIFY if nodes > _MANY_NODES else "") + text


def _check_values(option: str, given: Mapping[str, object], kind: type, example: str) -> None:
    """Refuse what kind does not read: a gate is on or off, and an API's value a text."""
    if not isinstance(given, Mapping) or not all(
        isinstance(name, str) and isinstance(value, kind) for name, value in given.items()
    ):
        raise LimitsOptionError(option, given, f"Give a mapping such as {example}.")


def _yaml(document: Mapping[str, object]) -> str:
    """Return YAML in which patches, texts of several lines, stand as they are."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, represent)
    return yaml.dump(dict(document), Dumper=Dumper, sort_keys=False)


def _max_pods(count: int) -> str:
    return f"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: {count}\n"
