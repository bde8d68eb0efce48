from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import Cluster, portal
from kubelab.chaos.experiment import Experiment, Target
from kubelab.chaos.hypotheses import Check
from kubelab.chaos.samples import Sample
from kubelab.chaos.verdict import Verdict
from kubelab.client import CHAOS_EXPERIMENTS, Object
from kubelab.errors import KubelabError
from kubelab.training import TrainJob
from kubelab_widgets import ChaosPanel, chaos_form
from kubelab_widgets.chaos_panel import StoppedError

if TYPE_CHECKING:
    from tests.unit.conftest import JobWorld
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]
BREAK = {
    "type": "break",
    "fault": "network-delay",
    "expect": "the job recovers",
    "dry": False,
    "values": {"rank": "", "delay_s": "0.2", "duration_s": "3", "seed": "7", "max_pods": "1"},
}


class Broken:
    """Stands for `cluster.chaos`: an experiment that goes on from sample to sample when it is let."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.look = threading.Semaphore(0)
        self.undone = threading.Event()
        self.runs = threading.Event()
        self.runs.set()

    def network_delay(self, job: TrainJob, *, on_sample: Callable[..., None], **asked: Any) -> Verdict:
        self.asked = {"job": job, **asked}
        experiment = Experiment("network-delay", (Target("Pod", "a"),), "default", hypothesis=asked["expect"])
        if asked["dry_run"]:
            return Verdict(experiment, "dry run")
        samples: list[Sample] = []
        try:
            while not self.runs.wait(0.02):
                portal.run(call(on_sample, "before", []))
            for stage, at_s, step in (("before", 10.0, 1), ("during", 10.5, 2), ("after", 11.0, 4)):
                self.look.acquire(timeout=30)
                samples.append(Sample(at_s, stage, "Running", step, 1, 0, 2, 2))  # type: ignore[arg-type]
                portal.run(call(on_sample, stage, samples))
        except StoppedError:
            self.undone.set()
            raise
        return Verdict(
            experiment, "held", (Check("after", True, "step 2 to step 4"),), samples=tuple(samples)
        )


async def call(on_sample: Callable[..., None], *arguments: Any) -> None:
    """Call it on the portal's loop, as an experiment does."""
    on_sample(*arguments)


class LabCluster(Cluster):
    """A cluster whose faults the test lets happen."""

    def __init__(self, world: JobWorld, chaos: Broken) -> None:
        self.client = world.client
        self._chaos = chaos

    @property
    def chaos(self) -> Any:
        return self._chaos


@pytest.fixture
def broken() -> Broken:
    return Broken()


@pytest.fixture
def panel(world: JobWorld, broken: Broken, page: Page, say: Say) -> Iterator[ChaosPanel]:
    with ChaosPanel(LabCluster(world, broken), world.create_job()) as shown:
        say(shown, type="hello")
        yield shown
        broken.look.release(10)


@pytest.fixture
def experiment(world: JobWorld, panel: ChaosPanel, eventually: Eventually) -> Callable[..., Object]:
    """Create an experiment as another notebook would."""
    world.serve_experiments()

    def create(uid: str, **status: Any) -> Object:
        about = Target("TrainJob", world.name, "default", uid)
        body = Experiment("drain", (Target("Node", "n<1>"),), "default", hypothesis="x", about=about)
        return world.answer(world.ask(body), **status)

    return create


def experiments(page: Page) -> list[dict[str, Any]]:
    return page.sections().get("experiments") or []


def test_the_form_offers_every_fault_with_its_own_parameters() -> None:
    form = chaos_form.describe()
    assert len(form["faults"]) == 11
    assert form["faults"]["kill-pod"]["expect"] == "the job resumes from its checkpoint"
    delay = form["faults"]["network-delay"]
    assert {field["name"]: field["value"] for field in delay["fields"]} == {
        "rank": "",
        "delay_s": "0.05",
        "jitter_s": "0",
        "duration_s": "5",
    }
    labels = [field["label"] for fault in form["faults"].values() for field in fault["fields"]]
    assert not [label for label in labels if "_" in label]


def test_what_is_asked_for_is_done_and_shown_as_it_goes_on(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, **BREAK)
    eventually(lambda: broken.asked)
    asked = {"delay_s": 0.2, "duration_s": 3.0, "seed": 7, "max_pods": 1, "expect": "the job recovers"}
    assert broken.asked == {"job": panel.job, **asked, "dry_run": False}
    broken.look.release(2)
    eventually(lambda: page.sections().get("span") == [0.5, None])
    assert page.sections()["stage"] == {"name": "during", "fault": "network-delay"}
    broken.look.release()
    eventually(lambda: page.sections().get("verdict"))
    assert page.sections()["span"] == [0.5, 1.0]
    assert page.sections()["verdict"]["outcome"] == "held"
    assert page.sections()["verdict"]["evidence"] == ["hits: pod/a", "after: yes, step 2 to step 4"]
    assert [verdict.held for verdict in panel.verdicts] == [True]


