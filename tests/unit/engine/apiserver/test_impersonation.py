"""A client over HTTP that acts as somebody else, as a kubeconfig's ``as`` has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from kubelab.client import Client, Resource
from kubelab.clock import RealClock
from kubelab.engine.embedded import EmbeddedControlPlane
from kubelab.http import HttpTransport, Kubeconfig

REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[EmbeddedControlPlane]:
    plane = EmbeddedControlPlane(tmp_path, RealClock(), token="secret")
    await plane.start()
    yield plane
    await plane.stop()


async def test_the_user_and_groups_of_the_kubeconfig_are_acted_as(
    plane: EmbeddedControlPlane, tmp_path: Path
) -> None:
    user = {"token": "secret", "as": "system:node:one", "as-groups": ["system:masters", "system:nodes"]}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": plane.url, "certificate-authority": str(plane.tls.ca)}}
        ],
        "users": [{"name": "u", "user": user}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    client = Client(HttpTransport(Kubeconfig.load(tmp_path / "config")))
    try:
        review = {"apiVersion": REVIEWS.api_version, "kind": REVIEWS.kind}
        found = (await client.create(REVIEWS, review))["status"]["userInfo"]
    finally:
        await client.close()
    assert found["username"] == "system:node:one"
    assert {"system:masters", "system:nodes"} <= set(found["groups"])
