"""The gRPC service ``grpcplugin.Expander``."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc

from kubelab.autoscaling.choice import Choice
from kubelab.autoscaling.service.answering import Answering
from kubelab.autoscaling.service.certificates import CertificateFiles, Identity
from kubelab.autoscaling.service.counters import Counters
from kubelab.autoscaling.service.messages import METHOD, SERVICE
from kubelab.autoscaling.service.wire import WireError, read_request, write_response
from kubelab.clock import monotonic
from kubelab.errors import KubelabError

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 128 * 1024 * 1024
"""As Cluster Autoscaler's own limit; gRPC's default of 4 MiB would refuse large clusters."""

_WORKERS = 4
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
)


class AddressError(KubelabError):
    """The service cannot listen there."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"nothing can listen at {address}: it is in use, or not this machine's.")


class ExpanderServer:
    """Answers ``BestOptions`` over TLS.

    Parameters
    ----------
    answering : Answering
        Decides.
    counters : Counters
        Counts.
    files : CertificateFiles
        What the service shows of itself; looked at again for each new connection.
    host : str
        Where to listen.
    port : int
        0 for a free one.

    Attributes
    ----------
    port : int
        Where it listens.
    address : str
        The same with the host.

    Raises
    ------
    AddressError
        If that port cannot be had.
    """

    def __init__(
        self,
        answering: Answering,
        counters: Counters,
        files: CertificateFiles,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answering = answering
        self.counters = counters
        self._server = grpc.server(ThreadPoolExecutor(_WORKERS, "expander"), options=_OPTIONS)
        # The request stays bytes until `_best_options` reads it: grpc would call a malformed one INTERNAL.
        method = grpc.unary_unary_rpc_method_handler(self._best_options)
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})]
        )
        shown = f"[{host}]" if ":" in host else host
        credentials = grpc.dynamic_ssl_server_credentials(_shown(files.identity), lambda: _renewed(files))
        try:
            self.port: int = self._server.add_secure_port(f"{shown}:{port}", credentials)
        except RuntimeError:
            raise AddressError(f"{shown}:{port}") from None
        self.address = f"{shown}:{self.port}"
        self._server.start()

    def stop(self, grace_s: float = 1.0) -> None:
        """Take no more requests, and end those that go on for longer than that."""
        self._server.stop(grace_s).wait()

    def _best_options(self, request: bytes, context: Any) -> bytes:
        began = monotonic()
        try:
            options = read_request(request)
            choice = self.answering.answer(options)
            response = write_response(choice)
        except WireError as error:
            logger.warning("a request was refused: %s", error)
            self._abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error), "invalid", began)
        except Exception:
            logger.exception("a request could not be answered")
            message = "the expander failed; its log says why"
            self._abort(context, grpc.StatusCode.INTERNAL, message, "failed", began)
        pods = sum(len(option.pods) for option in options)
        self.counters.answered(_outcome(choice), monotonic() - began, len(options), pods)
        logger.info("%d options, %d pods: %s", len(options), pods, choice.why)
        return response

    def _abort(self, context: Any, code: Any, message: str, outcome: str, began: float) -> NoReturn:
        self.counters.answered(outcome, monotonic() - began)
        context.abort(code, message)
        raise AssertionError


def _shown(identity: Identity) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(identity.key, identity.chain)])


def _renewed(files: CertificateFiles) -> grpc.ServerCertificateConfiguration | None:
    found = files.renewed()
    return None if found is None else _shown(found)


def _outcome(choice: Choice) -> str:
    return "abstained" if len(choice.kept) == len(choice.ranked) > 1 else "chosen"
