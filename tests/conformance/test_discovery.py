"""What is said of the kinds that are served: discovery, OpenAPI's index and ``kubectl explain``."""

from __future__ import annotations

import pytest

from tests.conformance.documents import aggregated, document, group_versions, resources
from tests.conformance.kubectl import Kubectl
from tests.conformance.raw import Raw

APART = ("metrics.k8s.io/", "conformance.dev/")
"""Served by the embedded engine itself, and what other tests define."""


def test_both_engines_describe_their_kinds_alike(servers: tuple[Raw, Raw]) -> None:
    embedded, real = servers
    unlike = {}
    for version in group_versions(embedded):
        if version.removeprefix("apis/").startswith(APART):
            continue
        known = resources(real, version)
        unlike |= {
            f"{version}/{name}": (found, known.get(name))
            for name, found in resources(embedded, version).items()
            if found != known.get(name)
        }
    assert not unlike


def test_the_aggregated_documents_say_the_same(servers: tuple[Raw, Raw]) -> None:
    embedded, real = (aggregated(server) for server in servers)
    unlike = {
        name: (found, real.get(name))
        for name, found in embedded.items()
        if not name.startswith(APART) and found != real.get(name)
    }
    assert not unlike


def test_a_group_has_the_same_versions_in_the_same_order(servers: tuple[Raw, Raw]) -> None:
    embedded, real = ({each["name"]: each for each in document(s, "/apis")["groups"]} for s in servers)
    for name, group in embedded.items():
        if not f"{name}/".startswith(APART):
            served = [each["version"] for each in real[name]["versions"]]
            mine = [each["version"] for each in group["versions"]]
            assert mine == [each for each in served if each in mine]


def test_openapi_has_a_document_for_every_version(servers: tuple[Raw, Raw]) -> None:
    embedded, real = (document(server, "/openapi/v3")["paths"] for server in servers)
    missing = set(embedded) - set(real)
    assert not {path for path in missing if not path.removeprefix("apis/").startswith(APART)}
    for path, entry in embedded.items():
        assert entry["serverRelativeURL"].startswith(f"/openapi/v3/{path}?hash=")


@pytest.mark.parametrize(
    "path",
    [
        "pods", "pod.spec.containers.resources", "pods.spec.nodeName", "deployments.spec.selector",
        "configmaps.data", "jobs.spec.backoffLimit", "jobsets.spec.replicatedJobs",
        "customresourcedefinitions.spec.names",
    ],
)  # fmt: skip
def test_explain_prints_the_same(explained: tuple[Kubectl, Kubectl], path: str) -> None:
    embedded, real = (kubectl("explain", path) for kubectl in explained)  # no enums: ours name no values
    assert embedded == real
