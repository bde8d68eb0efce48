"""What happens to a cluster in a day: `SimulatedCluster.play` plays it.

Each function returns a `Scenario`. Eight are seeded, and the same seed gives the same one; `openb` reads a
trace, and `dump` a real cluster's pods and nodes.
"""

from collections.abc import Callable

from kubelab.scenarios.dumped import dump
from kubelab.scenarios.failing import spot_storm, stateful_pdbs, zone_outage
from kubelab.scenarios.scenario import Action, Scenario
from kubelab.scenarios.steady import daemonset_tax, gpu_sharing, ml_burst, nightly_batch, web_day
from kubelab.scenarios.trace import openb

SEEDED: dict[str, Callable[..., Scenario]] = {
    "web-day": web_day,
    "nightly-batch": nightly_batch,
    "ml-burst": ml_burst,
    "daemonset-tax": daemonset_tax,
    "stateful-pdbs": stateful_pdbs,
    "gpu-sharing": gpu_sharing,
    "spot-storm": spot_storm,
    "zone-outage": zone_outage,
}
"""The seeded ones by name."""

__all__ = [
    "SEEDED",
    "Action",
    "Scenario",
    "daemonset_tax",
    "dump",
    "gpu_sharing",
    "ml_burst",
    "nightly_batch",
    "openb",
    "spot_storm",
    "stateful_pdbs",
    "web_day",
    "zone_outage",
]
