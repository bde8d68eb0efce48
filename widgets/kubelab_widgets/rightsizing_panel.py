"""`RightsizingPanel`: what containers ask for, use and should ask for, why, and to change it and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from kubelab import Cluster, portal
from kubelab.errors import KubelabError
from kubelab.live import Answer, Question, RightsizingSnapshot, RightsizingWatch, SizedRow, ask
from kubelab.live.rightsizing_snapshot import Name
from kubelab.rightsizing.strategies import STRATEGIES, strategy_of
from kubelab.usage.series import UsageSource
from kubelab_widgets.assets import module, style
from kubelab_widgets.cluster_panel import ClusterPanel
from kubelab_widgets.live_panel import Notice
from kubelab_widgets.rightsizing_fallback import rightsizing_html

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 5
Number = tuple[Name, str]
"""A row by which group of containers and which resource it is about."""


class RightsizingPanel(ClusterPanel):
    """A live panel of a cluster's requests: beside each what is used, what is recommended, how sure, and why.

    What it recommends can be applied to one group of containers or to all, and undone. DaemonSets have a map
    of what their pods use on each node.

    Parameters
    ----------
    cluster : Cluster
        Any: the lab's own, a context's or a simulated one.
    strategy, scope, namespace, window, source
        As of `Cluster.rightsize`.
    in_place : bool
        Whether running pods are resized; else their workloads' templates change. The page can switch it.

    Raises
    ------
    KubelabError
        If it is no cluster, or there is no such strategy.

    Examples
    --------
    >>> RightsizingPanel(lab, "vpa", scope="kubernetes.io/hostname")  # doctest: +SKIP
    """

    _esm = module("rightsizing_panel.js")
    _css = style("panel.css") + style("fleet.css") + style("rightsizing.css")

    def __init__(
        self,
        cluster: Cluster,
        strategy: str = "adaptive",
        *,
        scope: str | None = None,
        namespace: str | None = None,
        window: timedelta | None = None,
        source: UsageSource | None = None,
        in_place: bool = False,
    ) -> None:
        self._question = Question(strategy_of(strategy).name, scope, namespace, window, source, in_place)
        self._answer: Answer | None = None
        self._watch: RightsizingWatch | None = None
        self._numbers: dict[Number, int] = {}
        self._rows: dict[int, SizedRow] = {}
        super().__init__(cluster)

    def prepare(self) -> None:
        """Read the cluster once, and begin to watch it."""
        self._watch = RightsizingWatch(self._read, self._answered)
        self._outbox.put(cluster=self.cluster.name, strategies=list(STRATEGIES))
        self._put_question()
        try:
            self._show(self._read())
        except KubelabError as error:
            self._outbox.put(notice=self.notice_of(error))
        portal.run(self._watch.start())
        self.follow_time()

    def fallback(self) -> str:
        """Return the requests as still HTML."""
        if self._answer is None:
            return f"<p>{escape(repr(self))}</p>"
        return rightsizing_html(self.cluster.name, self._answer.snapshot)

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again({})
            case "strategy":
                self._choose(str(message.get("strategy", "")))
            case "in_place":
                self._question = replace(self._question, in_place=bool(message.get("yes")))
                self._put_question()
                self.tick()
            case "apply":
                self.begin("apply", lambda: self._apply(_name(message.get("name"))))
            case "undo":
                which = tuple(str(message.get(key, "")) for key in ("namespace", "object", "container"))
                self.begin("undo", lambda: self._undo(which if any(which) else None))
            case _:
                super().act(message)

    def done(self, result: object) -> Notice | None:
        """Say what was done, and show what is there now."""
        if isinstance(result, _Done):
            self._show(result.answer)
            return {"level": "info" if result.whole else "error", "text": result.text}
        return None

    def _read(self) -> Answer:
        """Read the cluster (on a thread, or in the cell)."""
        return ask(self.cluster, self._question)

    def _apply(self, name: Name | None) -> _Done:
        """Make the changes that were shown, of one group or all (on the thread)."""
        if self._answer is None or self._answer.question != self._question:
            raise KubelabError(
                "what is shown is not yet what was asked for. Wait until it is, and look again."
            )
        plan = self._answer.plan if name is None else self._answer.plan_of(name)
        return _Done.of(plan.apply(), "Changed", self._read())

    def _undo(self, which: tuple[str, ...] | None) -> _Done:
        """Put back one change or all (on the thread)."""
        if self._answer is None:
            raise KubelabError("nothing was changed.")
        applied = self._answer.applied if which is None else self._answer.applied_to(*which)
        return _Done.of(applied.undo(), "Put back", self._read())

    def _choose(self, strategy: str) -> None:
        try:
            self._question = replace(self._question, strategy=strategy_of(strategy).name)
        except KubelabError as error:
            self._outbox.put(notice=self.notice_of(error))
        self._put_question()
        self.tick()

    def _put_question(self) -> None:
        settled = self._answer is not None and self._answer.question == self._question
        shown = {"strategy": self._question.strategy, "in_place": self._question.in_place, "settled": settled}
        self._outbox.put(question=shown)

    def _answered(self, answer: Answer | Exception) -> None:
        if isinstance(answer, Exception):
            self._outbox.put(notice=self.notice_of(answer))
            self._unanswered = True
        else:
            self.answered(self.cluster.name, yes=True)
            self._show(answer)
        self.update()

    def _show(self, answer: Answer) -> None:
        self._answer = answer
        self._put_question()
        snapshot = answer.snapshot
        rows = {self._number(row): row for row in snapshot.rows}
        self._outbox.drop_rows(self._rows.keys() - rows.keys())
        self._outbox.put_rows(
            {number: _content(number, row) for number, row in rows.items() if self._rows.get(number) != row}
        )
        self._rows = rows
        self._outbox.put(
            rightsizing=_summary(snapshot),
            changes=[asdict(each) for each in snapshot.changes],
            heat=[asdict(each) for each in snapshot.heat],
            applied=[asdict(each) for each in snapshot.applied],
        )

    def _number(self, row: SizedRow) -> int:
        """Return the number of a row, which it keeps."""
        return self._numbers.setdefault((row.name, row.resource), len(self._numbers) + 1)


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of an action, and what is there after it."""

    text: str
    whole: bool
    answer: Answer

    @staticmethod
    def of(outcomes: pd.DataFrame, verb: str, answer: Answer) -> _Done:
        done = int(outcomes["done"].sum())
        failed = outcomes[~outcomes["done"].astype(bool)]
        head = f"{verb} {done} of {len(outcomes)}." if len(outcomes) else "There is nothing to do."
        named = failed.head(_NAMED).itertuples()
        tail = [f"{each.object}, {each.container}: {each.message}" for each in named]
        return _Done("\n".join([head, *tail]), failed.empty, answer)


def _content(number: int, row: SizedRow) -> dict[str, Any]:
    return {"number": number, **asdict(row)}


def _summary(snapshot: RightsizingSnapshot) -> dict[str, Any]:
    return {
        "strategy": snapshot.strategy,
        "scope": snapshot.scope,
        "saves_usd_per_month": round(snapshot.saves_usd_per_month, 2),
        "missing": list(snapshot.missing),
    }


def _name(given: object) -> Name | None:
    """Return which group of containers a page means; None for all."""
    if given is None:
        return None
    if isinstance(given, list) and len(given) == 5:
        namespace, kind, workload, container, scope_value = map(str, given)
        return (namespace, kind, workload, container, scope_value)
    raise KubelabError(f"{given!r} names no container. Choose one of the list.")
