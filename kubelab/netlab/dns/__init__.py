"""What names cost: queries by ndots and search list, autopath, the 5-second timeout, a node's cache.

`count` is the short way; `DnsLab` keeps its namespaces for more than one question. `reckon` and `tried`
say the same without running anything.
"""

from kubelab.netlab.dns.errors import DnsLabError, DnsNameError, DnsOptionError, ResolvConfError
from kubelab.netlab.dns.lab import DnsLab, count
from kubelab.netlab.dns.names import reckon, tried
from kubelab.netlab.dns.resolv_conf import ResolvConf, pod_resolv_conf
from kubelab.netlab.dns.results import Counts, Load, Lookup
from kubelab.netlab.dns.server import Behaviour, Query
from kubelab.netlab.dns.study import left_out, loads, study, with_options
from kubelab.netlab.dns.zone import Zone

__all__ = [
    "Behaviour",
    "Counts",
    "DnsLab",
    "DnsLabError",
    "DnsNameError",
    "DnsOptionError",
    "Load",
    "Lookup",
    "Query",
    "ResolvConf",
    "ResolvConfError",
    "Zone",
    "count",
    "left_out",
    "loads",
    "pod_resolv_conf",
    "reckon",
    "study",
    "tried",
    "with_options",
]
