"""A tour with real kubectl: apply on both sides, diff, and patches of every kind."""

from __future__ import annotations

import pytest

from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import deployment, pod, train_job


def replicas(kubectl: Kubectl) -> int:
    return int(kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"))


def test_apply_creates_configures_and_leaves_alone(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=deployment(replicas=3)) == "deployment.apps/web configured\n"
    assert replicas(kubectl) == 3


def test_apply_takes_away_what_the_manifest_no_longer_has(kubectl: Kubectl) -> None:
    first = deployment()
    first["metadata"]["labels"] = {"a": "1", "b": "2"}
    first["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "busybox"})
    kubectl("apply", "-f", "-", stdin=first)
    kubectl("label", "deploy", "web", "mine=yes")
    second = deployment()
    second["metadata"]["labels"] = {"b": "2"}
    kubectl("apply", "-f", "-", stdin=second)
    found = kubectl.json("get", "deploy", "web")
    assert found["metadata"]["labels"] == {"b": "2", "mine": "yes"}
    assert [item["name"] for item in found["spec"]["template"]["spec"]["containers"]] == ["main"]


def test_apply_of_a_custom_kind(kubectl: Kubectl) -> None:
    assert "created" in kubectl("apply", "-f", "-", stdin=train_job())
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=train_job())
    said = kubectl.fails("apply", "-f", "-", stdin=train_job(numNodez=3))
    assert 'strict decoding error: unknown field "spec.trainer.numNodez"' in said
    said = kubectl.fails("create", "-f", "-", stdin=train_job("other", numNodes="two"))
    assert "spec.trainer.numNodes in body must be of type integer" in said


def test_diff_shows_what_an_apply_would_change(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=deployment())
    assert kubectl.run("diff", "-f", "-", stdin=deployment()).returncode == 0
    changed = kubectl.run("diff", "-f", "-", stdin=deployment(replicas=3))
    assert changed.returncode == 1
    assert "-  replicas: 2\n+  replicas: 3" in changed.stdout
    assert replicas(kubectl) == 2


# --- server-side apply ----------------------------------------------------------------------------------


def server_side(kubectl: Kubectl, manifest: object, *args: str, manager: str = "kubectl") -> str:
    return kubectl("apply", "--server-side", f"--field-manager={manager}", "-f", "-", *args, stdin=manifest)


def test_server_side_apply_and_its_conflict(kubectl: Kubectl) -> None:
    assert server_side(kubectl, deployment()) == "deployment.apps/web serverside-applied\n"
    said = kubectl.fails(
        "apply", "--server-side", "--field-manager=robot", "-f", "-", stdin=deployment(replicas=7)
    )
    assert said.startswith('error: Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas')
    assert replicas(kubectl) == 2
    server_side(kubectl, deployment(replicas=7), "--force-conflicts", manager="robot")
    assert replicas(kubectl) == 7


def test_server_side_apply_after_a_scale_conflicts_with_the_scaler(kubectl: Kubectl) -> None:
    server_side(kubectl, deployment())
    kubectl("scale", "deploy/web", "--replicas=5")
    said = kubectl.fails("apply", "--server-side", "-f", "-", stdin=deployment())
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in said
    without = deployment()
    del without["spec"]["replicas"]
    server_side(kubectl, without)
    assert replicas(kubectl) == 5


def test_applying_again_what_the_server_writes_otherwise_changes_nothing(kubectl: Kubectl) -> None:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1000m"}}
    server_side(kubectl, manifest)
    before = kubectl.json("get", "deploy", "web")["metadata"]["resourceVersion"]
    server_side(kubectl, manifest)
    assert kubectl.json("get", "deploy", "web")["metadata"]["resourceVersion"] == before


def test_managed_fields_are_shown_on_request(kubectl: Kubectl) -> None:
    server_side(kubectl, pod())
    assert "managedFields" not in kubectl("get", "pod", "web", "-o", "yaml")
    shown = kubectl("get", "pod", "web", "-o", "yaml", "--show-managed-fields")
    assert 'k:{"containerPort":80,"protocol":"TCP"}:' in shown
    assert "operation: Apply" in shown


def test_from_client_side_to_server_side_apply(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=deployment())
    server_side(kubectl, deployment(replicas=4))
    assert replicas(kubectl) == 4
    server_side(kubectl, deployment(replicas=5))
    assert replicas(kubectl) == 5


def test_server_side_apply_leaves_what_the_server_added_after_a_client_side_one(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=pod())
    before = kubectl.json("get", "pod", "web")["spec"]
    for _ in range(2):  # the first takes over what kubectl set before, the second gives up the rest
        server_side(kubectl, pod())
    assert kubectl.json("get", "pod", "web")["spec"] == before


def test_a_kind_that_does_not_exist_is_named(kubectl: Kubectl) -> None:
    said = kubectl.fails("apply", "-f", "-", stdin={**pod(), "kind": "Podd"})
    assert 'no matches for kind "Podd" in version "v1"' in said


def test_server_side_apply_refuses_unknown_fields_with_their_path(kubectl: Kubectl) -> None:
    wrong = deployment()
    wrong["spec"]["replica"] = 3
    said = kubectl.fails("apply", "--server-side", "-f", "-", stdin=wrong)
    assert ".spec.replica: field not declared in schema" in said
    assert f"({kubectl.namespace}/web; apps/v1, Kind=Deployment)" in said


def test_server_side_diff_and_trial(kubectl: Kubectl) -> None:
    server_side(kubectl, deployment())
    changed = kubectl.run("diff", "--server-side", "-f", "-", stdin=deployment(replicas=3))
    assert "+  replicas: 3" in changed.stdout
    server_side(kubectl, deployment(replicas=3), "--dry-run=server")
    assert replicas(kubectl) == 2


def test_server_side_apply_of_a_custom_kind(kubectl: Kubectl) -> None:
    assert "serverside-applied" in server_side(kubectl, train_job())
    kubectl("patch", "trainjob", "digits", "--type=merge", "-p", '{"spec":{"suspend":true}}')
    suspended = train_job()
    suspended["spec"]["suspend"] = False
    said = kubectl.fails("apply", "--server-side", "-f", "-", stdin=suspended)
    assert 'conflict with "kubectl-patch" using trainer.kubeflow.org/v1alpha1: .spec.suspend' in said


# --- patch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:2"}]}}}}'),
        ("merge", '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:2"}]}}}}'),
        ("json", '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"nginx:2"}]'),
    ],
)
def test_three_kinds_of_patch(kubectl: Kubectl, kind: str, patch: str) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    assert kubectl("patch", "deploy", "web", f"--type={kind}", "-p", patch) == "deployment.apps/web patched\n"
    container = kubectl.json("get", "deploy", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:2"
    assert ("ports" in container) == (kind != "merge")  # a merge patch replaces the list


def test_a_patch_that_changes_nothing_is_said_to(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    assert "patched (no change)" in kubectl("patch", "deploy", "web", "-p", '{"spec":{"replicas":2}}')


def test_a_json_patch_whose_test_fails_says_which(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    patch = '[{"op":"test","path":"/metadata/labels/app","value":"other"}]'
    said = kubectl.fails("patch", "pod", "web", "--type=json", "-p", patch)
    assert said == "The request is invalid: patch: testing value /metadata/labels/app failed: test failed"


def test_a_patch_that_makes_the_object_invalid_is_refused(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    said = kubectl.fails("patch", "pod", "web", "-p", '{"spec":{"hostname":"x"}}')
    assert "spec: Forbidden: pod updates may not change fields other than" in said


def test_a_strategic_merge_patch_is_not_for_custom_kinds(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=train_job())
    said = kubectl.fails("patch", "trainjob", "digits", "--type=strategic", "-p", '{"spec":{"suspend":true}}')
    assert "application/strategic-merge-patch+json is not supported" in said


def test_subresources_are_patched_by_name(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    kubectl("patch", "deploy", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":9}}')
    assert replicas(kubectl) == 9
    kubectl(
        "patch", "deploy", "web", "--subresource=status", "-p", '{"status":{"readyReplicas":4,"replicas":4}}'
    )
    (row,) = kubectl.table("get", "deploy")
    assert row["READY"] == "4/9"
