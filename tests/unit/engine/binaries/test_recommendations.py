"""The webhook by which the real kube-apiserver gives new pods what is recommended for them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubelab.client import DEPLOYMENTS, PODS, REPLICA_SETS, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.engine.binaries.recommendations import RecommendationsFace
from tests.unit.engine.controllers.lab import Lab, running_lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with running_lab(tmp_path) as made:
        yield made


async def ask(face: RecommendationsFace, path: str, pod: Object) -> tuple[int, Any]:
    """Show a pod to the webhook, and return the status and the answer."""
    request = {"uid": "7", "namespace": "default", "object": pod}
    body = orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    await face.asgi(scope, receive, send)
    answer = b"".join(each.get("body", b"") for each in sent)
    return sent[0]["status"], orjson.loads(answer)


async def deploy(lab: Lab) -> Object:
    """Create a Deployment with a recommendation, and return a pod as its ReplicaSet would make it."""
    labels = {"app": "web"}
    containers = [{"name": "main", "image": "x"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "web", "namespace": "default"}
    await lab.client.create(
        DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    )
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    autoscaler = {
        "apiVersion": VERTICAL_POD_AUTOSCALERS.api_version,
        "kind": "VerticalPodAutoscaler",
        "metadata": meta,
        "spec": {"targetRef": reference, "recommenders": [{"name": "by-hand"}]},
    }
    await lab.client.create(VERTICAL_POD_AUTOSCALERS, autoscaler)
    found = {"containerRecommendations": [{"containerName": "main", "target": {"cpu": "250m"}}]}
    status = {"status": {"recommendation": found}}
    await lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", status, "default", subresource="status")
    (replica_set,) = (await lab.until(REPLICA_SETS, lambda found: found or None)).values()
    owner = {"kind": "ReplicaSet", "name": replica_set["metadata"]["name"], "controller": True}
    return {
        "apiVersion": PODS.api_version,
        "kind": "Pod",
        "metadata": {"generateName": "web-", "ownerReferences": [owner]},
        "spec": {"containers": containers},
    }


async def test_pod_is_patched_even_if_no_cache_knows_its_owner_yet(lab: Lab) -> None:
    face = RecommendationsFace(lab.client, lab.informers)
    pod = await deploy(lab)
    await lab.until(VERTICAL_POD_AUTOSCALERS, lambda found: found["web"].get("status"))
    lab.informers.of(REPLICA_SETS).objects.clear()
    status, answer = await ask(face, face.path, pod)
    assert (status, answer["response"]["uid"], answer["response"]["allowed"]) == (200, "7", True)
    patch = orjson.loads(base64.b64decode(answer["response"]["patch"]))
    assert patch[1] == {
        "op": "add",
        "path": "/spec/containers/0/resources",
        "value": {"requests": {"cpu": "250m"}},
    }
    assert patch[0]["path"] == "/metadata/annotations"


async def test_pod_of_others_and_one_that_makes_no_sense_are_admitted_as_they_are(lab: Lab) -> None:
    face = RecommendationsFace(lab.client, lab.informers)
    pod = await deploy(lab)
    await lab.until(VERTICAL_POD_AUTOSCALERS, lambda found: found["web"].get("status"))
    for other in ({**pod, "metadata": {"name": "bare"}}, {**pod, "spec": {}}):
        _, answer = await ask(face, face.path, other)
        assert answer["response"] == {"uid": "7", "allowed": True}


async def test_nobody_is_answered_who_does_not_know_the_path(lab: Lab) -> None:
    face = RecommendationsFace(lab.client, lab.informers)
    status, _ = await ask(face, "/recommended-pods/guessed", {"metadata": {}})
    assert status == 404
