import pytest

from kubelab.client import Object
from kubelab.engine.controllers.statefulset.identity import build_pod, claims_of, is_stale, owners_wanted
from tests.unit.engine.controllers.objects import uid
from tests.unit.engine.controllers.statefulset.world import stateful_set


def with_claims(when_deleted: str = "Retain", when_scaled: str = "Retain") -> Object:
    template = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    policy = {"whenDeleted": when_deleted, "whenScaled": when_scaled}
    return stateful_set(2, volumeClaimTemplates=[template], persistentVolumeClaimRetentionPolicy=policy)


def pod_of(owner: Object, ordinal: int) -> Object:
    pod = build_pod(owner, owner["spec"]["template"], "web-1", ordinal)
    pod["metadata"]["uid"] = uid()
    return pod


def test_each_pod_has_claims_of_its_own() -> None:
    web = with_claims()
    (claim,) = claims_of(web, 1).values()
    assert claim["metadata"] == {"name": "data-web-1", "namespace": "default", "labels": {"app": "web"}}
    (volume,) = pod_of(web, 1)["spec"]["volumes"]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}


@pytest.mark.parametrize(
    ("when_deleted", "when_scaled", "ordinal", "owner"),
    [
        ("Retain", "Retain", 0, None),
        ("Retain", "Retain", 5, None),
        ("Delete", "Retain", 0, "StatefulSet"),
        ("Delete", "Retain", 5, "StatefulSet"),
        ("Retain", "Delete", 0, None),
        ("Retain", "Delete", 5, "Pod"),
        ("Delete", "Delete", 0, "StatefulSet"),
        ("Delete", "Delete", 5, "Pod"),
    ],
)
def test_a_claim_goes_with_its_owner(
    when_deleted: str, when_scaled: str, ordinal: int, owner: str | None
) -> None:
    web = with_claims(when_deleted, when_scaled)
    pod = pod_of(web, ordinal)
    (claim,) = claims_of(web, ordinal).values()
    references = owners_wanted(web, pod, claim)
    assert [each["kind"] for each in references or []] == ([owner] if owner else [])
    claim["metadata"]["ownerReferences"] = references or []
    assert owners_wanted(web, pod, claim) is None


def test_a_claim_that_somebody_else_controls_is_left_to_them() -> None:
    web = with_claims("Delete", "Retain")
    (claim,) = claims_of(web, 0).values()
    theirs = {"apiVersion": "v1", "kind": "Backup", "name": "b", "uid": uid(), "controller": True}
    claim["metadata"]["ownerReferences"] = [theirs]
    assert owners_wanted(web, pod_of(web, 0), claim) is None


def test_a_claim_of_a_pod_that_is_no_more_is_stale() -> None:
    web = with_claims("Retain", "Delete")
    (claim,) = claims_of(web, 5).values()
    claim["metadata"]["ownerReferences"] = owners_wanted(web, pod_of(web, 5), claim)
    assert is_stale("web-5", claim)
    assert owners_wanted(web, pod_of(web, 5), claim) is None
