"""What a trainer's pods need to post their progress (the TrainJobStatus plug-in of Kubeflow Trainer)."""

from __future__ import annotations

from kubelab.client import TRAIN_JOBS, Object
from kubelab.engine.controllers.trainjob.patches import upsert

MOUNT_PATH = "/var/run/secrets/kubeflow/trainer"
VOLUME = "kubeflow-trainer-token"
TOKEN_SECONDS = 3600
# Upstream copies its certificate into `<job>-tls-config`; here every namespace has this one.
CA_CONFIG_MAP = "kube-root-ca.crt"


def status_path(train_job: Object) -> str:
    """Return the path of the TrainJob's status, which is the audience of the pods' token as well."""
    meta = train_job["metadata"]
    return TRAIN_JOBS.path(meta["namespace"], meta["name"], "status")


def add_progress(pod_spec: Object, train_job: Object, server_url: str) -> None:
    """Give every container of a pod the server's address, its certificate and a token."""
    env = [
        {"name": "KUBEFLOW_TRAINER_SERVER_URL", "value": server_url + status_path(train_job)},
        {"name": "KUBEFLOW_TRAINER_SERVER_CA_CERT", "value": f"{MOUNT_PATH}/ca.crt"},
        {"name": "KUBEFLOW_TRAINER_SERVER_TOKEN", "value": f"{MOUNT_PATH}/token"},
    ]
    mount = {"name": VOLUME, "mountPath": MOUNT_PATH, "readOnly": True}
    for container in pod_spec["containers"]:
        upsert(container, "env", [dict(variable) for variable in env])
        upsert(container, "volumeMounts", [dict(mount)], key="mountPath")
    upsert(pod_spec, "volumes", [_volume(status_path(train_job).removeprefix("/apis/"))])


def _volume(audience: str) -> Object:
    token = {"audience": audience, "expirationSeconds": TOKEN_SECONDS, "path": "token"}
    certificate = {"name": CA_CONFIG_MAP, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {
        "name": VOLUME,
        "projected": {"sources": [{"serviceAccountToken": token}, {"configMap": certificate}]},
    }
