"""The API server: what `kubelab.engine.daemon` starts, and the way of every request through it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random

from kubelab.client import NAMESPACES, Client, Object, Resource
from kubelab.clock import Clock
from kubelab.engine.apiserver.admission import Admission
from kubelab.engine.apiserver.asgi import HttpFace, Message, Receive, Send
from kubelab.engine.apiserver.auth import Authenticator, in_process_user
from kubelab.engine.apiserver.authorization import Authorizer
from kubelab.engine.apiserver.collection import Key
from kubelab.engine.apiserver.custom_kinds import CustomKinds
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.apiserver.endpoints import Endpoints, measure_build
from kubelab.engine.apiserver.evictions import Evictions
from kubelab.engine.apiserver.expiry import EventExpiry
from kubelab.engine.apiserver.impersonation import Impersonation
from kubelab.engine.apiserver.inprocess import InProcessTransport
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.metadata import Names
from kubelab.engine.apiserver.metrics import Metrics, metrics_kinds
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.patching import Patcher
from kubelab.engine.apiserver.pod_logs import NodeHandler, PodLogs
from kubelab.engine.apiserver.pod_streams import PodStreams, StreamHandler
from kubelab.engine.apiserver.reading import Reader
from kubelab.engine.apiserver.rest import Rest
from kubelab.engine.apiserver.reviews import Reviews
from kubelab.engine.apiserver.static_users import StaticUsers
from kubelab.engine.apiserver.store import Store
from kubelab.engine.apiserver.subresources import Subresources
from kubelab.engine.apiserver.tokens import ServiceAccountTokens
from kubelab.engine.apiserver.traffic import Traffic
from kubelab.engine.apiserver.watching import Watches
from kubelab.engine.apiserver.writing import Writer
from kubelab.engine.measures import Measures
from kubelab.engine.own_process import measure_process
from kubelab.engine.usage import UsageSource

_SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class ApiServer:
    """A Kubernetes API server over a state folder.

    Parameters
    ----------
    state_dir : Path
        Where the journal and keys are.
    clock : Clock
        What time objects are created at.
    token : str
        The administrator's bearer token.
    random : Random, optional
        Source of uids and generated names; seeded where a run must be repeatable.
    measures : Measures, optional
        What ``/metrics`` tells; shared by the parts that run beside the server.
    durable : bool
        Whether objects are kept on disk, or only as long as this process.
    """

    def __init__(
        self,
        state_dir: Path,
        clock: Clock,
        *,
        token: str,
        random: Random | None = None,
        measures: Measures | None = None,
        durable: bool = True,
    ) -> None:
        measures = measures or Measures()
        measure_process(measures)
        measure_build(measures)
        traffic = Traffic(measures)
        self.kinds = Kinds()
        for kind in metrics_kinds():
            self.kinds.add(kind)
        self.store = Store(state_dir / "journal.db" if durable else None, measures)
        self.metrics = Metrics(self._labels_of, clock)
        objects = Objects(self.store, self.kinds)
        deleter = Deleter(objects, clock)
        self._custom = CustomKinds(objects, clock, deleter)
        self._expiry = EventExpiry(objects, deleter, clock)
        self._expiring: asyncio.Task[None] | None = None
        tokens = ServiceAccountTokens(state_dir / "tls" / "service-account.key", objects, clock)
        authenticator = Authenticator(token, StaticUsers(state_dir / "users.csv").verify, tokens.verify)
        authorizer = Authorizer(self.store)
        reader = Reader(self.store, clock)
        names = Names(random or Random())  # noqa: S311 - names need not be secret
        self._watches = Watches(reader, clock, traffic.events)
        self._writer = Writer(objects, clock, names, Admission(self.store, clock), authorizer)
        self._logs = PodLogs(objects)
        self._streams = PodStreams(objects, authorizer)
        patcher = Patcher(self._writer)
        subresources = Subresources(
            reader=reader,
            writer=self._writer,
            patcher=patcher,
            evictions=Evictions(objects, deleter, clock),
            logs=self._logs,
            streams=self._streams,
            tokens=tokens,
        )
        self._rest = Rest(
            self.kinds,
            self.store,
            reader=reader,
            watches=self._watches,
            writer=self._writer,
            patcher=patcher,
            deleter=deleter,
            subresources=subresources,
            endpoints=Endpoints(self.kinds, measures),
            reviews=Reviews(self.kinds, authenticator, authorizer, subresources.bindings),
            authorizer=authorizer,
            metrics=self.metrics,
            traffic=traffic,
        )
        self.disturbance = Disturbance()
        self._http = HttpFace(authenticator, Impersonation(authorizer), self._rest.handle, self.disturbance)

    async def start(self) -> None:
        """Load the journal, and make the system namespaces if they are not there.

        Raises
        ------
        JournalError
            If another process uses it.
        """
        self.store.open()
        self._custom.load()
        for name in _SYSTEM_NAMESPACES:
            await self._ensure_namespace(name)
        self._expiring = asyncio.create_task(self._expiry.run(), name="event expiry")

    async def stop(self) -> None:
        """End watches, commit what waits and let go of the journal."""
        self.end_streams()
        self._custom.stop()
        if self._expiring is not None:
            self._expiring.cancel()
        await self.store.close()

    def end_streams(self) -> None:
        """End every watch, so that connections can close."""
        self._watches.close()

    def client(self, user: str) -> Client:
        """Return an in-process client that acts as a user, such as ``system:kube-scheduler``."""
        return Client(
            InProcessTransport(self._rest.handle, in_process_user(user)),
            field_manager=user.removeprefix("system:"),
        )

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self._http(scope, receive, send)

    def register_node(self, name: str, node: NodeHandler) -> None:
        """Fetch the logs of pods on a node from ``node``, and run commands in them if it can."""
        self._logs.nodes[name] = node
        if isinstance(node, StreamHandler):
            self._streams.nodes[name] = node

    def register_usage(self, source: UsageSource) -> None:
        """Serve what ``source`` knows of nodes and pods as metrics."""
        self.metrics.sources.append(source)

    def _labels_of(self, resource: Resource, key: Key) -> Mapping[str, str] | None:
        stored = self.store.collection(resource).objects.get(key)
        return stored.labels if stored else None

    async def _ensure_namespace(self, name: str) -> None:
        kind = self.kinds.get("", "v1", NAMESPACES.plural)
        if kind is not None and self.store.collection(NAMESPACES).latest(("", name)) is None:
            namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await self._writer.insert(kind, namespace)
