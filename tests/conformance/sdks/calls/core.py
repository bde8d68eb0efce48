"""Calls of the official client, without any SDK over it."""

import kubernetes
from kubernetes import client, config, watch

config.load_kube_config()
core = client.CoreV1Api()
custom = client.CustomObjectsApi()


def create_custom(namespace, plural, body, group="kubeflow.org", version="v1beta1"):
    return custom.create_namespaced_custom_object(group, version, namespace, plural, body)


def list_custom(namespace, plural, group="trainer.kubeflow.org", version="v1alpha1"):
    return custom.list_namespaced_custom_object(group, version, namespace, plural)["items"]


def list_cluster_custom(plural, group="trainer.kubeflow.org", version="v1alpha1"):
    return custom.list_cluster_custom_object(group, version, plural)["items"]


def patch_custom(namespace, plural, name, body, group="kubeflow.org", version="v1beta1"):
    return custom.patch_namespaced_custom_object(group, version, namespace, plural, name, body)


def create_pod(namespace, name, labels, command):
    container = client.V1Container(name="main", image="python", command=command)
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, labels=labels),
        spec=client.V1PodSpec(containers=[container], restart_policy="Never"),
    )
    return core.create_namespaced_pod(namespace, pod).metadata.name


def pods(namespace, selector):
    return [pod.metadata.name for pod in core.list_namespaced_pod(namespace, label_selector=selector).items]


def pod_ends(namespace, name):
    """Return the phase a pod ends in, seen by a watch."""
    watching = watch.Watch()
    selector = f"metadata.name={name}"
    for event in watching.stream(
        core.list_namespaced_pod, namespace, field_selector=selector, timeout_seconds=90
    ):
        if event["object"].status.phase in ("Succeeded", "Failed"):
            watching.stop()
            return event["object"].status.phase
    return None


def followed(namespace, name):
    """Return a log's lines, asked for with ``follow=True`` as Python spells it."""
    answer = core.read_namespaced_pod_log(name, namespace, follow=True, _preload_content=False)
    return answer.read().decode().splitlines()


def versions():
    """Return how a client finds its way: its own version, the server's, and the groups' names."""
    groups = client.ApisApi().get_api_versions().groups
    return {
        "client": kubernetes.__version__,
        "server": client.VersionApi().get_code().git_version,
        "groups": [group.name for group in groups],
    }
