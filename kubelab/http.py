"""A `Transport` over HTTPS to any API server, and the kubeconfig that says where it is."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from kubelab.client import Response, refusal
from kubelab.errors import ConnectionFailedError, KubelabError

if TYPE_CHECKING:
    import aiohttp

_REQUESTS_AT_ONCE = 64
_NO_LIMIT = 0
"""aiohttp's word for a connector without one."""


class KubeconfigError(KubelabError):
    """The kubeconfig lacks what was asked of it."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """Where one context's API server is, how it trusts us, and as whom we act if not as ourselves."""

    server: str
    context: str = ""
    namespace: str = "default"
    token: str = field(default="", repr=False)
    ca_pem: str = ""
    client_certificate_pem: str = ""
    client_key_pem: str = field(default="", repr=False)
    insecure: bool = False
    act_as: str = ""
    act_as_groups: tuple[str, ...] = ()

    @staticmethod
    def load(path: Path | None = None, context: str | None = None) -> Kubeconfig:
        """Read a context, the current one unless named.

        Raises
        ------
        KubeconfigError
            If the file, the context, its cluster or its user is missing.
        """
        source = path or Kubeconfig.default_path()
        if not source.exists():
            raise KubeconfigError(f"no kubeconfig at {source}. `kubelab up` writes one; or set KUBECONFIG.")
        config = yaml.safe_load(source.read_text()) or {}
        name = context or config.get("current-context", "")
        chosen = _named(config, "contexts", name, "context")
        cluster = _named(config, "clusters", chosen["cluster"], "cluster")
        user = _named(config, "users", chosen["user"], "user")
        if "exec" in user or "auth-provider" in user:
            raise KubeconfigError(
                f"user {chosen['user']!r} signs in through a plug-in, which kubelab does not run. "
                "Make a context with a token: kubectl create token …, kubectl config set-credentials …"
            )
        return Kubeconfig(
            server=cluster["server"].rstrip("/"),
            context=name,
            namespace=chosen.get("namespace", "default"),
            token=user.get("token", "") or _text(source, user, "tokenFile"),
            ca_pem=_pem(source, cluster, "certificate-authority"),
            client_certificate_pem=_pem(source, user, "client-certificate"),
            client_key_pem=_pem(source, user, "client-key"),
            insecure=bool(cluster.get("insecure-skip-tls-verify")),
            act_as=user.get("as", ""),
            act_as_groups=tuple(user.get("as-groups") or ()),
        )

    @staticmethod
    def default_path() -> Path:
        """Return where kubectl looks: the first file of ``KUBECONFIG``, else ``~/.kube/config``."""
        first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(first) if first else Path.home() / ".kube/config"

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS settings for this server."""
        context = ssl.create_default_context(cadata=self.ca_pem or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_certificate_pem:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(self.client_certificate_pem + "\n" + self.client_key_pem)
                file.flush()
                context.load_cert_chain(file.name)
        return context


class HttpTransport:
    """Requests over HTTPS with kept-alive connections; belongs to the loop that first uses it.

    A stream keeps its connection as long as it goes on, so streams have connections of their own, as many
    as there are: no number of watches makes another request wait.
    """

    def __init__(self, kubeconfig: Kubeconfig) -> None:
        self.kubeconfig = kubeconfig
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request and return its answer, whatever its status."""
        import aiohttp

        headers = {"Content-Type": content_type} if body is not None else {}
        if self._requests is None:
            self._requests = self._open(limit=_REQUESTS_AT_ONCE)
        try:
            async with self._requests.request(
                method, path, params=query, data=body, headers=headers
            ) as answer:
                return Response(answer.status, await answer.read(), answer.content_type)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionFailedError(self.kubeconfig.server, _cause(error)) from error

    async def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Yield the body of a long answer in chunks as they arrive."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        if self._streams is None:
            self._streams = self._open(limit=_NO_LIMIT)
        try:
            async with self._streams.request(method, path, params=query, timeout=timeout) as answer:
                if answer.status >= 400:
                    raise refusal(answer.status, await answer.read())
                async for chunk in answer.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionFailedError(self.kubeconfig.server, _cause(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()
        self._requests = self._streams = None

    def _open(self, *, limit: int) -> aiohttp.ClientSession:
        import aiohttp

        headers = [("Accept", "application/json")]
        if self.kubeconfig.token:
            headers.append(("Authorization", f"Bearer {self.kubeconfig.token}"))
        if self.kubeconfig.act_as:
            headers.append(("Impersonate-User", self.kubeconfig.act_as))
            headers += [("Impersonate-Group", group) for group in self.kubeconfig.act_as_groups]
        tls = self.kubeconfig.ssl_context() if self.kubeconfig.server.startswith("https") else False
        connector = aiohttp.TCPConnector(ssl=tls, limit=limit)
        return aiohttp.ClientSession(self.kubeconfig.server, headers=headers, connector=connector)


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _named(config: dict[str, Any], section: str, name: str, key: str) -> dict[str, Any]:
    entries = config.get(section) or []
    for entry in entries:
        if entry.get("name") == name:
            return entry.get(key) or {}
    known = ", ".join(sorted(entry.get("name", "") for entry in entries)) or "none"
    raise KubeconfigError(f"the kubeconfig has no {key} named {name!r}. It has: {known}.")


def _pem(source: Path, entry: dict[str, Any], key: str) -> str:
    if entry.get(f"{key}-data"):
        return base64.b64decode(entry[f"{key}-data"]).decode()
    return _text(source, entry, key)


def _text(source: Path, entry: dict[str, Any], key: str) -> str:
    return (source.parent / entry[key]).read_text().strip() if entry.get(key) else ""
