"""exec and attach over a WebSocket: one byte of channel, then data (KEP-4006, ``v5.channel.k8s.io``).

Channels are those of upstream's ``remotecommand`` package: 0 to 2 are the standard streams, 3 says at last
how the command ended, 4 sets the terminal's size; in version 5, 255 closes the channel that it names.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.pod_streams import PodSession, StreamOptions
from kubelab.engine.apiserver.status import internal
from kubelab.engine.apiserver.websocket import WebSocket
from kubelab.errors import ApiError

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _ERROR, _RESIZE, _CLOSE = 0, 3, 4, 255
_CHANNELS = {"stdout": 1, "stderr": 2}
_MAX_WAITING = 256
"""Messages that wait for a command to read them before the client has to wait too."""


async def serve_session(
    socket: WebSocket, start: Callable[[], Awaitable[PodSession]], options: StreamOptions
) -> None:
    """Carry a session's streams until the command or the client has ended."""
    try:
        session = await start()
    except ApiError as error:
        await _finish(socket, error.status)
        return
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MAX_WAITING)
    sending = asyncio.create_task(_send(socket, session, options))
    gone = asyncio.create_task(_receive(socket, waiting))
    typing = asyncio.create_task(_type(session, waiting))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await _finish(socket, sending.result())
    finally:
        for task in (sending, gone, typing):
            task.cancel()
        await asyncio.gather(sending, gone, typing, return_exceptions=True)
        await session.close()


async def _finish(socket: WebSocket, status: Object) -> None:
    await socket.send(bytes((_ERROR,)) + orjson.dumps(status))
    await socket.close()


async def _send(socket: WebSocket, session: PodSession, options: StreamOptions) -> Object:
    wanted = {"stdout": options.stdout, "stderr": options.stderr}
    async for stream, data in session.output():
        if wanted[stream]:
            await socket.send(bytes((_CHANNELS[stream],)) + data)
    return outcome(await session.exit_code(), options.command)


async def _receive(socket: WebSocket, waiting: asyncio.Queue[bytes | None]) -> None:
    while (message := await socket.receive()) is not None:
        if message:
            await waiting.put(message)


async def _type(session: PodSession, waiting: asyncio.Queue[bytes | None]) -> None:
    while message := await waiting.get():
        channel, data = message[0], message[1:]
        if channel == _STDIN:
            await session.write(data)
        elif channel == _RESIZE:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                size = orjson.loads(data)
                session.resize(_cells(size["Width"]), _cells(size["Height"]))
        elif channel == _CLOSE and data[:1] == bytes((_STDIN,)):
            session.close_stdin()


def _cells(count: object) -> int:
    return min(max(int(str(count)), 0), 0xFFFF)


def outcome(code: int | None, command: tuple[str, ...]) -> Object:
    """Return the ``Status`` that says how a command ended (``pkg/kubelet/.../remotecommand`` of 1.37)."""
    if code is None:
        return internal(RuntimeError("error executing command in container: its pod has ended")).status
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    how = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {how}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
