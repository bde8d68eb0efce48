"""The embedded Kubernetes API server."""

from __future__ import annotations

from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.apiserver.pod_logs import LogOptions, NodeHandler

__all__ = ["ApiServer", "LogOptions", "NodeHandler"]
