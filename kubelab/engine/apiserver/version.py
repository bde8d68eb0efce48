"""The one Kubernetes minor version that everything here speaks."""

from __future__ import annotations

KUBERNETES_VERSION = "1.37"
