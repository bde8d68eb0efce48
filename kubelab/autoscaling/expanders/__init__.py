"""Which option to take: Cluster Autoscaler's expanders, and one that ranks by score; each says why.

`expander` builds a chain by name; the other modules hold one expander each.
"""

from kubelab.autoscaling.expanders.chain import KNOWN, expander

__all__ = ["KNOWN", "expander"]
