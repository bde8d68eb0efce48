"""The real control plane, run by the daemon, and kubelab's own parts as its clients over HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from kubelab.client import Client, Response
from kubelab.clock import monotonic
from kubelab.engine.apiserver.serve import Served, serve_app
from kubelab.engine.apiserver.tls import ensure_tls, write_kubeconfig
from kubelab.engine.binaries import commands
from kubelab.engine.binaries.credentials import (
    CONTROLLER_MANAGER,
    SCHEDULER,
    Credentials,
    ensure_credentials,
)
from kubelab.engine.binaries.found import Binaries
from kubelab.engine.binaries.measures import PATH, MeasuresFace
from kubelab.engine.binaries.metrics import MetricsFace
from kubelab.engine.binaries.program import Program, ProgramEndedError
from kubelab.engine.binaries.progress import ProgressReceiver
from kubelab.engine.binaries.recommendations import RecommendationsFace
from kubelab.engine.binaries.registration import (
    refuse_ephemeral_containers,
    register_metrics,
    register_recommendations,
)
from kubelab.engine.controllers.controller import Controller
from kubelab.engine.controllers.endpoints import EndpointsController
from kubelab.engine.controllers.endpointslice import EndpointSliceController
from kubelab.engine.controllers.registry import CONTROLLERS, CUSTOM_CONTROLLERS
from kubelab.engine.keeping import keep
from kubelab.engine.measures import Measures
from kubelab.engine.nodes.kubelet import KubeletFace, Node
from kubelab.engine.own_process import measure_process
from kubelab.engine.usage import UsageSource
from kubelab.errors import ConnectionFailedError, KubelabError
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.informer import Informers

_READY_S = 60.0
_POLL_S = 0.02
_PORT_ATTEMPTS = 3


class NotReadyError(KubelabError):
    """The real kube-apiserver runs but does not become ready."""

    def __init__(self, said: str, log: Path) -> None:
        self.log = log
        super().__init__(f"kube-apiserver is not ready after {_READY_S:.0f} s: {said}\nIts log is {log}.")


class BinariesControlPlane:
    """etcd and kube-apiserver, and kube-scheduler and kube-controller-manager where they are present.

    Parameters
    ----------
    state_dir : Path
        The cluster's state.
    binaries : Binaries
        Which programs there are.
    token : str
        The administrator's.
    port : int
        Where kube-apiserver listens, 0 for any port that is free.
    extra : sequence of str
        Further arguments of kube-apiserver.
    measures : Measures, optional
        What kubelab's parts measure.
    """

    def __init__(
        self,
        state_dir: Path,
        binaries: Binaries,
        *,
        token: str,
        port: int = 0,
        extra: Sequence[str] = (),
        measures: Measures | None = None,
    ) -> None:
        self.tls = ensure_tls(state_dir)
        self.url = ""
        self._state_dir = state_dir
        self._directory = state_dir / "binaries"
        self._binaries = binaries
        self._token = token
        self._port = port
        self._extra = extra
        self._measures = measures or Measures()
        self._programs: list[Program] = []
        self._keeping: list[asyncio.Task[None]] = []
        self._clients: list[Client] = []
        self._faces: list[Served] = []
        self._api_server_authority = state_dir / "tls" / "kubelet-client-ca.crt"

    @property
    def pids(self) -> list[int]:
        """The programs that run."""
        return [each.pid for each in self._programs if each.pid]

    @property
    def has_scheduler(self) -> bool:
        """Whether the real scheduler runs."""
        return self._binaries.kube_scheduler is not None

    @property
    def controllers(self) -> tuple[type[Controller], ...]:
        """Those of kubelab's controllers that upstream's do not stand in for.

        Endpoints are nobody's here: a process's loopback address is not valid in upstream's.
        """
        if self._binaries.kube_controller_manager is not None:
            return CUSTOM_CONTROLLERS
        loopback = (EndpointsController, EndpointSliceController)
        return tuple(each for each in CONTROLLERS if each not in loopback)

    @property
    def disturbance(self) -> None:
        """Nothing: what requests meet in upstream's program is not kubelab's to say."""

    async def start(self) -> None:
        """Start the programs and wait until the API answers.

        Raises
        ------
        ProgramEndedError, NotReadyError
            If one of them does not come up; none is left running then.
        """
        self._directory.mkdir(exist_ok=True, mode=0o700)
        credentials = ensure_credentials(self._state_dir, self._token)
        try:
            await self._start_etcd()
            await self._start_api(credentials)
            await self._start_clients(credentials)
        except BaseException:
            await self.stop()
            raise
        self._keeping = [asyncio.create_task(keep(each.name, each.run)) for each in self._programs]

    def client(self, user: str) -> Client:
        """Return a client that acts as a user, with an administrator's rights."""
        config = Kubeconfig(
            server=self.url,
            token=self._token,
            ca_pem=self.tls.ca.read_text(),
            act_as=user,
            act_as_groups=("system:masters",),
        )
        client = Client(HttpTransport(config), field_manager=user.removeprefix("system:"))
        self._clients.append(client)
        return client

    async def register_node(self, name: str, node: Node) -> int:
        """Serve what kube-apiserver asks a node's kubelet for; return the port."""
        face = KubeletFace(self.client(f"system:node:{name}"), node)
        served = await serve_app(face.asgi, port=0, tls=self.tls, client_ca=self._api_server_authority)
        self._faces.append(served)
        await refuse_ephemeral_containers(self.client("system:masters"))
        return served.port

    async def serve_usage(self, sources: Sequence[UsageSource], informers: Informers) -> None:
        """Serve what is known of nodes and pods to kube-apiserver, which passes requests for it on."""
        face = MetricsFace(sources, informers)
        served = await serve_app(face.asgi, port=0, tls=self.tls, client_ca=self._api_server_authority)
        self._faces.append(served)
        await register_metrics(self.client("system:masters"), served.port, self.tls)

    async def admit_recommendations(self, informers: Informers) -> None:
        """Give new pods what vertical pod autoscalers recommend for them."""
        face = RecommendationsFace(self.client("system:vpa-admission-controller"), informers)
        served = await serve_app(face.asgi, port=0, tls=self.tls)
        self._faces.append(served)
        url = f"https://127.0.0.1:{served.port}{face.path}"
        await register_recommendations(self.client("system:masters"), url, self.tls)

    async def metrics_url(self) -> str:
        """Serve what kubelab's parts measure; return the address."""
        measure_process(self._measures)
        face = MeasuresFace(self.client("system:kubelab-metrics"), self._measures)
        served = await serve_app(face.asgi, port=0, tls=self.tls)
        self._faces.append(served)
        return f"https://127.0.0.1:{served.port}{PATH}"

    async def progress_url(self) -> str:
        """Serve what trainers' pods report to; return the address."""
        receiver = ProgressReceiver(self.client("system:trainer"))
        served = await serve_app(receiver.asgi, port=0, tls=self.tls)
        self._faces.append(served)
        return f"https://127.0.0.1:{served.port}"

    async def stop(self) -> None:
        """End all of it, etcd last."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for client in self._clients:
            await client.close()
        for face in self._faces:
            await face.stop()
        for program in reversed(self._programs):
            await program.stop()

    # -- starting -----------------------------------------------------------------------------------

    async def _start_etcd(self) -> None:
        etcd = self._program(commands.etcd(self._binaries.etcd))
        await etcd.start()

    async def _start_api(self, credentials: Credentials) -> None:
        """Start kube-apiserver on the port of last time, or if that is taken on another."""
        for attempt in range(_PORT_ATTEMPTS):
            port = _free_port(0 if attempt else self._port)
            self.url = f"https://127.0.0.1:{port}"
            command = commands.kube_apiserver(
                self._binaries.kube_apiserver,
                port=port,
                tls=self.tls,
                credentials=credentials,
                extra=self._extra,
                tainting=self._binaries.kube_controller_manager is not None,
            )
            api = self._program(command)
            await api.start()
            try:
                await self._until_ready(api)
            except ProgramEndedError as error:
                if attempt == _PORT_ATTEMPTS - 1 or "address already in use" not in str(error):
                    raise
                self._programs.remove(api)
            else:
                return

    async def _until_ready(self, api: Program) -> None:
        """Wait for ``/readyz``, or for any of the programs to end."""
        ends = [asyncio.create_task(each.run()) for each in self._programs]
        ready = asyncio.create_task(self._answers(api))
        try:
            await asyncio.wait((ready, *ends), return_when=asyncio.FIRST_COMPLETED)
            for task in (*ends, ready):
                if task.done():
                    task.result()
        finally:
            for task in (*ends, ready):
                task.cancel()
            await asyncio.gather(*ends, ready, return_exceptions=True)

    async def _answers(self, api: Program) -> None:
        config = Kubeconfig(server=self.url, token=self._token, ca_pem=self.tls.ca.read_text())
        transport = HttpTransport(config)
        deadline = monotonic() + _READY_S
        said = "it did not answer"
        try:
            while monotonic() < deadline:
                try:
                    answer: Response = await transport.request("GET", "/readyz", {})
                except ConnectionFailedError as error:
                    said = error.cause
                else:
                    if answer.status == 200:
                        return
                    said = answer.body.decode(errors="replace")
                await asyncio.sleep(_POLL_S)
        finally:
            await transport.close()
        raise NotReadyError(said, api.log)

    async def _start_clients(self, credentials: Credentials) -> None:
        """Start what speaks to the API server, each with a kubeconfig of its own."""
        if self._binaries.kube_scheduler is not None:
            kubeconfig = self._kubeconfig("kube-scheduler", credentials.token_of[SCHEDULER])
            scheduler = commands.kube_scheduler(self._binaries.kube_scheduler, kubeconfig=kubeconfig)
            await self._program(scheduler).start()
        if self._binaries.kube_controller_manager is not None:
            token = credentials.token_of[CONTROLLER_MANAGER]
            manager = commands.kube_controller_manager(
                self._binaries.kube_controller_manager,
                kubeconfig=self._kubeconfig("kube-controller-manager", token),
                tls=self.tls,
                credentials=credentials,
            )
            await self._program(manager).start()

    def _kubeconfig(self, name: str, token: str) -> Path:
        path = self._directory / f"{name}.kubeconfig"
        write_kubeconfig(path, name=name, server=self.url, token=token, tls=self.tls)
        return path

    def _program(self, command: list[str]) -> Program:
        program = Program(command, self._directory)
        self._programs.append(program)
        return program


def _free_port(wanted: int) -> int:
    """Return the wanted port if it is free, else one that is."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
