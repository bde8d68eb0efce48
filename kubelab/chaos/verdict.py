"""`Verdict`: what an experiment showed."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kubelab.chaos.experiment import Experiment
from kubelab.chaos.hypotheses import Check
from kubelab.chaos.samples import Sample

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Outcome = Literal["held", "broken", "no effect", "not steady", "refused", "dry run"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether what was expected held, and what shows it.

    Attributes
    ----------
    experiment : Experiment
        What was done; its object has the same name.
    outcome : {"held", "broken", "no effect", "not steady", "refused", "dry run"}
        Whether it held; that it held while the fault touched nothing, which shows nothing; or why the fault
        was not injected: what was expected did not hold before it either, the cluster refused it, or it was
        only tried out.
    checks : tuple of Check
        For each stage whether it held, with the numbers.
    did, undid : str
        What was done to the targets, and how it was undone.
    reason : str
        Why the cluster refused.
    samples : tuple of Sample
        What was seen.
    events : tuple of dict
        What the cluster said meanwhile of the job and the targets: time, type, object, reason, message.
    """

    experiment: Experiment
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    did: str = ""
    undid: str = ""
    reason: str = ""
    samples: tuple[Sample, ...] = ()
    events: tuple[dict[str, object], ...] = field(default=(), repr=False)

    @property
    def held(self) -> bool:
        """Whether what was expected held before, during and after the fault."""
        return self.outcome == "held"

    @property
    def evidence(self) -> tuple[str, ...]:
        """Sentences: whom it hit, what was done, and what was seen in each stage."""
        hits = ", ".join(map(str, self.experiment.targets))
        said = [f"{'would hit' if self.outcome == 'dry run' else 'hits'}: {hits}"]
        said += [f"done: {self.did}"] * bool(self.did)
        said += [f"{each.stage}: {'yes' if each.holds else 'no'}, {each.evidence}" for each in self.checks]
        said += [f"undone: {self.undid}"] * bool(self.undid)
        said += [self.reason] * bool(self.reason)
        return tuple(said)

    def frame(self) -> pd.DataFrame:
        """Return what was seen, a row for each sample; times are seconds since the fault."""
        import pandas as pd

        columns = list(Sample.__dataclass_fields__)
        return pd.DataFrame(
            [[getattr(sample, name) for name in columns] for sample in self.samples], columns=columns
        )

    def figure(self) -> go.Figure:
        """Return a plotly figure of the job's steps and workers over time, with the fault marked."""
        from kubelab.figures.chaos import steps_over_time

        experiment = self.experiment
        title = f'{experiment.fault}: "{experiment.hypothesis}" {self.outcome}'
        return steps_over_time(self.samples, title=title, duration_s=experiment.duration_s)

    def __repr__(self) -> str:
        experiment = self.experiment
        return f'<Verdict {experiment.fault}: "{experiment.hypothesis}" {self.outcome}>'

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.evidence)
        return f"<code>{html.escape(repr(self))}</code><ul>{items}</ul>"


def outcome_of(checks: tuple[Check, ...], affected: int | None) -> Outcome:
    """Return what the checks of the three stages amount to.

    Parameters
    ----------
    checks : tuple of Check
        Of each stage.
    affected : int, optional
        How many requests, packets or pods the fault touched, where that is counted.
    """
    if not all(check.holds for check in checks):
        return "broken"
    return "no effect" if affected == 0 else "held"
