"""Calls of the training operator's TrainingClient."""

from kubeflow.training import (
    KubeflowOrgV1JAXJob,
    KubeflowOrgV1JAXJobSpec,
    KubeflowOrgV1ReplicaSpec,
    KubeflowOrgV1RunPolicy,
    TrainingClient,
)
from kubernetes import client as kubernetes


def client(namespace):
    return TrainingClient(namespace=namespace, job_kind="JAXJob")


def create(namespace, name, script, replicas=2):
    container = kubernetes.V1Container(name="jax", image="python", command=["python", "-c", script])
    worker = KubeflowOrgV1ReplicaSpec(
        replicas=replicas,
        restart_policy="OnFailure",
        template=kubernetes.V1PodTemplateSpec(spec=kubernetes.V1PodSpec(containers=[container])),
    )
    client(namespace).create_job(
        KubeflowOrgV1JAXJob(
            api_version="kubeflow.org/v1",
            kind="JAXJob",
            metadata=kubernetes.V1ObjectMeta(name=name, namespace=namespace),
            spec=KubeflowOrgV1JAXJobSpec(
                run_policy=KubeflowOrgV1RunPolicy(clean_pod_policy="None"),
                jax_replica_specs={"Worker": worker},
            ),
        )
    )


def get(namespace, name):
    job = client(namespace).get_job(name)
    return {"name": job.metadata.name, "workers": job.spec.jax_replica_specs["Worker"].replicas}


def names(namespace):
    return [job.metadata.name for job in client(namespace).list_jobs()]


def wait_succeeded(namespace, name):
    client(namespace).wait_for_job_conditions(name, timeout=120, polling_interval=1)
    return [each.type for each in client(namespace).get_job_conditions(name) if each.status == "True"]


def logs(namespace, name):
    found, _events = client(namespace).get_job_logs(name)
    return found


def pod_names(namespace, name):
    return client(namespace).get_job_pod_names(name)


def delete(namespace, name):
    client(namespace).delete_job(name)
