"""The parts that kubelab looks for in a cluster: how each is recognised, and how it is installed.

Kinds, images and commands are those of the projects' own releases: Kubeflow Trainer v2.3.0,
training-operator v1.9.3, Katib v0.19.0, and the current ones of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.client import CONFIG_MAPS, SERVICES

AUTOSCALER_STATUS = CONFIG_MAPS.path("kube-system", "cluster-autoscaler-status")
PROMETHEUS_SERVICES = SERVICES.path()
PROMETHEUS_LABEL = "app.kubernetes.io/name=prometheus"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a cluster.

    Attributes
    ----------
    name : str
        As its project writes it.
    image : str
        The last part of its controller's image name, whose tag is the version.
    install : str
        How to get it.
    group, kind : str
        What the API server serves where it is installed.
    objects : str
        The path of an object, or a list of some, that exists where it is installed.
    """

    name: str
    image: str
    install: str
    group: str = ""
    kind: str = ""
    objects: str = ""


def _kubeflow(repository: str, overlay: str, version: str) -> str:
    return f'kubectl apply --server-side -k "https://github.com/kubeflow/{repository}.git/{overlay}?ref={version}"'


def _released(repository: str, file: str) -> str:
    url = f"https://github.com/kubernetes-sigs/{repository}/releases/latest/download/{file}"
    return f"kubectl apply --server-side -f {url}"


PARTS = {
    "trainer": Part(
        "Kubeflow Trainer",
        "trainer-controller-manager",
        _kubeflow("trainer", "manifests/overlays/manager", "v2.3.0"),
        "trainer.kubeflow.org",
        "TrainJob",
    ),
    "jobset": Part(
        "JobSet",
        "jobset",
        _released("jobset", "manifests.yaml"),
        "jobset.x-k8s.io",
        "JobSet",
    ),
    "katib": Part(
        "Katib",
        "katib-controller",
        _kubeflow("katib", "manifests/v1beta1/installs/katib-standalone", "v0.19.0"),
        "kubeflow.org",
        "Experiment",
    ),
    "training_operator": Part(
        "training-operator",
        "training-operator",
        _kubeflow("training-operator", "manifests/overlays/standalone", "v1.9.3"),
        "kubeflow.org",
        "JAXJob",
    ),
    "cluster_autoscaler": Part(
        "Cluster Autoscaler",
        "cluster-autoscaler",
        "helm install cluster-autoscaler cluster-autoscaler --repo https://kubernetes.github.io/autoscaler",
        objects=AUTOSCALER_STATUS,
    ),
    "vpa": Part(
        "Vertical Pod Autoscaler",
        "vpa-recommender",
        "vertical-pod-autoscaler/hack/vpa-up.sh of https://github.com/kubernetes/autoscaler",
        "autoscaling.k8s.io",
        "VerticalPodAutoscaler",
    ),
    "metrics": Part(
        "metrics.k8s.io",
        "metrics-server",
        _released("metrics-server", "components.yaml"),
        "metrics.k8s.io",
        "PodMetrics",
    ),
    "prometheus": Part(
        "Prometheus",
        "prometheus-operator",
        "helm install prometheus kube-prometheus-stack"
        " --repo https://prometheus-community.github.io/helm-charts",
        "monitoring.coreos.com",
        "Prometheus",
        PROMETHEUS_SERVICES,
    ),
}
