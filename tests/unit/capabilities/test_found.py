from typing import Any

import pytest

from kubelab.capabilities import capabilities_of
from kubelab.capabilities.parts import AUTOSCALER_STATUS, PARTS, PROMETHEUS_SERVICES
from kubelab.errors import ApiError

DEPLOYMENTS = "/apis/apps/v1/deployments"


def groups(*versions: str) -> dict[str, Any]:
    """The document at /apis, of ``group/version``s in the order of preference."""
    found: dict[str, list[str]] = {}
    for version in versions:
        found.setdefault(version.partition("/")[0], []).append(version)
    return {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": name,
                "versions": [{"groupVersion": each} for each in reversed(served)],
                "preferredVersion": {"groupVersion": served[0]},
            }
            for name, served in found.items()
        ],
    }


def kinds(*names: str) -> dict[str, Any]:
    return {"kind": "APIResourceList", "resources": [{"kind": name} for name in names]}


def deployments(*images: str) -> dict[str, Any]:
    pods = [{"spec": {"template": {"spec": {"containers": [{"image": image}]}}}} for image in images]
    return {"items": pods}


def refusal(code: int, message: str) -> ApiError:
    reasons = {403: "Forbidden", 404: "NotFound", 503: "ServiceUnavailable"}
    return ApiError.of({"code": code, "reason": reasons[code], "message": message})


BARE: dict[str, Any] = {
    "/version": {"gitVersion": "v1.37.2"},
    "/apis": groups("apps/v1", "batch/v1"),
    AUTOSCALER_STATUS: refusal(404, 'configmaps "cluster-autoscaler-status" not found'),
    PROMETHEUS_SERVICES: {"items": []},
    DEPLOYMENTS: {"items": []},
}


def test_bare_cluster_lacks_everything_and_says_how_to_install_it() -> None:
    found = capabilities_of(BARE)
    assert found.kubernetes.version == "v1.37.2"
    assert [each.state for each in found] == ["found"] + ["missing"] * len(PARTS)
    assert "kubeflow/trainer.git" in found.trainer.note


def test_kinds_are_found_by_their_names_where_two_projects_share_a_group() -> None:
    served = groups("kubeflow.org/v1", "kubeflow.org/v1beta1")
    found = capabilities_of(
        {**BARE, "/apis": served, "/apis/kubeflow.org/v1beta1": kinds("Experiment", "Trial")}
    )
    assert found.katib.api == "kubeflow.org/v1beta1"
    assert found.training_operator.state == "missing"


def test_preferred_version_of_a_kind_is_named() -> None:
    served = groups("trainer.kubeflow.org/v1beta1", "trainer.kubeflow.org/v1alpha1")
    lists = {
        f"/apis/trainer.kubeflow.org/{version}": kinds("TrainJob") for version in ("v1alpha1", "v1beta1")
    }
    found = capabilities_of({**BARE, "/apis": served, **lists})
    assert found.trainer.api == "trainer.kubeflow.org/v1beta1"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/jobset/jobset:v0.10.1", "v0.10.1"),
        ("registry.local:5000/jobset:0.9.0@sha256:" + "0" * 64, "0.9.0"),
        ("registry.k8s.io/jobset/jobset@sha256:" + "0" * 64, ""),
        ("jobset:latest", ""),
        ("someone/jobset-ui:v3", ""),
    ],
)
def test_version_is_the_tag_of_the_controllers_image(image: str, version: str) -> None:
    served = {"/apis": groups("jobset.x-k8s.io/v1alpha2"), "/apis/jobset.x-k8s.io/v1alpha2": kinds("JobSet")}
    found = capabilities_of({**BARE, **served, DEPLOYMENTS: deployments("nginx:1", image)})
    assert (found.jobset.state, found.jobset.version) == ("found", version)


def test_cluster_autoscaler_is_found_by_its_status() -> None:
    status = {"kind": "ConfigMap", "metadata": {"name": "cluster-autoscaler-status"}}
    running = deployments("registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0")
    found = capabilities_of({**BARE, AUTOSCALER_STATUS: status, DEPLOYMENTS: running})
    assert str(found.cluster_autoscaler) == "Cluster Autoscaler v1.35.0"


def test_prometheus_without_its_operator_is_found_by_its_service() -> None:
    service = {"metadata": {"name": "prometheus", "labels": {"app.kubernetes.io/version": "v3.5.0"}}}
    found = capabilities_of({**BARE, PROMETHEUS_SERVICES: {"items": [service]}})
    assert (found.prometheus.state, found.prometheus.version) == ("found", "v3.5.0")


def test_prometheus_operator_is_enough_where_services_may_not_be_seen() -> None:
    served = {
        "/apis": groups("monitoring.coreos.com/v1"),
        "/apis/monitoring.coreos.com/v1": kinds("Prometheus"),
    }
    hidden = refusal(403, "services is forbidden")
    assert capabilities_of({**BARE, **served, PROMETHEUS_SERVICES: hidden}).prometheus.state == "found"
    without = capabilities_of({**BARE, PROMETHEUS_SERVICES: hidden}).prometheus
    assert (without.state, without.note) == ("not known", "you may not look: services is forbidden")


def test_what_may_not_be_seen_is_not_known() -> None:
    hidden = {path: refusal(403, "forbidden") for path in BARE}
    assert {each.state for each in capabilities_of(hidden)} == {"not known"}


def test_missing_right_to_see_controllers_hides_only_versions() -> None:
    served = {"/apis": groups("jobset.x-k8s.io/v1alpha2"), "/apis/jobset.x-k8s.io/v1alpha2": kinds("JobSet")}
    found = capabilities_of({**BARE, **served, DEPLOYMENTS: refusal(403, "forbidden")})
    assert str(found.jobset) == "JobSet (jobset.x-k8s.io/v1alpha2)"


def test_metrics_that_do_not_answer_are_not_known() -> None:
    path = "/apis/metrics.k8s.io/v1beta1"
    broken = {"/apis": groups("metrics.k8s.io/v1beta1"), path: refusal(503, "service unavailable")}
    found = capabilities_of({**BARE, **broken}).metrics
    assert (found.state, found.note) == ("not known", "the API server answered 503: service unavailable")


def test_repr_names_the_parts_by_what_is_known_of_them() -> None:
    hidden = {AUTOSCALER_STATUS: refusal(403, "forbidden")}
    assert repr(capabilities_of({**BARE, **hidden})) == (
        "<Capabilities found: Kubernetes v1.37.2; missing: Kubeflow Trainer, JobSet, Katib, "
        "training-operator, Vertical Pod Autoscaler, metrics.k8s.io, Prometheus; "
        "not known: Cluster Autoscaler>"
    )


def test_table_escapes_what_the_cluster_says() -> None:
    answers = {**BARE, "/version": {"gitVersion": "<b>v1</b>"}, AUTOSCALER_STATUS: refusal(403, "<script>")}
    page = capabilities_of(answers)._repr_html_()
    assert "<td>&lt;b&gt;v1&lt;/b&gt;</td>" in page
    assert "you may not look: &lt;script&gt;" in page
    assert page.count("<tr>") == 2 + len(PARTS)
