"""Metrics collectors: where a trial's reports are found, by the kind that its Experiment names.

``StdOut`` is read from the primary container's log. ``File`` is read from the log of a sidecar that repeats
the file, named as Katib's. ``Push`` and ``None`` read nothing: others write the trial's history.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.tuning.metric_lines import Format

SIDECAR = "metrics-logger-and-collector"
"""Katib's name (``pkg/metricscollector/v1beta1/common/const.go``); its SDK asks for this container's log."""
KNOWN = ("StdOut", "File", "Push", "None")
FILE_ANNOTATION = "tuning.kubelab.dev/metrics-file"
"""On a TrainJob: the file that a sidecar in its trainer's pods repeats."""
_DEFAULT_FILE = "/var/log/katib/metrics.log"
_VOLUME = "metrics-volume"
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_ACCOUNT_VOLUME = "katib-account"
_REPEAT = """
import os, signal, sys, time
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
position = 0
while True:
    last = bool(ended)
    try:
        with open(sys.argv[1], "rb") as file:
            file.seek(position)
            new = file.read()
            if not last:
                new = new[: new.rfind(b"\\n") + 1]
    except OSError:
        new = b""
    position += len(new)
    sys.stdout.buffer.write(new)
    sys.stdout.flush()
    if last:
        break
    time.sleep(0.1)
"""
"""Repeats whole lines as they are written; what is left when it is told to end comes last."""


@dataclass(frozen=True, slots=True)
class Source:
    """What to read of a trial's pods.

    Parameters
    ----------
    container : str
        Whose log it is.
    format : {"TEXT", "JSON"}
        How its lines are written.
    filters : sequence of str
        How metrics are found in text; Katib's own where empty.
    """

    container: str
    format: Format = "TEXT"
    filters: Sequence[str] = ()


def kind_of(spec: Object) -> str:
    """Return the collector's kind of a Trial's spec."""
    return str((((spec.get("metricsCollector") or {}).get("collector")) or {}).get("kind") or "StdOut")


def collector_of(experiment: Object) -> str:
    """Return the collector's kind of an Experiment, as it was written or by default."""
    return kind_of({"metricsCollector": experiment["spec"].get("metricsCollectorSpec")})


def source_of(spec: Object) -> Source | None:
    """Return what to read for a Trial's spec; None where others write its history."""
    kind = kind_of(spec)
    source = (spec.get("metricsCollector") or {}).get("source") or {}
    filters = tuple((source.get("filter") or {}).get("metricsFormat") or ())
    if kind == "StdOut":
        return Source(str(spec.get("primaryContainerName") or ""), "TEXT", filters)
    if kind == "File":
        file_format: Format = "JSON" if _file(source).get("format") == "JSON" else "TEXT"
        return Source(SIDECAR, file_format, filters)
    return None


def file_of(spec: Object) -> str:
    """Return the path of the file that a trial writes its metrics to; empty where it writes none."""
    if kind_of(spec) != "File":
        return ""
    source = (spec.get("metricsCollector") or {}).get("source") or {}
    return str(_file(source).get("path") or _DEFAULT_FILE)


def add_sidecar(pod_spec: Object, path: str) -> None:
    """Add to a pod, in place, the sidecar that repeats a file which its containers write."""
    folder = posixpath.dirname(path)
    mount = {"name": _VOLUME, "mountPath": folder}
    for container in pod_spec.get("containers") or ():
        mounts = container.setdefault("volumeMounts", [])
        if all(each.get("mountPath") != folder for each in mounts):
            mounts.append(mount)
    first: Object = (pod_spec.get("containers") or [{}])[0]
    own = next(each for each in first.get("volumeMounts") or [mount] if each["mountPath"] == folder)
    pod_spec.setdefault("initContainers", []).append(
        {
            "name": SIDECAR,
            "image": first.get("image") or "python",
            "restartPolicy": "Always",
            "command": ["python3", "-u", "-c", _REPEAT, path],
            "volumeMounts": [own],
        }
    )
    if own["name"] == _VOLUME:
        pod_spec.setdefault("volumes", []).append({"name": _VOLUME, "emptyDir": {}})


def add_account(pod_spec: Object, container: str) -> None:
    """Let a container of a pod, in place, find its namespace where Katib's ``report_metrics`` looks for it.

    A kubelet mounts a service account there; the process node does only what a pod asks for.
    """
    for each in pod_spec.get("containers") or ():
        mounts = each.setdefault("volumeMounts", [])
        if each.get("name") == container and all(mount.get("mountPath") != _ACCOUNT for mount in mounts):
            mounts.append({"name": _ACCOUNT_VOLUME, "mountPath": _ACCOUNT, "readOnly": True})
    item = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    volume = {"name": _ACCOUNT_VOLUME, "projected": {"sources": [{"downwardAPI": {"items": [item]}}]}}
    pod_spec.setdefault("volumes", []).append(volume)


def keep_last_lines(pod_spec: Object) -> None:
    """Let a pod's status hold the last lines of a container that fails, unless it says otherwise."""
    for container in pod_spec.get("containers") or ():
        container.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")


def _file(source: Object) -> Object:
    found: Object = source.get("fileSystemPath") or {}
    return found
