"""Scenarios in which nodes cannot be had, are taken back, or fall silent."""

from __future__ import annotations

from random import Random

from kubelab.client import NODE_GROUPS, NODES
from kubelab.scenarios.groups import groups
from kubelab.scenarios.objects import budget, deployment, job, namespace, scale, spread, stateful_set
from kubelab.scenarios.scenario import Action, Scenario, scenario

HOUR = 3600.0
SILENT = "simulated.kubelab.dev/silent"
ZONES = ("a", "b", "c")


def stateful_pdbs(*, seed: int = 0, hours: float = 8) -> Scenario:
    """Return databases spread over hosts whose budgets slow a shrinking cluster down."""
    random = Random(seed)  # noqa: S311 - it is to be repeatable
    actions: list[Action] = [namespace("data", "storage"), namespace("web", "shop")]
    for number in range(6):
        name = f"database-{number}"
        requests = {"cpu": random.choice(("1", "2")), "memory": random.choice(("4Gi", "8Gi", "16Gi"))}
        kept = {"topologySpreadConstraints": spread(name, "kubernetes.io/hostname")}
        actions += stateful_set(0, name, "data", random.choice((3, 5)), requests, **kept)
        actions.append(budget(0, name, "data", 1))
    for number in range(5):
        name, base = f"service-{number}", random.randint(10, 30)
        actions.append(deployment(0, name, "web", base, {"cpu": "500m", "memory": "1Gi"}))
        actions.append(budget(0, name, "web", 2))
        for hour in range(1, int(hours)):
            share = 1.5 if hour < hours / 2 else 0.4
            actions.append(scale(hour * HOUR, name, "web", round(base * share * random.uniform(0.9, 1.1))))
    about = "Six replicated databases and five services, all with budgets, while the load halves."
    return scenario("stateful-pdbs", about, seed=seed, hours=hours, node_groups=groups(), actions=actions)


def spot_storm(*, seed: int = 0, hours: float = 6) -> Scenario:
    """Return work on spot nodes with on-demand ones behind them; in the third hour most are taken back."""
    random = Random(seed)  # noqa: S311
    types = ("c6i.2xlarge", "m6i.2xlarge", "m6i.4xlarge", "r6i.2xlarge")
    spot = groups(types, suffix="-spot", capacity_type="spot", interruptions_per_node_hour=0.05)
    actions: list[Action] = [namespace("web", "shop"), namespace("batch", "data")]
    for number in range(8):
        requests = {"cpu": random.choice(("500m", "1", "2")), "memory": random.choice(("1Gi", "4Gi"))}
        actions.append(deployment(0, f"service-{number}", "web", random.randint(5, 20), requests))
    for number in range(12):
        batch = {"cpu": "2", "memory": "4Gi"}
        at_s, seconds = random.uniform(0, hours - 1) * HOUR, random.uniform(600, 2400)
        actions.append(job(at_s, f"job-{number}", "batch", random.randint(2, 10), batch, seconds=seconds))
    for group in spot:
        name = group["metadata"]["name"]
        storm = {"spec": {"interruptionsPerNodeHour": 2.0, "availableNodes": 2}}
        calm = {"spec": {"interruptionsPerNodeHour": 0.05, "availableNodes": None}}
        actions.append(Action(2 * HOUR, "patch", NODE_GROUPS, name, "", storm))
        actions.append(Action(3 * HOUR, "patch", NODE_GROUPS, name, "", calm))
    about = "Services and jobs on spot nodes; for an hour most are taken back and few can be had."
    node_groups = [*spot, *groups(types)]
    return scenario("spot-storm", about, seed=seed, hours=hours, node_groups=node_groups, actions=actions)


def zone_outage(*, seed: int = 0, hours: float = 6) -> Scenario:
    """Return services spread over three zones, of which one falls silent for an hour and a half."""
    random = Random(seed)  # noqa: S311
    types = ("c6i.2xlarge", "m6i.2xlarge", "m6i.4xlarge", "r6i.2xlarge")
    node_groups = [
        group for zone in ZONES for group in groups(types, suffix=f"-{zone}", zone=zone, max_size=60)
    ]
    actions: list[Action] = [namespace("web", "shop")]
    for number in range(9):
        name = f"service-{number}"
        requests = {"cpu": random.choice(("500m", "1")), "memory": random.choice(("1Gi", "2Gi", "4Gi"))}
        zones = spread(name, "topology.kubernetes.io/zone", when="ScheduleAnyway") if number % 3 else []
        kept = {"topologySpreadConstraints": zones}
        actions.append(deployment(0, name, "web", random.randint(6, 21), requests, **kept))
    lost = random.choice(ZONES)
    chosen = f"topology.kubernetes.io/zone={lost}"
    begin, end = 2 * HOUR, 3.5 * HOUR
    for at_s, silent, available in ((begin, "true", 0), (end, None, None)):
        patch = {"metadata": {"annotations": {SILENT: silent}}}
        actions.append(Action(at_s, "patch-all", NODES, body=patch, selector=chosen))
        actions += [
            Action(
                at_s,
                "patch",
                NODE_GROUPS,
                group["metadata"]["name"],
                "",
                {"spec": {"availableNodes": available}},
            )
            for group in node_groups
            if group["spec"]["zone"] == lost
        ]
    about = f"Zone {lost} of three falls silent for an hour and a half, and has no new nodes."
    return scenario("zone-outage", about, seed=seed, hours=hours, node_groups=node_groups, actions=actions)
