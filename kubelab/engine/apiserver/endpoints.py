"""Paths that are not objects: discovery, OpenAPI, version, health and measures."""

from __future__ import annotations

import platform
from collections.abc import Callable

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver import discovery
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.negotiation import PRODUCED, check_produced
from kubelab.engine.apiserver.requests import JSON, Reply, Request, reply
from kubelab.engine.apiserver.status import method_not_allowed, no_such_path
from kubelab.engine.apiserver.version import KUBERNETES_VERSION
from kubelab.engine.measures import CONTENT_TYPE, Measures

_CHECKS = ("ping", "log", "journal", "poststarthook/start-system-namespaces-controller")
_PRODUCED = {"api": PRODUCED, "apis": PRODUCED, "version": (JSON,)}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Endpoints:
    """Answers what no kind is served at."""

    def __init__(self, kinds: Kinds, measures: Measures) -> None:
        self.kinds = kinds
        self.measures = measures
        self._cache: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._exact: dict[str, Callable[[Request], Reply]] = {
            "/": self._paths,
            "/version": lambda _request: reply(version()),
            "/metrics": self._metrics,
            "/api": self._core,
            "/apis": self._groups,
            "/openapi/v2": self._openapi_v2,
            "/openapi/v3": self._openapi_v3_index,
        }

    def answer(self, request: Request) -> Reply:
        """Return the document at a path.

        Raises
        ------
        ApiError
            404 if there is none, 405 if it cannot be written to.
        """
        path = request.path.rstrip("/") or "/"
        exact = self._exact.get(path)
        parts = path.split("/")[1:]
        if parts[0] in _PRODUCED:
            check_produced(request.accept, _PRODUCED[parts[0]])
        if exact is None and parts[0] not in {"healthz", "livez", "readyz", "api", "apis", "openapi"}:
            raise no_such_path()
        if exact is not None:
            found = exact(request)
        elif parts[0] in {"healthz", "livez", "readyz"}:
            found = self._health(request, parts[0], "/".join(parts[1:]))
        elif parts[:2] == ["openapi", "v3"]:
            found = self._openapi_v3("/".join(parts[2:]))
        else:
            found = self._group(parts)
        if request.method not in {"GET", "HEAD"}:
            raise method_not_allowed()
        return found

    def _paths(self, _request: Request) -> Reply:
        versions = {f"/{_group_path(kind.resource.api_version)}" for kind in self.kinds.all()}
        others = [path for path in self._exact if path != "/"]
        return reply({"paths": sorted([*versions, *others, "/healthz", "/livez", "/readyz"])})

    def _metrics(self, _request: Request) -> Reply:
        return Reply(200, self.measures.text().encode(), content_type=CONTENT_TYPE)

    def _core(self, request: Request) -> Reply:
        if _wants_aggregated(request):
            return self._aggregated(core=True)
        return reply(discovery.api_versions("127.0.0.1"))

    def _groups(self, request: Request) -> Reply:
        if _wants_aggregated(request):
            return self._aggregated(core=False)
        return reply(discovery.group_list(self.kinds))

    def _aggregated(self, *, core: bool) -> Reply:
        body = self._cached(
            ("aggregated", str(core)), lambda: orjson.dumps(discovery.aggregated(self.kinds, core=core))
        )
        return Reply(200, body, content_type=discovery.AGGREGATED_MEDIA)

    def _group(self, parts: list[str]) -> Reply:
        document: Object | None = None
        if parts[0] == "api" and len(parts) == 2:
            document = discovery.resource_list(self.kinds, "", parts[1])
        elif parts[0] == "apis" and len(parts) == 2:
            document = discovery.group(self.kinds, parts[1])
        elif parts[0] == "apis" and len(parts) == 3:
            document = discovery.resource_list(self.kinds, parts[1], parts[2])
        if document is None:
            raise no_such_path()
        return reply(document)

    def _openapi_v2(self, request: Request) -> Reply:
        from kubelab.engine.apiserver import openapi

        if "proto-openapi.spec.v2" in request.accept:
            return Reply(200, openapi.V2_PROTOBUF, content_type=openapi.V2_PROTOBUF_MEDIA)
        return Reply(200, self._cached(("openapi", "v2"), lambda: openapi.v2(self.kinds), keep=False))

    def _openapi_v3_index(self, _request: Request) -> Reply:
        from kubelab.engine.apiserver import openapi

        return Reply(200, self._cached(("openapi", "v3"), lambda: openapi.v3_index(self.kinds)))

    def _openapi_v3(self, path: str) -> Reply:
        from kubelab.engine.apiserver import openapi

        group_version = path.removeprefix("apis/").removeprefix("api/")
        known = {_group_path(kind.resource.api_version) for kind in self.kinds.all()}
        if path not in known:
            raise no_such_path()
        return Reply(200, openapi.v3(self.kinds, group_version))

    def _cached(self, key: tuple[str, str], make: Callable[[], bytes], *, keep: bool = True) -> bytes:
        """Return a document made since the kinds last changed."""
        made_at, body = self._cache.get(key, (-1, b""))
        if made_at != self.kinds.generation:
            body = make()
            if keep:
                self._cache[key] = (self.kinds.generation, body)
        return body

    def _health(self, request: Request, endpoint: str, check: str) -> Reply:
        excluded = request.query.get("exclude", "")
        if check:
            if check not in _CHECKS:
                raise no_such_path()
            return Reply(200, b"ok", content_type="text/plain; charset=utf-8")
        if "verbose" not in request.query:
            return Reply(200, b"ok", content_type="text/plain; charset=utf-8")
        lines = [f"[+]{name} excluded: ok" if name == excluded else f"[+]{name} ok" for name in _CHECKS]
        text = "\n".join([*lines, f"{endpoint} check passed", ""])
        return Reply(200, text.encode(), content_type="text/plain; charset=utf-8")


def version() -> Object:
    """Return the document of ``/version``."""
    from kubelab import __version__

    major, minor = KUBERNETES_VERSION.split(".")[:2]
    machine = platform.machine()
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"v{KUBERNETES_VERSION}.0+kubelab.{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"python{platform.python_version()}",
        "platform": f"{platform.system().lower()}/{_ARCHITECTURES.get(machine, machine)}",
    }


def measure_build(measures: Measures) -> None:
    """Have what ``/version`` says told with ``measures``, as upstream does."""
    labels = ("major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version")
    names = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion")
    document = version()
    values = tuple(document[name] for name in (*names, "compiler", "platform"))
    measures.read(
        "gauge",
        "kubernetes_build_info",
        "Always 1; its labels say what runs.",
        (*labels, "compiler", "platform"),
        lambda: [(values, 1)],
    )


def _group_path(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def _wants_aggregated(request: Request) -> bool:
    """Tell whether the first media type that can be answered is the aggregated document."""
    for entry in request.accept.split(","):
        if "as=APIGroupDiscoveryList" in entry:
            if "v=v2;" in f"{entry.strip()};":
                return True
        elif entry.split(";")[0].strip() in {"application/json", "*/*", "application/*"}:
            return False
    return False
