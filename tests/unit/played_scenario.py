"""What the autoscaler decides and what it costs while a scenario is played, as JSON: run twice, to compare.

``python -m tests.unit.played_scenario NAME SEED HOURS`` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from kubelab import Cluster, portal, scenarios
from kubelab.client import NODE_GROUPS, NODES, PODS, SCALING_DECISIONS


def play(name: str, seed: int, hours: float) -> dict[str, Any]:
    """Play a scenario under an expander that draws lots, and return all that came of it."""
    with Cluster.simulated(seed) as lab:
        lab.play(scenarios.SEEDED[name](seed=seed))
        lab.autoscale("random", seed=seed)
        lab.run(hours=hours)
        kinds = (NODE_GROUPS, NODES, PODS, SCALING_DECISIONS)
        objects = {kind.plural: portal.run(lab.client.list(kind)).items for kind in kinds}
        return {**objects, "cost": lab.cost().total_usd}


if __name__ == "__main__":
    print(json.dumps(play(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
