"""What the real control plane's parts know each other by; files that only the user can read."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from kubelab.engine.apiserver.tls import TlsFiles, ensure_client_tls, write_private

SCHEDULER = "system:kube-scheduler"
CONTROLLER_MANAGER = "system:kube-controller-manager"
ADMINISTRATOR = "kubernetes-admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The files, and the tokens by user.

    Attributes
    ----------
    tokens : Path
        ``--token-auth-file`` of kube-apiserver.
    account_key, account_public_key : Path
        What service account tokens are signed with and verified by.
    kubelet_client : TlsFiles
        kube-apiserver, as nodes and the metrics server know it.
    token_of : dict of str to str
        Each user's token.
    """

    tokens: Path
    account_key: Path
    account_public_key: Path
    kubelet_client: TlsFiles
    token_of: dict[str, str]


def ensure_credentials(state_dir: Path, administrator_token: str) -> Credentials:
    """Return the credentials of a cluster, made the first time; the parts' tokens are renewed."""
    folder = state_dir / "tls"
    token_of = {
        ADMINISTRATOR: administrator_token,
        **{user: secrets.token_urlsafe(32) for user in (SCHEDULER, CONTROLLER_MANAGER)},
    }
    found = Credentials(
        folder / "tokens.csv",
        folder / "service-account.key",
        folder / "service-account.pub",
        ensure_client_tls(state_dir, "kubelet-client"),
        token_of,
    )
    groups = {ADMINISTRATOR: ("system:masters",)}
    rows = [(token, user, user, *groups.get(user, ())) for user, token in token_of.items()]
    write_private(found.tokens, "".join(",".join(row) + "\n" for row in rows).encode())
    if not found.account_public_key.exists():
        _make_account_keys(found)
    return found


def _make_account_keys(files: Credentials) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_private(files.account_key, private)
    write_private(files.account_public_key, public)
