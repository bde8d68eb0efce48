"""A tour with real kubectl: reading, creating, changing and deleting on the API server alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import deployment, pod, train_job

AGE = re.compile(r"\d+[smhd]")


# --- what the server is ---------------------------------------------------------------------------------


def test_version_and_cluster_info(api: Kubectl) -> None:
    version = api.json("version")
    assert version["serverVersion"]["minor"] == version["clientVersion"]["minor"] == "37"
    assert "Kubernetes control plane is running at" in api("cluster-info")
    assert api("get", "--raw", "/healthz") == "ok"
    assert "readyz check passed" in api("get", "--raw", "/readyz?verbose")


def test_who_one_is_and_what_one_may(api: Kubectl) -> None:
    assert "system:masters" in api("auth", "whoami")
    assert api("auth", "can-i", "delete", "pods").strip() == "yes"


def test_api_versions_and_resources(api: Kubectl) -> None:
    versions = api("api-versions").split()
    for version in ("v1", "apps/v1", "batch/v1", "trainer.kubeflow.org/v1alpha1", "jobset.x-k8s.io/v1alpha2"):
        assert version in versions
    rows = {row["NAME"]: row for row in api.table("api-resources")}
    assert rows["deployments"] == {
        "NAME": "deployments",
        "SHORTNAMES": "deploy",
        "APIVERSION": "apps/v1",
        "NAMESPACED": "true",
        "KIND": "Deployment",
    }
    assert rows["trainjobs"]["KIND"] == "TrainJob"
    assert rows["nodes"]["NAMESPACED"] == "false"


def test_explain_of_built_in_and_custom_kinds(api: Kubectl) -> None:
    assert "containerPort\t<integer> -required-" in api("explain", "pod.spec.containers.ports")
    assert "maxUnavailable\t<IntOrString>" in api("explain", "deploy.spec.strategy", "--recursive")
    assert "numNodes\t<integer>" in api("explain", "trainjob.spec.trainer")
    assert "GROUP:      jobset.x-k8s.io" in api("explain", "jobset", "--recursive")
    assert 'field "nope" does not exist' in api.fails("explain", "pod.spec.nope")


def test_what_does_not_exist_is_said_in_kubectls_words(kubectl: Kubectl) -> None:
    assert kubectl.fails("get", "pod", "a", "b").splitlines() == [
        'Error from server (NotFound): pods "a" not found',
        'Error from server (NotFound): pods "b" not found',
    ]
    assert kubectl.fails("get", "foo") == 'error: the server doesn\'t have a resource type "foo"'
    assert kubectl.run("get", "pods").stderr == f"No resources found in {kubectl.namespace} namespace.\n"


# --- get ------------------------------------------------------------------------------------------------


def test_get_prints_the_table_of_the_server(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    (row,) = kubectl.table("get", "pods")
    assert AGE.fullmatch(row.pop("AGE"))
    assert row == {"NAME": "web", "READY": "0/1", "STATUS": "Pending", "RESTARTS": "0"}
    (row,) = kubectl.table("get", "pods", "-o", "wide")
    assert list(row)[5:] == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
    (row,) = kubectl.table("get", "pods", "--show-labels")
    assert row["LABELS"] == "app=web"
    (row,) = kubectl.table("get", "pods", "-L", "app")
    assert row["APP"] == "web"
    rows = kubectl.table("get", "pods", "--all-namespaces")
    assert {"NAMESPACE": kubectl.namespace, "NAME": "web"}.items() <= rows[-1].items()


def test_get_in_other_formats(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    assert kubectl.json("get", "pod", "web")["spec"]["containers"][0]["image"] == "nginx"
    assert "terminationMessagePath: /dev/termination-log" in kubectl("get", "pod", "web", "-o", "yaml")
    assert kubectl("get", "pod", "web", "-o", "jsonpath={.spec.containers[0].ports[*].containerPort}") == "80"
    assert kubectl(
        "get", "pods", "-o", "custom-columns=N:.metadata.name,I:.spec.containers[*].image"
    ).split() == [
        "N",
        "I",
        "web",
        "nginx",
    ]
    assert kubectl("get", "pods", "-o", "name") == "pod/web\n"
    assert kubectl("get", "pods", "-o", "go-template={{range .items}}{{.metadata.name}}{{end}}") == "web"


def test_get_selects(kubectl: Kubectl) -> None:
    for name, tier in (("a", "front"), ("b", "back"), ("c", "back")):
        kubectl("create", "-f", "-", stdin=pod(name, tier=tier))

    def names(*selectors: str) -> list[str]:
        return kubectl("get", "pods", "-o", "name", *selectors).split()

    assert names("-l", "tier=back") == ["pod/b", "pod/c"]
    assert names("-l", "tier in (front), tier!=back") == ["pod/a"]
    assert names("-l", "!tier") == []
    assert names("--field-selector", "metadata.name=b") == ["pod/b"]
    assert names("--field-selector", "status.phase!=Pending") == []
    assert names("--chunk-size", "1") == ["pod/a", "pod/b", "pod/c"]
    assert names("--sort-by", "{.metadata.labels.tier}")[-1] == "pod/a"
    assert "field label not supported: spec.foo" in kubectl.fails(
        "get", "pods", "--field-selector", "spec.foo=1"
    )


def test_get_watches(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    watch = kubectl.start("get", "pods", "--watch", "--output-watch-events")
    assert watch.stdout is not None
    assert watch.stdout.readline().split()[:2] == ["EVENT", "NAME"]
    assert watch.stdout.readline().split()[:4] == ["ADDED", "web", "0/1", "Pending"]
    kubectl("label", "pod", "web", "seen=yes")
    assert watch.stdout.readline().split()[:2] == ["MODIFIED", "web"]
    kubectl("delete", "pod", "web")
    assert watch.stdout.readline().split()[:2] == ["DELETED", "web"]
    watch.terminate()
    watch.wait(10)


@pytest.mark.parametrize(
    "kind", ["nodes", "sc,pc,ns,crd,pv", "all,cm,secret,sa,role,pdb,hpa,ing,ev,pvc,quota,cj"]
)
def test_every_kind_has_a_table(kubectl: Kubectl, kind: str) -> None:
    kubectl("get", kind, "-o", "wide")


# --- create ---------------------------------------------------------------------------------------------


def test_create_and_its_refusals(kubectl: Kubectl) -> None:
    assert kubectl("create", "-f", "-", stdin=pod()) == "pod/web created\n"
    assert 'pods "web" already exists' in kubectl.fails("create", "-f", "-", stdin=pod())
    wrong = pod("wrong")
    wrong["spec"]["containers"][0]["imagePullPolice"] = "Always"
    said = kubectl.fails("create", "-f", "-", stdin=wrong)
    assert 'strict decoding error: unknown field "spec.containers[0].imagePullPolice"' in said
    wrong = pod("Wrong_Name")
    assert 'The Pod "Wrong_Name" is invalid: metadata.name: Invalid value: "Wrong_Name"' in kubectl.fails(
        "create", "-f", "-", stdin=wrong
    )
    assert 'namespaces "nowhere" not found' in kubectl.fails(
        "create", "-n", "nowhere", "-f", "-", stdin=pod()
    )


def test_create_for_trial_only(kubectl: Kubectl) -> None:
    shown = kubectl("create", "-f", "-", "--dry-run=server", "-o", "yaml", stdin=pod())
    assert "schedulerName: default-scheduler" in shown
    assert "not found" in kubectl.fails("get", "pod", "web")


@pytest.mark.parametrize(
    ("args", "made"),
    [
        (("configmap", "c", "--from-literal=a=b"), "configmap/c"),
        (("secret", "generic", "s", "--from-literal=a=b"), "secret/s"),
        (("job", "j", "--image=busybox", "--", "echo", "hi"), "job.batch/j"),
        (("cronjob", "cj", "--image=busybox", "--schedule=* * * * *"), "cronjob.batch/cj"),
        (("deployment", "d", "--image=nginx", "--replicas=3", "--port=80"), "deployment.apps/d"),
        (("service", "clusterip", "svc", "--tcp=80:8080"), "service/svc"),
        (("serviceaccount", "sa"), "serviceaccount/sa"),
        (("role", "r", "--verb=get", "--resource=pods"), "role.rbac.authorization.k8s.io/r"),
        (("rolebinding", "rb", "--role=r", "--user=ann"), "rolebinding.rbac.authorization.k8s.io/rb"),
        (("quota", "q", "--hard=pods=3,cpu=2"), "resourcequota/q"),
        (
            ("poddisruptionbudget", "b", "--selector=a=b", "--min-available=50%"),
            "poddisruptionbudget.policy/b",
        ),
        (("ingress", "i", "--rule=lab.example/x=svc:80"), "ingress.networking.k8s.io/i"),
    ],
)
def test_create_by_generator(kubectl: Kubectl, args: tuple[str, ...], made: str) -> None:
    """These commands send protobuf."""
    assert kubectl("create", *args) == f"{made} created\n"
    assert kubectl("get", made, "-o", "name") == f"{made}\n"


def test_generated_objects_hold_what_was_said(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=b", "--from-literal=c=")
    assert kubectl.json("get", "cm", "c")["data"] == {"a": "b", "c": ""}
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    assert kubectl.json("get", "secret", "s")["data"] == {"a": "Yg=="}
    kubectl("create", "cronjob", "cj", "--image=busybox", "--schedule=* * * * *", "--", "echo", "hi")
    kubectl("create", "job", "now", "--from=cronjob/cj")
    job = kubectl.json("get", "job", "now")
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["echo", "hi"]
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    kubectl("create", "deployment", "d", "--image=nginx", "--replicas=0")
    assert kubectl.json("get", "deploy", "d")["spec"]["replicas"] == 0
    kubectl("create", "serviceaccount", "robot")
    assert kubectl("create", "token", "robot").count(".") == 2
    assert kubectl("run", "p", "--image=busybox", "--env=A=b", "--labels=x=y") == "pod/p created\n"


# --- change ---------------------------------------------------------------------------------------------


def test_label_and_annotate(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    assert kubectl("label", "pod", "web", "x=1") == "pod/web labeled\n"
    assert "'x' already has a value (1), and --overwrite is false" in kubectl.fails(
        "label", "pod", "web", "x=2"
    )
    kubectl("label", "pod", "web", "x=2", "--overwrite")
    assert kubectl("annotate", "pod", "web", "note=hello") == "pod/web annotated\n"
    kubectl("label", "pod", "web", "app-")
    metadata = kubectl.json("get", "pod", "web")["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"x": "2"}, {"note": "hello"})
    assert "metadata.labels: Invalid value" in kubectl.fails("label", "pod", "web", "bad/label/x=1")


def test_replace_refuses_what_is_stale(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    old = kubectl("get", "pod", "web", "-o", "yaml")
    assert kubectl("replace", "-f", "-", stdin=old.replace("app: web", "app: new")) == "pod/web replaced\n"
    assert "the object has been modified" in kubectl.fails("replace", "-f", "-", stdin=old)
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(old)
    assert "pod/web replaced" in kubectl("replace", "--force", "-f", str(manifest))


def test_edit(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/app: web/app: edited/" "$1"\n')
    editor.chmod(0o755)
    assert kubectl("edit", "pod", "web", EDITOR=str(editor)) == "pod/web edited\n"
    assert kubectl.json("get", "pod", "web")["metadata"]["labels"] == {"app": "edited"}


def test_scale_and_other_verbs_on_deployments(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    assert kubectl("scale", "deploy/web", "--replicas=5") == "deployment.apps/web scaled\n"
    assert "Expected replicas to be 3, was 5" in kubectl.fails(
        "scale", "deploy/web", "--replicas=1", "--current-replicas=3"
    )
    kubectl("set", "image", "deploy/web", "main=nginx:2")
    kubectl("set", "env", "deploy/web", "A=b")
    kubectl("rollout", "restart", "deploy/web")
    spec = kubectl.json("get", "deploy", "web")["spec"]
    assert spec["replicas"] == 5
    container = spec["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("nginx:2", [{"name": "A", "value": "b"}])
    kubectl("autoscale", "deploy", "web", "--min=1", "--max=3", "--cpu=50%")
    (row,) = kubectl.table("get", "hpa")
    assert (row["REFERENCE"], row["TARGETS"]) == ("Deployment/web", "cpu: <unknown>/50%")
    kubectl("expose", "deploy", "web", "--port=80")
    (row,) = kubectl.table("get", "svc", "-o", "wide")
    assert (row["TYPE"], row["PORT(S)"], row["SELECTOR"]) == ("ClusterIP", "80/TCP", "app=web")


def test_taint_cordon_and_drain(kubectl: Kubectl) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": kubectl.namespace}}
    kubectl("create", "-f", "-", stdin=node)
    kubectl("taint", "node", kubectl.namespace, "a=b:NoSchedule")
    kubectl("cordon", kubectl.namespace)
    (row,) = kubectl.table("get", "node", kubectl.namespace)
    assert row["STATUS"] == "Unknown,SchedulingDisabled"
    assert "node/" in kubectl("drain", kubectl.namespace)
    kubectl("uncordon", kubectl.namespace)
    assert kubectl.json("get", "node", kubectl.namespace)["spec"]["taints"][0]["key"] == "a"
    kubectl("delete", "node", kubectl.namespace)


# --- describe -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manifest", [pod("it"), deployment("it"), train_job("it")], ids=lambda obj: obj["kind"]
)
def test_describe(kubectl: Kubectl, manifest: dict[str, object]) -> None:
    kubectl("create", "-f", "-", stdin=manifest)
    shown = kubectl("describe", str(manifest["kind"]), "it")
    assert re.search(r"^Name: +it$", shown, re.MULTILINE)
    assert "Events:" in shown


# --- delete ---------------------------------------------------------------------------------------------


def test_delete_in_several_ways(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c"):
        kubectl("create", "-f", "-", stdin=pod(name, group="x" if name != "c" else "y"))
    assert kubectl("delete", "pod", "-l", "group=x").count("deleted") == 2
    assert "force deleted" in kubectl("delete", "pod", "c", "--grace-period=0", "--force")
    assert "not found" in kubectl.fails("delete", "pod", "c")
    assert kubectl("delete", "pod", "c", "--ignore-not-found") == ""
    assert kubectl("delete", "pods", "--all") == "No resources found\n"


def test_a_finalizer_holds_an_object_until_it_is_taken_away(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "held")
    kubectl("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":["lab.example/hold"]}}')
    kubectl("delete", "cm", "held", "--wait=false")
    assert kubectl("get", "cm", "held", "-o", "jsonpath={.metadata.deletionTimestamp}")
    gone = kubectl.start("wait", "cm/held", "--for=delete", "--timeout=20s")
    kubectl("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert gone.wait(20) == 0
    assert "not found" in kubectl.fails("get", "cm", "held")
    assert "not found" in kubectl.fails("get", "cm", "held")


@pytest.mark.parametrize(
    ("cascade", "finalizer"), [("foreground", "foregroundDeletion"), ("orphan", "orphan")]
)
def test_cascade_asks_the_garbage_collector(kubectl: Kubectl, cascade: str, finalizer: str) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    kubectl("delete", "deploy", "web", f"--cascade={cascade}", "--wait=false")
    left = kubectl.run("get", "deploy", "web", "-o", "jsonpath={.metadata.finalizers[*]}")
    assert left.stdout == finalizer


# --- wait and events ------------------------------------------------------------------------------------


def test_wait_for_a_condition_and_for_a_field(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=pod())
    kubectl("wait", "pod/web", "--for=jsonpath={.status.phase}=Pending", "--timeout=10s")
    waiting = kubectl.start("wait", "pod/web", "--for=condition=Ready", "--timeout=20s")
    ready = '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}'
    kubectl("patch", "pod", "web", "--subresource=status", "-p", ready)
    assert waiting.communicate(timeout=30)[0] == "pod/web condition met\n"
    said = kubectl.fails("wait", "pod/web", "--for=condition=Initialized", "--timeout=0s")
    assert "timed out waiting for the condition" in said or "condition not met" in said


def test_events_in_both_commands(kubectl: Kubectl) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "it"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": kubectl.namespace},
        "type": "Warning",
        "reason": "FailedScheduling",
        "message": "0/1 nodes are available",
        "count": 3,
        "firstTimestamp": "2026-01-31T12:00:00Z",
        "lastTimestamp": "2026-01-31T12:05:00Z",
    }
    kubectl("create", "-f", "-", stdin=event)
    (row,) = kubectl.table("get", "events")
    assert (row["TYPE"], row["REASON"], row["OBJECT"]) == ("Warning", "FailedScheduling", "pod/web")
    assert "0/1 nodes are available" in kubectl("events", "--for", "pod/web")
    assert kubectl("get", "events.events.k8s.io", "-o", "jsonpath={.items[0].note}") == event["message"]
