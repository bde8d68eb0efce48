"""`Asking`: the service that an autoscaler asks, whose address may change while it runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from kubelab.autoscaling.errors import RemoteError
from kubelab.autoscaling.expanders.remote import Remote
from kubelab.autoscaling.option import Option

if TYPE_CHECKING:
    from kubelab.autoscaling.service.client import ExpanderClient


class Asking:
    """Keeps one connection for as long as URL and certificate stay the same."""

    def __init__(self) -> None:
        self._known: tuple[str, str] = "", ""
        self._client: ExpanderClient | None = None

    def at(self, url: str, certificate: str) -> Remote | None:
        """Return whom to ask; None where there is no URL.

        Parameters
        ----------
        url : str
            ``host:port``.
        certificate : str
            The root that the service is trusted by, as PEM.
        """
        if not url:
            return None
        if (url, certificate) != self._known:
            self.close()
            try:
                from kubelab.autoscaling.service.client import ExpanderClient
            except ModuleNotFoundError as error:
                return _Missing(error.name or "grpc")
            self._client = ExpanderClient(url, certificate)
            self._known = url, certificate
        return self._client

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
        self._client, self._known = None, ("", "")


class _Missing:
    """Stands for a service that cannot be asked from here."""

    def __init__(self, module: str) -> None:
        self.module = module

    def best(self, options: Sequence[Option]) -> Collection[str]:
        del options
        raise RemoteError(f"{self.module} is not installed: pip install 'kubelab[grpc]'")