def test_a_dry_run_keeps_what_was_seen_before(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually
) -> None:
    broken.look.release(3)
    say(panel, **BREAK)
    eventually(lambda: page.sections().get("verdict") and page.sections()["busy"] is None)
    say(panel, **{**BREAK, "dry": True})
    eventually(lambda: (page.sections().get("verdict") or {}).get("outcome") == "dry run")
    assert page.sections()["span"] == [0.5, 1.0]
    assert len(panel.verdicts) == 1
    say(panel, type="hello")
    eventually(lambda: page.updates[-1].get("reset"))
    assert [each["count"] for each in page.updates[-1]["series"]] == [3, 3]


def test_a_run_is_stopped_where_nothing_is_broken_yet(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, **BREAK)
    eventually(lambda: broken.asked)
    say(panel, type="undo")
    eventually(panel._stopping.is_set)
    broken.look.release()
    eventually(broken.undone.is_set)
    eventually(lambda: "Stopped" in str(page.sections().get("notice")))
    assert page.sections()["notice"]["level"] == "info"


def test_a_run_is_stopped_while_its_job_does_not_run_yet(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually
) -> None:
    broken.runs.clear()
    say(panel, **BREAK)
    eventually(lambda: broken.asked)
    eventually(lambda: page.sections().get("stage") == {"name": "before", "fault": "network-delay"})
    say(panel, type="undo")
    eventually(broken.undone.is_set)
    eventually(lambda: "Stopped" in str(page.sections().get("notice")))


def test_a_new_run_begins_with_empty_curves(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually
) -> None:
    broken.look.release(3)
    say(panel, **BREAK)
    eventually(lambda: page.sections().get("verdict") and page.sections()["busy"] is None)
    before = len(page.updates)
    say(panel, **BREAK)
    eventually(lambda: len(page.updates) > before and page.updates[before].get("series"))
    assert all(each["reset"] and not each["count"] for each in page.updates[before]["series"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fault": "earthquake"}, "there is no fault 'earthquake'"),
        ({"values": {"delay_s": "long"}}, "Late by, s: 'long' is no number."),
        ({"values": {"rank": "1.5"}}, "Rank: '1.5' is no whole number."),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    panel: ChaosPanel, broken: Broken, page: Page, say: Say, eventually: Eventually, wrong: Any, said: str
) -> None:
    say(panel, **{**BREAK, **wrong})
    eventually(lambda: said in str(page.sections().get("notice")))
    assert not broken.asked


def test_a_panel_that_is_closed_undoes_what_it_has_broken(
    panel: ChaosPanel, broken: Broken, say: Say, eventually: Eventually
) -> None:
    say(panel, **BREAK)
    eventually(lambda: broken.asked)
    broken.look.release()
    closing = threading.Thread(target=panel.close)
    closing.start()
    eventually(panel._stopping.is_set)
    broken.look.release()
    closing.join(30)
    assert broken.undone.is_set()
    assert not panel.verdicts


def test_experiments_about_the_job_are_shown_whoever_makes_them(
    world: JobWorld, page: Page, experiment: Callable[..., Object], eventually: Eventually
) -> None:
    experiment("another's")
    mine = experiment(world.uid, phase="Active", did="cordoned n<1>")
    eventually(lambda: experiments(page))
    (row,) = experiments(page)
    assert (row["name"], row["phase"]) == (mine["metadata"]["name"], "Active")
    assert tuple(row["evidence"]) == ("hits: node/n<1>", "done: cordoned n<1>")


def test_undo_asks_for_what_is_active_and_for_nothing_else(
    world: JobWorld,
    panel: ChaosPanel,
    page: Page,
    say: Say,
    experiment: Callable[..., Object],
    eventually: Eventually,
) -> None:
    ended = experiment(world.uid, phase="Ended")
    active = experiment(world.uid, phase="Active")
    eventually(lambda: len(experiments(page)) == 2)
    say(panel, type="undo")

    def stops(made: Object) -> bool:
        found = portal.run(world.client.get(CHAOS_EXPERIMENTS, made["metadata"]["name"], "default"))
        return bool(found["spec"].get("stop"))

    eventually(lambda: stops(active))
    assert not stops(ended)


def test_a_still_view_shows_the_evidence_escaped(
    world: JobWorld, panel: ChaosPanel, experiment: Callable[..., Object], page: Page, eventually: Eventually
) -> None:
    assert "nothing was broken yet" in panel.fallback()
    experiment(world.uid, phase="Ended", verdict="Held", evidence=["after: yes, step 2 to step <4>"])
    eventually(lambda: experiments(page))
    assert "step 2 to step &lt;4&gt;" in panel.fallback()
    assert repr(panel) == "<ChaosPanel of train-7f3a>"


def test_what_is_no_job_has_no_panel(world: JobWorld, broken: Broken) -> None:
    with pytest.raises(KubelabError, match="Pass a cluster and a job"):
        ChaosPanel(LabCluster(world, broken), "train-7f3a")  # type: ignore[arg-type]
