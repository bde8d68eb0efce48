"""The engine ``binaries``: the real etcd and kube-apiserver as processes of this machine.

The order to read in: `found` (which programs are here), `commands` (how they are started), `program`
(how they are kept running), then `control_plane`, which puts them together.
"""

from kubelab.engine.binaries.control_plane import BinariesControlPlane
from kubelab.engine.binaries.found import Binaries, BinariesMissingError, find

__all__ = ["Binaries", "BinariesControlPlane", "BinariesMissingError", "find"]
