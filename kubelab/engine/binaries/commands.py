"""The command lines of the real control plane. Pure: from where things are to arguments.

Everything is private to the user: etcd listens on sockets in the state folder, kube-apiserver on
loopback with TLS and tokens, and the others on nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kubelab.engine.apiserver.tls import TlsFiles
from kubelab.engine.apiserver.tokens import API_AUDIENCE
from kubelab.engine.binaries.credentials import Credentials
from kubelab.engine.nodes.kubelet import SERVED_ADDRESS

SERVICE_RANGE = "10.96.0.0/16"
_ETCD = "unix://etcd.sock"
_ETCD_PEER = "unix://etcd-peer.sock"

_LOOPBACK_ENDPOINTS = (
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
)
"""Pods that are processes have loopback addresses, which upstream's endpoints may not hold."""


def etcd(program: Path) -> list[str]:
    """Return the command of an etcd with one member; its working directory holds sockets and data."""
    return [
        str(program),
        "--data-dir=etcd",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=default={_ETCD_PEER}",
        "--log-level=warn",
    ]


def kube_apiserver(
    program: Path,
    *,
    port: int,
    tls: TlsFiles,
    credentials: Credentials,
    tainting: bool,
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the command of kube-apiserver.

    Parameters
    ----------
    tainting : bool
        Whether new nodes are tainted as not ready: kube-controller-manager must be there to end that.
    extra : sequence of str
        Further arguments.
    """
    return [
        str(program),
        f"--etcd-servers={_ETCD}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={tls.certificate}",
        f"--tls-private-key-file={tls.key}",
        f"--token-auth-file={credentials.tokens}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={API_AUDIENCE}",
        f"--service-account-signing-key-file={credentials.account_key}",
        f"--service-account-key-file={credentials.account_public_key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--allow-privileged=true",
        f"--kubelet-preferred-address-types={SERVED_ADDRESS}",
        f"--kubelet-certificate-authority={tls.ca}",
        f"--kubelet-client-certificate={credentials.kubelet_client.certificate}",
        f"--kubelet-client-key={credentials.kubelet_client.key}",
        f"--proxy-client-cert-file={credentials.kubelet_client.certificate}",
        f"--proxy-client-key-file={credentials.kubelet_client.key}",
        *extra,
        *([] if tainting else ["--disable-admission-plugins=TaintNodesByCondition"]),
        *extra,
    ]


def kube_scheduler(program: Path, *, kubeconfig: Path, qps: int = 1000) -> list[str]:
    """Return the command of kube-scheduler.

    Parameters
    ----------
    qps : int
        How many requests a second it may send; upstream's 50 is for clusters that many share.
    """
    return [str(program), *_client(kubeconfig, qps)]


def kube_controller_manager(
    program: Path, *, kubeconfig: Path, tls: TlsFiles, credentials: Credentials, qps: int = 1000
) -> list[str]:
    """Return the command of kube-controller-manager, without what loopback addresses rule out."""
    return [
        str(program),
        *_client(kubeconfig, qps),
        "--use-service-account-credentials=true",  # the roles are bound to those
        f"--root-ca-file={tls.ca}",
        f"--service-account-private-key-file={credentials.account_key}",
        f"--controllers=*,{','.join(f'-{name}' for name in _LOOPBACK_ENDPOINTS)}",
    ]


def _client(kubeconfig: Path, qps: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--kube-api-qps={qps}",
        f"--kube-api-burst={2 * qps}",
    ]
