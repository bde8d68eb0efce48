"""The limits of a node's network, measured on this machine's own kernel.

`compare` loads the rules that kube-proxy would write for thousands of Services, in each of its modes, and
times the first packet by the position of its Service, and how long rules take to load and to change.
"""

from kubelab.netlab.comparison import compare
from kubelab.netlab.results import BACKENDS, Comparison, Environment, Latency, Measure, Progress

__all__ = ["BACKENDS", "Comparison", "Environment", "Latency", "Measure", "Progress", "compare"]
