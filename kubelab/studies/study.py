"""`study`: the same scenario on many simulated clusters, under several policies, in parallel processes."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from os import cpu_count
from statistics import mean
from typing import TYPE_CHECKING

from kubelab.errors import KubelabError
from kubelab.studies.trial import Case, Outcome, carry_out
from kubelab.training.progress_line import ProgressLine

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.scheduling.snapshot import ScoringStrategy

POLICIES = ("score,least-waste", "least-waste", "price", "random")

THRIFTY: Mapping[str, float] = {
    "utilization_threshold": 1.0,
    "unneeded_s": 60,
    "delay_after_add_s": 0,
    "consolidate": True,
}
"""Settings of scale-down that let no idle node live long; Cluster Autoscaler's own are slower, and calmer."""


class StudyError(KubelabError, ValueError):
    """A study that makes no sense, or that could not be carried out."""


@dataclass(frozen=True)
class Study:
    """What came of a study.

    Attributes
    ----------
    outcomes : tuple of Outcome
        Of every cluster and policy, in the order of scenario, seed and policy.
    bounds : dict
        The lower bound of each scenario and seed in USD.
    """

    outcomes: tuple[Outcome, ...]
    bounds: dict[tuple[str, int], float]

    def runs(self) -> pd.DataFrame:
        """Return one row a cluster and policy.

        Returns
        -------
        DataFrame
            scenario, seed, policy, usd, lower_bound_usd, ratio, pods, pending_s, pending_s_per_pod,
            node_hours.
        """
        import pandas as pd

        return pd.DataFrame([self._row(each) for each in self.outcomes])

    def summary(self) -> pd.DataFrame:
        """Return one row a scenario and policy, over all its clusters; the cheapest first.

        Returns
        -------
        DataFrame
            scenario, policy, clusters, usd, lower_bound_usd (both summed), ratio, worst_ratio,
            pending_s_per_pod (mean).
        """
        runs = self.runs()
        grouped = runs.groupby(["scenario", "policy"], sort=False)
        found = grouped.agg(
            clusters=("seed", "size"),
            usd=("usd", "sum"),
            lower_bound_usd=("lower_bound_usd", "sum"),
            worst_ratio=("ratio", "max"),
            pods=("pods", "sum"),
            pending_s=("pending_s", "sum"),
        ).reset_index()
        found["ratio"] = found["usd"] / found["lower_bound_usd"]
        found["pending_s_per_pod"] = found["pending_s"] / found["pods"].clip(lower=1)
        columns = ["scenario", "policy", "clusters", "usd", "lower_bound_usd", "ratio", "worst_ratio"]
        ordered = found.sort_values(["scenario", "usd"], kind="stable")
        return ordered[[*columns, "pending_s_per_pod"]].reset_index(drop=True)

    def ratio(self, policy: str) -> float:
        """Return a policy's cost by the lower bound, on average over all clusters."""
        return mean(
            each.usd / self.bounds[each.case.scenario, each.case.seed]
            for each in self.outcomes
            if each.case.policy == policy
        )

    def _row(self, outcome: Outcome) -> dict[str, object]:
        case, bound = outcome.case, self.bounds[outcome.case.scenario, outcome.case.seed]
        return {
            "scenario": case.scenario,
            "seed": case.seed,
            "policy": case.policy,
            "usd": outcome.usd,
            "lower_bound_usd": bound,
            "ratio": outcome.usd / bound if bound else float("nan"),
            "pods": outcome.pods,
            "pending_s": outcome.pending_s,
            "pending_s_per_pod": outcome.pending_s / max(outcome.pods, 1),
            "node_hours": outcome.node_hours,
        }

    def __repr__(self) -> str:
        policies = list(dict.fromkeys(each.case.policy for each in self.outcomes))
        ratios = ", ".join(f"{policy} {self.ratio(policy):.3f}" for policy in policies)
        return f"<Study of {len(self.bounds)} clusters: {ratios} x the lower bound>"


def study(
    scenario: str | Sequence[str] = "web-day",
    *,
    clusters: int = 24,
    policies: Sequence[str] = POLICIES,
    seed: int = 0,
    hours: float | None = None,
    scale_down: Mapping[str, float] | None = None,
    scoring_strategy: ScoringStrategy = "LeastAllocated",
    processes: int | None = None,
    show_progress: bool = True,
) -> Study:
    """Play a scenario on many simulated clusters under each of several policies.

    Each cluster has a seed of its own, so a load of its own; all use the same catalogue, the one in use. The
    same arguments give the same study, however many processes share the work.

    Parameters
    ----------
    scenario : str or sequence of str
        Names of `kubelab.scenarios.SEEDED`.
    clusters : int
        How many, for each scenario.
    policies : sequence of str
        Chains of expanders.
    seed : int
        Of the first cluster; the others have those that follow.
    hours : float, optional
        How long to simulate; each scenario's own length unless given.
    scale_down : mapping, optional
        The same for all policies, as in `kubelab.cluster.Cluster.autoscale`; `THRIFTY`, for instance.
    scoring_strategy : "LeastAllocated" or "MostAllocated"
        The scheduler's, as in `kubelab.cluster.Cluster.simulated`.
    processes : int, optional
        How many work at a time; as many as there are processors unless given.
    show_progress : bool
        Whether a line says how far it is, in a notebook or a terminal.

    Raises
    ------
    KubelabError
        If there is no such scenario or policy, or there is nothing to simulate.
    """
    names = [scenario] if isinstance(scenario, str) else list(scenario)
    if clusters < 1 or not names or not policies:
        raise StudyError(
            f"{clusters} clusters, {len(names)} scenarios and {len(policies)} policies: give each."
        )
    seeds = range(seed, seed + clusters)
    down = tuple(sorted((scale_down or {}).items()))
    cases = [
        Case(name, each, policy, hours, down, scoring_strategy)
        for name in names
        for each in seeds
        for policy in (*policies, "")
    ]
    _check(names, policies)
    done: dict[Case, Outcome] = {}
    with ProgressLine(shown=show_progress) as line:
        for each in _together(cases, processes or cpu_count() or 1):
            done[each.case] = each
            line.update(f"{len(done)} of {len(cases)} simulations", done=len(done) / len(cases))
    outcomes = [done[case] for case in cases]
    bounds = {(each.case.scenario, each.case.seed): each.usd for each in outcomes if not each.case.policy}
    return Study(tuple(each for each in outcomes if each.case.policy), bounds)


def _check(names: Iterable[str], policies: Iterable[str]) -> None:
    from kubelab.autoscaling.builders import cluster_autoscaler

    for name in names:
        Case(name, 0, "").made()
    for policy in policies:
        cluster_autoscaler(policy)


def _together(cases: Sequence[Case], processes: int) -> Iterator[Outcome]:
    """Yield outcomes as they come; the processes end with this, however it ends."""
    others = set(active_children())
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        futures = [pool.submit(carry_out, case) for case in cases]
        for future in as_completed(futures):
            yield future.result()
    except BaseException:
        for process in set(active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Let Ctrl-C be the parent's to answer: it ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
