"""Runs in MLflow: what is kept of a job or a sweep, where it is kept, and how it is read back.

`RunRecord` is what there is to say about a run; `kubelab.lineage.store.Store` writes it, again and again
without saying anything twice, and reads it back as a `Lineage`. Nothing here knows of Kubernetes' objects,
and only the store imports MLflow.
"""

from __future__ import annotations

from kubelab.lineage.lineage import Lineage
from kubelab.lineage.place import TrackingError, tracking_uri
from kubelab.lineage.record import Point, RunRecord, Status

__all__ = ["Lineage", "Point", "RunRecord", "Status", "TrackingError", "tracking_uri"]
