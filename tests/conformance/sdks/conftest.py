"""The Kubeflow SDK, KatibClient and the official client, each as published, on a whole lab cluster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelab import portal
from kubelab.client import NAMESPACES
from kubelab.cluster import Cluster
from tests.conformance.sdks.environment import IndexUnreachableError, environment
from tests.conformance.sdks.sdk import Sdk
from tests.conftest import Lab

HERE = Path(__file__).parent
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(session_lab: Lab) -> Iterator[Cluster]:
    with Cluster.from_context(kubeconfig=session_lab.home / "lab" / "kubeconfig") as reached:
        yield reached


@pytest.fixture(scope="session")
def sdk(
    session_lab: Lab, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sdk]:
    """Kubeflow SDK 0.5, kubeflow-katib 0.19, kubeflow-training 1.9 and the client 35 that they need."""
    yield from _started("requirements.txt", session_lab, pytestconfig, tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="session")
def newest(
    session_lab: Lab, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sdk]:
    """The newest official client alone: the SDKs do not run on it yet."""
    yield from _started("newest.txt", session_lab, pytestconfig, tmp_path_factory.mktemp("newest"))


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    name = f"sdk-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    portal.run(cluster.client.create(NAMESPACES, body))
    return name


def _started(requirements: str, lab: Lab, config: pytest.Config, home: Path) -> Iterator[Sdk]:
    reporter = config.pluginmanager.getplugin("terminalreporter")
    try:
        python = environment(HERE / requirements, reporter.write_line if reporter else print)
    except IndexUnreachableError as error:
        pytest.skip(str(error))
    with Sdk(python, lab.home / "lab" / "kubeconfig", home) as started:
        yield started
