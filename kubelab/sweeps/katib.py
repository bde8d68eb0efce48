"""Whose controllers run a cluster's Experiments, and what upstream's Katib cannot run."""

from __future__ import annotations

from kubelab.client import DEPLOYMENTS, NAMESPACES, Client
from kubelab.errors import ApiError
from kubelab.sweeps.errors import SweepError
from kubelab.training.request import JobRequest
from kubelab.tuning import Problem
from kubelab.tuning.errors import KatibError
from kubelab.tuning.katib import check_katib

INJECTION = "katib.kubeflow.org/metrics-collector-injection"
"""Katib's webhook adds its collector to pods of namespaces that are labelled ``enabled`` with it."""
_CONTROLLER = "katib.kubeflow.org/component=controller"
"""The label of the Deployment katib-controller (katib v0.19.0, ``manifests/v1beta1/components``)."""


async def is_upstream(client: Client) -> bool:
    """Say whether a cluster's Experiments are run by Katib itself, not by kubelab's controllers.

    Who may not see is not on a lab cluster: there the user is its administrator.
    """
    try:
        found = await client.list(DEPLOYMENTS, label_selector=_CONTROLLER)
    except ApiError as refusal:
        return refusal.code in (401, 403)
    return bool(found.items)


async def check_cluster(client: Client, problem: Problem, request: JobRequest) -> None:
    """Refuse a sweep that a cluster's own Katib would refuse, or worse, run as another one.

    Raises
    ------
    KatibError
        If Katib does not know what is asked for.
    SweepError
        If the namespace is not one whose trials' metrics Katib collects.
    """
    if not await is_upstream(client):
        return
    check_katib(problem)
    if request.kind == "JAXJob":
        raise KatibError("its trials cannot be JAXJobs", "Use kind='TrainJob' or kind='Job'.")
    if problem.algorithm == "pbt":
        raise KatibError(
            "its pbt hands on checkpoints in a volume, which a sweep's trials do not mount",
            "Use tpe, or random with stopping='medianstop'.",
        )
    try:
        namespace = await client.get(NAMESPACES, request.namespace)
    except ApiError:
        return  # not for everybody to see; Katib says it then, as trials without metrics
    if (namespace["metadata"].get("labels") or {}).get(INJECTION) != "enabled":
        raise SweepError(
            f"Katib collects no metrics in namespace {request.namespace!r}: it lacks the label {INJECTION}. "
            f"Add it: kubectl label namespace {request.namespace} {INJECTION}=enabled"
        )
