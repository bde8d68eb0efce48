"""A cluster's limits: what Kubernetes promises, what a cluster does, and clusters of kind's to try it on.

`Cluster.limits` measures; `OBJECTIVES` are the published promises, and `kind_config` writes clusters for the
same experiments with real nodes.
"""

from kubelab.limits.kind import kind_config
from kubelab.limits.slos import OBJECTIVES

__all__ = ["OBJECTIVES", "kind_config"]
