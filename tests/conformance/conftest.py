"""The engines that the suite runs on, and real kubectl on each."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conformance.differences import DIFFERENCES
from tests.conformance.engines import made_for, served
from tests.conformance.kubectl import Kubectl
from tests.conformance.raw import Raw
from tests.conftest import Lab
from tests.realapi import build

_numbers = itertools.count(1)


@pytest.fixture(scope="session", params=["embedded", "binaries"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    name: str = request.param
    if name == "binaries":
        try:
            build.assets()
        except build.UnavailableError as error:
            pytest.skip(str(error))
    return name


@pytest.fixture(autouse=True)
def known_difference(request: pytest.FixtureRequest) -> None:
    """Expect the failures that `DIFFERENCES` has a reason for, and no others."""
    if "engine" in request.fixturenames and request.getfixturevalue("engine") == "binaries":
        reason = DIFFERENCES.get(request.node.originalname)
        if reason:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(scope="session")
def api(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """The API server without controllers, scheduler and nodes: nothing changes but what kubectl changes."""
    with served(engine, tmp_path_factory.mktemp("apiserver")) as kubeconfig:
        yield Kubectl(kubeconfig, tmp_path_factory.mktemp("kubectl-home"))


@pytest.fixture
def kubectl(api: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace with the service account that a controller would make."""
    namespace = f"tour-{next(_numbers)}"
    api("create", "namespace", namespace)
    api("create", "serviceaccount", "default", f"--namespace={namespace}")
    return Kubectl(api.kubeconfig, api.home, namespace)


@pytest.fixture
def in_cluster(engine_lab: Lab, tmp_path: Path) -> Kubectl:
    """Real kubectl, in a new namespace of the whole cluster, once pods can be made there."""
    kubeconfig = engine_lab.home / "lab" / "kubeconfig"
    namespace = f"cluster-{os.getpid()}-{next(_numbers)}"
    Kubectl(kubeconfig, tmp_path)("create", "namespace", namespace)
    kubectl = Kubectl(kubeconfig, tmp_path, namespace)
    kubectl("wait", "serviceaccount/default", "--for=create", "--timeout=30s")
    return kubectl


@pytest.fixture(scope="session")
def engine_lab(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The home of a whole cluster called ``lab``."""
    with made_for(engine, tmp_path_factory.mktemp("home")) as shared:
        shared.up("lab", "--engine", engine)
        yield shared


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Raw, Raw]]:
    """The embedded API server and the real one."""
    try:
        build.assets()
    except build.UnavailableError as error:
        pytest.skip(str(error))
    with ExitStack() as stack:
        embedded, real = (
            Raw(stack.enter_context(served(engine, tmp_path_factory.mktemp(engine))))
            for engine in ("embedded", "binaries")
        )
        yield embedded, real


@pytest.fixture(scope="session")
def explained(servers: tuple[Raw, Raw], tmp_path_factory: pytest.TempPathFactory) -> tuple[Kubectl, Kubectl]:
    """Real kubectl against each of the two."""
    embedded, real = servers
    return (
        Kubectl(embedded.kubeconfig, tmp_path_factory.mktemp("embedded-home")),
        Kubectl(real.kubeconfig, tmp_path_factory.mktemp("real-home")),
    )
