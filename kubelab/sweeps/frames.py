"""A sweep's trials and their reports as DataFrames."""

from __future__ import annotations

import pandas as pd

from kubelab.sweeps.view import SweepView


def trials_frame(view: SweepView) -> pd.DataFrame:
    """Return one row for each trial: number, name, state, the objective, each parameter, step, times, why."""
    objective = view.problem.objective
    rows = [
        {
            "number": trial.number,
            "name": trial.name,
            "state": trial.state,
            objective: trial.objective,
            **{name: trial.parameters.get(name) for name in view.problem.parameters},
            "step": trial.step,
            "started": trial.started or None,
            "ended": trial.ended or None,
            "why": trial.why,
        }
        for trial in view.trials
    ]
    columns = [
        "number",
        "name",
        "state",
        objective,
        *view.problem.parameters,
        "step",
        "started",
        "ended",
        "why",
    ]
    frame = pd.DataFrame(rows, columns=columns).astype({objective: float, "step": "Int64"})
    for column in ("started", "ended"):
        frame[column] = pd.to_datetime(frame[column], format="ISO8601", utc=True)
    return frame.set_index("number")


def curves_frame(view: SweepView) -> pd.DataFrame:
    """Return one row for each report: trial, step, name, value, time."""
    rows = [
        (trial.number, report.step, name, report.value, report.time)
        for trial in view.trials
        for name, reports in trial.reports.items()
        for report in reports
    ]
    frame = pd.DataFrame(rows, columns=["trial", "step", "name", "value", "time"])
    frame["time"] = pd.to_datetime(frame["time"], unit="s", utc=True)
    return frame
