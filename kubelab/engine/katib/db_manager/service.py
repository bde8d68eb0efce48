"""The gRPC service ``api.v1.beta1.DBManager``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from kubelab.engine.katib.db_manager.histories import TrialHistories, UnknownTrialError
from kubelab.engine.katib.db_manager.log import Entry, LogError, selected
from kubelab.engine.katib.db_manager.messages import MESSAGES, SERVICE
from kubelab.errors import KubelabError

PORT = 6789


class DbManager:
    """Answers what Katib's SDK and its collectors ask.

    Parameters
    ----------
    histories : TrialHistories
        What trials have reported.
    """

    def __init__(self, histories: TrialHistories) -> None:
        self.histories = histories

    async def report(self, request: Any) -> Any:
        """Add to a trial's history."""
        entries = [
            Entry(each.time_stamp, each.metric.name, each.metric.value)
            for each in request.observation_log.metric_logs
        ]
        await self.histories.append(request.trial_name, entries)
        return MESSAGES["ReportObservationLogReply"]()

    async def get(self, request: Any) -> Any:
        """Return a trial's history."""
        entries = selected(
            await self.histories.reports(request.trial_name),
            metric=request.metric_name,
            start=request.start_time,
            end=request.end_time,
        )
        reply = MESSAGES["GetObservationLogReply"]()
        reply.observation_log.SetInParent()
        for entry in entries:
            log = reply.observation_log.metric_logs.add(time_stamp=entry.time)
            log.metric.name, log.metric.value = entry.name, entry.value
        return reply

    async def delete(self, request: Any) -> Any:
        """Forget a trial's history."""
        await self.histories.delete(request.trial_name)
        return MESSAGES["DeleteObservationLogReply"]()


async def serve(manager: DbManager, address: str) -> tuple[grpc.aio.Server, int]:
    """Start the service; return it, and the port where it listens.

    Parameters
    ----------
    manager : DbManager
        Who answers.
    address : str
        ``host:port``; port 0 for a free one.
    """
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    methods = {
        f"{verb}ObservationLog": grpc.unary_unary_rpc_method_handler(
            _answering(answer),
            request_deserializer=MESSAGES[f"{verb}ObservationLogRequest"].FromString,
            response_serializer=MESSAGES[f"{verb}ObservationLogReply"].SerializeToString,
        )
        for verb, answer in (("Report", manager.report), ("Get", manager.get), ("Delete", manager.delete))
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    port = server.add_insecure_port(address)
    await server.start()
    return server, port


def _answering(answer: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    """Return a method that tells its caller what was wrong."""

    async def method(request: Any, context: Any) -> Any:
        try:
            return await answer(request)
        except UnknownTrialError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except LogError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except KubelabError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))

    return method
