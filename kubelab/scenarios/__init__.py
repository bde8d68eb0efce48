"""What happens to a cluster in a day, seeded: `SimulatedCluster.play` plays it.

Each function returns a `Scenario`; the same seed gives the same one.
"""

from collections.abc import Callable

from kubelab.scenarios.failing import spot_storm, stateful_pdbs, zone_outage
from kubelab.scenarios.scenario import Action, Scenario
from kubelab.scenarios.steady import daemonset_tax, gpu_sharing, ml_burst, nightly_batch, web_day

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
"""All of them by name."""

__all__ = [
    "SEEDED",
    "Action",
    "Scenario",
    "daemonset_tax",
    "gpu_sharing",
    "ml_burst",
    "nightly_batch",
    "spot_storm",
    "stateful_pdbs",
    "web_day",
    "zone_outage",
]
