"""Asks an expander service, as Cluster Autoscaler does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

import grpc

from kubelab.autoscaling.errors import RemoteError
from kubelab.autoscaling.option import Option
from kubelab.autoscaling.service.messages import METHOD, SERVICE
from kubelab.autoscaling.service.wire import WireError, read_response, write_request

TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = 128 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
)


class ExpanderClient:
    """A connection to a service; it is made when it is first used, so the service may start later.

    Parameters
    ----------
    url : str
        ``host:port``; the host must stand in the service's certificate.
    certificate : str
        The root that it is trusted by, as PEM; a self-signed certificate is its own.
    timeout_s : float
        How long to wait for an answer.
    """

    def __init__(self, url: str, certificate: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url
        self.timeout_s = timeout_s
        credentials = grpc.ssl_channel_credentials(certificate.encode())
        self._channel = grpc.secure_channel(url, credentials, options=_OPTIONS)
        self._call = self._channel.unary_unary(f"/{SERVICE}/{METHOD}")

    def best(self, options: Sequence[Option]) -> Collection[str]:
        """Return the node groups that the service names; this blocks.

        Raises
        ------
        RemoteError
            If it does not answer in time, answers with an error, or cannot be trusted.
        """
        try:
            return list(read_response(self._call(write_request(options), timeout=self.timeout_s)))
        except grpc.RpcError as error:
            raise RemoteError(f"{self.url}: {error.code().name}, {error.details()}") from None
        except WireError as error:
            raise RemoteError(f"{self.url}: {error}") from None

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
