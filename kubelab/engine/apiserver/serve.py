"""The server's socket: uvicorn on loopback, over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import uvicorn

from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.apiserver.asgi import Message, Receive, Send
from kubelab.engine.apiserver.corked import CorkedProtocol
from kubelab.engine.apiserver.patience import Patience, WatchedProtocol
from kubelab.engine.apiserver.tls import TlsFiles
from kubelab.errors import KubelabError

Application = Callable[[Message, Receive, Send], Awaitable[None]]

_BACKLOG = 512
_KEEP_ALIVE_S = 3600
_GRACE_S = 2
_PATIENCE = Patience()


class PortTakenError(KubelabError):
    """The port is in use."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} of 127.0.0.1 is in use. Choose another, or 0 for any that is free.")


class Served:
    """A listening server.

    Attributes
    ----------
    port : int
        Where it listens on 127.0.0.1.
    """

    def __init__(
        self, uvicorn_server: uvicorn.Server, listener: socket.socket, end_streams: Callable[[], None]
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self._end_streams = end_streams
        self._uvicorn = uvicorn_server
        self._listener = listener
        self._task = asyncio.create_task(uvicorn_server.serve([listener]), name="serve")

    async def stop(self) -> None:
        """End watches, finish requests under way and close the connections."""
        self._end_streams()
        self._uvicorn.should_exit = True
        await self._task
        self._listener.close()


class _Server(uvicorn.Server):
    """Uvicorn that leaves the process's signals alone and lets go of clients that are too slow."""

    def __init__(self, config: uvicorn.Config, patience: Patience) -> None:
        super().__init__(config)
        self._patience = patience

    async def on_tick(self, counter: int) -> bool:
        """Let go of slow clients about once a second; uvicorn calls this ten times."""
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, WatchedProtocol) and connection.is_late(self._patience):
                    connection.transport.abort()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _websocket_protocol(*args: Any, **options: Any) -> asyncio.Protocol:
    """Make uvicorn's WebSocket protocol, imported by the first who asks for one."""
    from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

    return WSProtocol(*args, **options)


async def serve(server: ApiServer, *, port: int, tls: TlsFiles, patience: Patience = _PATIENCE) -> Served:
    """Serve the API on 127.0.0.1; port 0 takes a free one.

    Raises
    ------
    PortTakenError
        If something else listens there.
    """
    return await serve_app(server.asgi, port=port, tls=tls, end_streams=server.end_streams, patience=patience)


async def serve_app(
    app: Application,
    *,
    port: int,
    tls: TlsFiles,
    client_ca: Path | None = None,
    end_streams: Callable[[], None] = lambda: None,
    patience: Patience = _PATIENCE,
) -> Served:
    """Serve any application on 127.0.0.1.

    Parameters
    ----------
    client_ca : Path, optional
        The authority of the only clients that are let in.
    end_streams : callable
        Ends answers that would go on, before the server stops.
    patience : Patience
        How long clients may take to say what they want.

    Raises
    ------
    PortTakenError
        If something else listens there.
    """
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=CorkedProtocol,
        ws=cast("type[asyncio.Protocol]", _websocket_protocol),
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        loop="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=str(tls.certificate),
        ssl_keyfile=str(tls.key),
        ssl_ca_certs=str(client_ca) if client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE,
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTakenError(port) from error
    listener.listen(_BACKLOG)
    uvicorn_server = _Server(config, patience)
    served = Served(uvicorn_server, listener, end_streams)
    while not uvicorn_server.started:
        if served._task.done():  # noqa: SLF001 - its own class
            await served._task  # noqa: SLF001 - its own class
        await asyncio.sleep(0.001)
    return served
