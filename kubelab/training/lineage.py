"""What is kept of a job's run: read off its objects and logs into a `RunRecord`."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubelab import clock
from kubelab.client import CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, Client, Object
from kubelab.errors import ApiError
from kubelab.lineage import Point, RunRecord, Status, record
from kubelab.lineage.record import milliseconds
from kubelab.training import builders
from kubelab.training.charges import amounts_of, price_dates, read_nodes
from kubelab.training.metrics import Metric
from kubelab.training.pod.arguments import read_arguments
from kubelab.training.pod.entry import MANIFEST
from kubelab.training.reports import Reports
from kubelab.training.view import JobView, Phase
from kubelab.values import write_value

STATUSES: Mapping[Phase, Status] = {
    "Pending": "SCHEDULED",
    "Running": "RUNNING",
    "Restarting": "RUNNING",
    "Suspended": "SCHEDULED",
    "Succeeded": "FINISHED",
    "Failed": "FAILED",
}


@dataclass(frozen=True, slots=True)
class Code:
    """The archive that a job's pods run.

    Parameters
    ----------
    digest : str
        Its SHA-256; empty where it is not there.
    version : str
        The version of kubelab that packed it.
    defaults : mapping
        The function's defaults that JSON can carry.
    """

    digest: str = ""
    version: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(config_map: Object | None) -> Code:
        """Return what a ConfigMap carries."""
        text = ((config_map or {}).get("binaryData") or {}).get(builders.CODE_FILE)
        if not text:
            return Code()
        content = base64.b64decode(text)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                manifest = json.loads(file.read(MANIFEST))
        except (zipfile.BadZipFile, KeyError, ValueError):
            manifest = {}
        digest = hashlib.sha256(content).hexdigest()
        return Code(digest, manifest.get("kubelab", ""), manifest.get("defaults", {}))


def experiment_name(client: Client, namespace: str) -> str:
    """Return the MLflow experiment for what runs in a namespace of a cluster."""
    return f"{client.cluster}/{namespace}"


def run_uid(job: Object) -> str:
    """Return the uid that a job's run is kept by: its own, or that of the trial whose job it is."""
    owners = job["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in owners if each["kind"] == "Trial"), str(job["metadata"]["uid"]))


def record_of(
    view: JobView,
    metrics: Iterable[Metric],
    *,
    cluster: str,
    now: datetime,
    code: Code = Code(),
    checkpoints: str = "",
    datasets: Mapping[str, str] | None = None,
    nodes: Mapping[str, Object] | None = None,
) -> RunRecord:
    """Return what there is to keep of a job.

    Parameters
    ----------
    view : JobView
        The job and its pods.
    metrics : iterable of Metric
        What its workers reported.
    cluster : str
        The cluster's name.
    now : datetime
        Until when pods that run are counted.
    code : Code
        What its pods run.
    checkpoints : str
        Where its checkpoints are.
    datasets : mapping of str to str
        The digest of each dataset that it learns from, by its name.
    nodes : mapping of str to dict
        The nodes that its pods are on, by name, which say what they cost.
    """
    datasets, nodes = datasets or {}, nodes or {}
    meta = view.job["metadata"]
    annotations = meta.get("annotations") or {}
    created = clock.parse_rfc3339(meta["creationTimestamp"])
    started_ms = milliseconds(created)
    tags = {
        record.CLUSTER: cluster,
        record.NAMESPACE: meta["namespace"],
        record.KIND: view.kind,
        record.FUNCTION: annotations.get(builders.FUNCTION, ""),
        record.SOURCE_NAME: annotations.get(builders.FUNCTION, ""),
        record.STATE: view.phase,
        record.WHY: str((view.ended or {}).get("message", "")) if view.phase == "Failed" else "",
        record.NUM_NODES: str(view.num_nodes),
        record.CODE: code.digest,
        record.VERSION: code.version,
        record.GIT_COMMIT: annotations.get(builders.COMMIT, ""),
        record.CHECKPOINTS: checkpoints,
        record.PRICES_OF: price_dates(nodes),
        record.DATASET: ", ".join(f"{name} {digest}" for name, digest in sorted(datasets.items())),
    }
    return RunRecord(
        uid=run_uid(view.job),
        name=view.name,
        experiment=f"{cluster}/{meta['namespace']}",
        status=STATUSES[view.phase],
        seen_ms=milliseconds(now),
        started_ms=started_ms,
        ended_ms=_ended_ms(view, now),
        parameters=parameters_of(view.variables, code.defaults),
        tags={key: value for key, value in tags.items() if value},
        points=points_of(metrics, started_ms),
        datasets=datasets,
        pods=amounts_of(view.pods, now, nodes),
    )


def parameters_of(variables: Mapping[str, str], defaults: Mapping[str, Any]) -> dict[str, str]:
    """Return the function's arguments as texts, by the variables of its pods."""
    return {name: write_value(value) for name, value in {**defaults, **read_arguments(variables)}.items()}


def points_of(metrics: Iterable[Metric], started_ms: int) -> tuple[Point, ...]:
    """Return reported numbers as a run's: those of the ranks above 0 have the rank in their names.

    A number without a time has that of the job's beginning, and one without a step is counted.
    """
    counts: Counter[str] = Counter()
    points = []
    for metric in metrics:
        name = _metric_name(metric)
        counts[name] += 1
        step = counts[name] if metric.step is None else metric.step
        time_ms = milliseconds(clock.parse_rfc3339(metric.time)) if metric.time else started_ms
        points.append(Point(name, step, time_ms, metric.value))
    return tuple(points)


async def read_code(client: Client, job: Object) -> Code:
    """Return what a job's pods run; nothing where the ConfigMap is gone."""
    name = _find(job, "configMap", "kubelab-code").get("name")
    if not name:
        return Code()
    try:
        return Code.of(await client.get(CONFIG_MAPS, name, job["metadata"]["namespace"]))
    except ApiError:
        return Code()


async def read_checkpoints(client: Client, job: Object) -> str:
    """Return where a job's checkpoints are: a folder of this machine, else the claim; empty without a volume.

    They stay where they are: to copy a model of many gigabytes for each run would help nobody.
    """
    namespace = job["metadata"]["namespace"]
    claim = _find(job, "persistentVolumeClaim", "kubelab-checkpoints").get("claimName")
    if not claim:
        return ""
    try:
        bound = (await client.get(PERSISTENT_VOLUME_CLAIMS, claim, namespace))["spec"].get("volumeName")
        volume = await client.get(PERSISTENT_VOLUMES, bound) if bound else {}
    except ApiError:
        volume = {}
    path = ((volume.get("spec") or {}).get("hostPath") or {}).get("path")
    return f"file://{path}" if path else f"persistentvolumeclaim://{namespace}/{claim}"


async def read_record(reports: Reports, now: datetime, code: Code | None = None) -> RunRecord:
    """Return what there is to keep of a job, with what its objects refer to.

    Parameters
    ----------
    reports : Reports
        What its workers have said.
    now : datetime
        Until when pods that run are counted.
    code : Code, optional
        What its pods run, where that is known.

    Raises
    ------
    NotFoundError
        If it was deleted.
    """
    client = reports.reader.client
    view = await reports.reader.view()  # before the logs: of a job that has ended they are complete
    await reports.read(view)
    return record_of(
        view,
        reports.metrics,
        cluster=client.cluster,
        now=now,
        code=code or await read_code(client, view.job),
        checkpoints=await read_checkpoints(client, view.job),
        datasets=reports.datasets,
        nodes=await read_nodes(client, view.pods),
    )


def _ended_ms(view: JobView, now: datetime) -> int | None:
    if view.ended is None:
        return None
    text = view.ended.get("lastTransitionTime")
    return milliseconds(clock.parse_rfc3339(text) if text else now)


def _metric_name(metric: Metric) -> str:
    name = metric.name.replace("|", "_")  # Katib allows it in a name, MLflow does not
    return name if metric.rank == 0 else f"{name}/rank-{metric.rank}"


def _find(value: Any, source: str, volume: str) -> dict[str, Any]:
    """Return the source of a volume, wherever a kind of job has its pods' volumes."""
    if isinstance(value, dict):
        if value.get("name") == volume and source in value:
            return dict(value[source])
        value = list(value.values())
    if isinstance(value, list):
        return next((found for each in value if (found := _find(each, source, volume))), {})
    return {}
