"""Whole sweeps on the in-process lab: the three controllers of Katib's kinds together."""

from __future__ import annotations

import copy

import pytest

from kubelab.client import (
    CONFIG_MAPS,
    EVENTS,
    EXPERIMENTS,
    JOBS,
    PODS,
    SUGGESTIONS,
    TRAIN_JOBS,
    TRIALS,
    Object,
    Resource,
)
from kubelab.sweeps.names import PAUSED_ANNOTATION, STOPPED_ANNOTATION
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.sweep_world import SweepWorld, trial_of
from tests.unit.engine.controllers.sweeps import JOB, experiment


@pytest.fixture
def world(lab: Lab) -> SweepWorld:
    return SweepWorld(lab)


async def test_a_sweep_runs_to_its_end_and_names_the_best_trial(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=3))
    losses: dict[str, str] = {}
    for loss in ("0.5", "0.25", "0.75"):
        (pod,) = await world.pods_of_trials(1)
        losses[trial_of(pod)] = loss
        await world.play(pod, "loss=0.9", f"loss={loss}")
    done = await world.experiment("Succeeded")
    status = done["status"]
    assert status["conditions"][-1]["reason"] == "ExperimentMaxTrialsReached"
    assert (status["trials"], status["trialsSucceeded"]) == (3, 3)
    best = status["currentOptimalTrial"]
    assert losses[best["bestTrialName"]] == "0.25"
    assert best["observation"]["metrics"] == [{"name": "loss", "min": "0.25", "max": "0.9", "latest": "0.25"}]
    suggestion = await world.lab.client.get(SUGGESTIONS, "sweep", "default")
    suggested = {each["name"]: each["parameterAssignments"] for each in suggestion["status"]["suggestions"]}
    assert set(suggested) == set(losses)
    assert best["parameterAssignments"] == suggested[best["bestTrialName"]]
    assert suggestion["spec"]["requests"] == suggestion["status"]["suggestionCount"] == 3


async def test_no_more_trials_run_than_may(world: SweepWorld) -> None:
    await world.create(experiment(parallelTrialCount=2, maxTrialCount=5))
    for _ in range(5):
        trials = (await world.lab.client.list(TRIALS, "default")).items
        ended = {"Succeeded", "Failed"}
        active = [each for each in trials if _last_type(each) not in ended]
        assert len(active) <= 2
        (pod,) = await world.pods_of_trials(1)
        await world.play(pod, "loss=1")
    await world.experiment("Succeeded")
    assert len((await world.lab.client.list(TRIALS, "default")).items) == 5


async def test_the_run_is_there_before_its_trial_and_becomes_the_trials_own(world: SweepWorld) -> None:
    lab = world.lab
    versions: dict[tuple[str, str], int] = {}

    def note(kind: str, new: Object | None) -> None:
        if new is not None:
            key = (kind, new["metadata"]["name"])
            versions.setdefault(key, int(new["metadata"]["resourceVersion"]))

    lab.informers.of(TRAIN_JOBS).subscribe(lambda _old, new: note("run", new))
    lab.informers.of(TRIALS).subscribe(lambda _old, new: note("trial", new))
    await lab.informers.start()
    train_job = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "spec": {
            "runtimeRef": {"name": "jax-distributed"},
            "trainer": {"numNodes": 1, "args": ["${trialParameters.rate}"]},
        },
    }
    await world.create(experiment(template={"trialSpec": train_job, "primaryContainerName": "node"}))
    pods = await world.pods_of_trials(2)
    for pod in pods:
        name = trial_of(pod)
        trial = await world.trial(name, "Running")

        def owned(objects: dict[str, Object], name: str = name) -> list[Object] | None:
            references = objects[name]["metadata"]["ownerReferences"]
            return references if references[0]["kind"] == "Trial" else None

        (owner,) = await lab.until(TRAIN_JOBS, owned)
        assert owner["uid"] == trial["metadata"]["uid"]
        assert versions[("run", name)] < versions[("trial", name)]


async def test_runs_of_trials_that_are_over_are_deleted_unless_retained(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=1, parallelTrialCount=1))
    (pod,) = await world.pods_of_trials(1)
    await world.play(pod, "loss=1")
    await world.lab.gone(JOBS, trial_of(pod))
    kept = experiment("kept", maxTrialCount=1, parallelTrialCount=1, template={"retain": True})
    await world.create(kept)
    (pod,) = await world.pods_of_trials(1)
    await world.play(pod, "loss=1")
    await world.experiment("Succeeded", "kept")
    assert await world.jobs() == [trial_of(pod)]


async def test_curves_are_kept_while_a_trial_runs_and_after(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=1, parallelTrialCount=1))
    (pod,) = await world.pods_of_trials(1)
    name = trial_of(pod)
    await world.start(pod)
    await world.print(pod, "loss=3")
    assert await world.history(name, "loss", 1) == [3]
    await world.print(pod, "loss=2", "loss=1")
    assert await world.history(name, "loss", 3) == [3, 2, 1]
    await world.print(pod, "loss=0.5")
    await world.end(pod)
    await world.trial(name, "Succeeded")
    assert await world.history(name, "loss", 4) == [3, 2, 1, 0.5]
    history = await world.lab.client.get(CONFIG_MAPS, f"{name}-observations", "default")
    assert history["metadata"]["labels"]["katib.kubeflow.org/experiment"] == "sweep"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_what_was_kept_outlives_a_restart_after_which_no_log_is_left(
    world: SweepWorld, phase: str
) -> None:
    once = {**JOB, "spec": {**JOB["spec"], "backoffLimit": 0}}
    counts = {"maxTrialCount": 1, "parallelTrialCount": 1, "maxFailedTrialCount": 1}
    await world.create(experiment(template={"trialSpec": once}, **counts))
    (pod,) = await world.pods_of_trials(1)
    name = trial_of(pod)
    await world.start(pod)
    await world.print(pod, "loss=3", "loss=2")
    assert await world.history(name, "loss", 2) == [3, 2]
    await world.lab.stop_controllers()
    world.lines.clear()
    await world.end(pod, phase)
    await world.lab.start_controllers()
    await world.trial(name, phase)
    await world.experiment(phase)
    assert await world.history(name, "loss", 2) == [3, 2]


async def test_success_without_the_objective_names_what_was_reported(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=2, maxFailedTrialCount=2))
    for pod in await world.pods_of_trials(2):
        await world.play(pod, "accuracy=0.5")
    done = await world.experiment("Failed")
    assert done["status"]["trialMetricsUnavailable"] == 2
    trial = await world.trial(done["status"]["metricsUnavailableTrialList"][0], "MetricsUnavailable")
    assert "accuracy" in trial["status"]["conditions"][-1]["message"]


async def test_failed_trials_fail_the_experiment_when_they_are_too_many(world: SweepWorld) -> None:
    job = copy.deepcopy(JOB)
    job["spec"]["backoffLimit"] = 0
    await world.create(experiment(maxFailedTrialCount=1, template={"trialSpec": job}))
    pod, _ = await world.pods_of_trials(2)
    await world.play(pod, "loss=1", phase="Failed")
    done = await world.experiment("Failed")
    assert done["status"]["failedTrialList"] == [trial_of(pod)]


async def test_a_trial_worse_than_those_before_it_is_stopped_with_its_reason(world: SweepWorld) -> None:
    settings = [{"name": "min_trials_required", "value": "2"}, {"name": "start_step", "value": "2"}]
    stopping = {"algorithmName": "medianstop", "algorithmSettings": settings}
    await world.create(experiment(maxTrialCount=4, earlyStopping=stopping))
    for pod in await world.pods_of_trials(2):
        await world.play(pod, "loss=1", "loss=2")
        await world.trial(trial_of(pod), "Succeeded")
    # The third was suggested when only one had succeeded, and has no bound; the fourth has one.
    third, fourth = await world.pods_of_trials(2)
    await world.start(fourth)
    await world.print(fourth, "step=100 loss=5", "step=200 loss=4")
    stopped = await world.trial(trial_of(fourth), "EarlyStopped")
    assert stopped["spec"]["earlyStoppingRules"][0]["value"] == "1.5"
    reason = "step 200: loss 4 is worse than the median 1.5 of 2 trials"
    assert stopped["status"]["conditions"][-1]["message"] == reason
    assert stopped["status"]["observation"]["metrics"][0]["min"] == "4"
    assert await world.history(trial_of(fourth), "loss", 2) == [5, 4]
    await world.lab.gone(JOBS, trial_of(fourth))
    assert await world.lab.until(
        EVENTS, lambda events: [each for each in events.values() if each["message"] == reason]
    )
    await world.play(third, "loss=9", "loss=9", "loss=9")
    done = await world.experiment("Succeeded")
    assert done["status"]["earlyStoppedTrialList"] == [trial_of(fourth)]


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("asha", {"min_resource": "2", "eta": "2"}),
        ("hyperband", {"min_resource": "2", "max_resource": "8", "eta": "2"}),
    ],
)
async def test_an_algorithm_with_a_rule_stops_a_trial_on_its_live_reports(
    world: SweepWorld, algorithm: str, settings: dict[str, str]
) -> None:
    listed = [{"name": name, "value": value} for name, value in settings.items()]
    await world.create(experiment(algorithm={"algorithmName": algorithm, "algorithmSettings": listed}))
    first, second = await world.pods_of_trials(2)
    await world.start(first)
    await world.print(first, "step=1 loss=1", "step=2 loss=0.5")
    await world.history(trial_of(first), "loss", 2)
    await world.start(second)
    await world.print(second, "step=1 loss=1", "step=2 loss=0.9")
    stopped = await world.trial(trial_of(second), "EarlyStopped")
    assert stopped["status"]["conditions"][-1]["message"].startswith("step 2: loss 0.9 is not")


async def test_a_paused_sweep_goes_on_when_it_is_resumed(world: SweepWorld) -> None:
    client = world.lab.client
    await world.create(experiment())
    first, second = await world.pods_of_trials(2)
    pause = {"metadata": {"annotations": {PAUSED_ANNOTATION: "true"}}}
    await client.patch(EXPERIMENTS, "sweep", pause, "default")
    await world.play(first, "loss=1")
    await world.play(second, "loss=1")
    await world.lab.until(EXPERIMENTS, lambda objects: objects["sweep"]["status"].get("trialsSucceeded") == 2)
    assert len((await client.list(TRIALS, "default")).items) == 2
    assert _last_type(await client.get(EXPERIMENTS, "sweep", "default")) == "Running"
    resume = {"metadata": {"annotations": {PAUSED_ANNOTATION: None}}}
    await client.patch(EXPERIMENTS, "sweep", resume, "default")
    assert len(await world.pods_of_trials(2)) == 2


async def test_a_stopped_sweep_kills_what_runs_and_succeeds(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=9))
    first, second = await world.pods_of_trials(2)
    for pod in (first, second):
        await world.start(pod)
    await world.print(first, "loss=0.5")
    await world.history(trial_of(first), "loss", 1)
    stop = {"metadata": {"annotations": {STOPPED_ANNOTATION: "true"}}}
    await world.lab.client.patch(EXPERIMENTS, "sweep", stop, "default")
    done = await world.experiment("Succeeded")
    assert done["status"]["conditions"][-1]["reason"] == "ExperimentStopped"
    assert sorted(done["status"]["killedTrialList"]) == sorted([trial_of(first), trial_of(second)])
    killed = await world.trial(trial_of(first), "Killed")
    assert killed["status"]["observation"]["metrics"][0]["min"] == "0.5"
    await world.lab.gone(JOBS, trial_of(first))


async def test_a_raised_budget_goes_on_with_what_is_known(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=2, resumePolicy="FromVolume"))
    for pod in await world.pods_of_trials(2):
        await world.play(pod, "loss=1")
    await world.experiment("Succeeded")
    await world.lab.condition(SUGGESTIONS, "sweep", "Succeeded")
    await world.lab.client.patch(EXPERIMENTS, "sweep", {"spec": {"maxTrialCount": 3}}, "default")
    (pod,) = await world.pods_of_trials(1)
    await world.play(pod, "loss=0.5")
    done = await world.lab.until(
        EXPERIMENTS,
        lambda objects: objects["sweep"] if objects["sweep"]["status"].get("trialsSucceeded") == 3 else None,
    )
    assert done["status"]["currentOptimalTrial"]["bestTrialName"] == trial_of(pod)
    assert {each["type"] for each in done["status"]["conditions"]} >= {"Restarting"}


async def test_lowered_parallel_deletes_a_trial_that_comes_back_later(world: SweepWorld) -> None:
    await world.create(experiment(maxTrialCount=2))
    pods = await world.pods_of_trials(2)
    await world.lab.client.patch(EXPERIMENTS, "sweep", {"spec": {"parallelTrialCount": 1}}, "default")
    await world.lab.until(TRIALS, lambda trials: len(trials) == 1)
    names = [each["metadata"]["name"] for each in (await world.lab.client.list(TRIALS, "default")).items]
    (left,) = [pod for pod in pods if trial_of(pod) == names[0]]
    (gone,) = [pod for pod in pods if trial_of(pod) != names[0]]
    await world.lab.gone(PODS, gone["metadata"]["name"])
    await world.play(left, "loss=1")
    (again,) = await world.pods_of_trials(1)
    assert trial_of(again) == trial_of(gone)
    await world.play(again, "loss=2")
    assert (await world.experiment("Succeeded"))["status"]["trialsSucceeded"] == 2


async def test_others_may_push_reports_into_the_history(world: SweepWorld) -> None:
    push = {"collector": {"kind": "Push"}}
    await world.create(experiment(maxTrialCount=1, parallelTrialCount=1, metricsCollectorSpec=push))
    await world.start_db_manager()
    (pod,) = await world.pods_of_trials(1)
    name = f"{trial_of(pod)}-observations"
    await world.lab.until(CONFIG_MAPS, lambda objects: name in objects)
    await world.start(pod)
    data = {"data": {"reports.json": '{"loss": [[1, 0.5, 7], [2, 0.25, 8]]}'}}
    await world.lab.client.patch(CONFIG_MAPS, name, data, "default")
    await world.end(pod)
    done = await world.trial(trial_of(pod), "Succeeded")
    assert done["status"]["observation"]["metrics"] == [
        {"name": "loss", "min": "0.25", "max": "0.5", "latest": "0.25"}
    ]


async def test_a_template_may_be_kept_in_a_config_map(world: SweepWorld) -> None:
    text = (
        "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {restartPolicy: Never, containers: "
        '[{name: main, image: busybox, args: ["${trialParameters.rate}"]}]}}}}'
    )
    templates = {"metadata": {"name": "templates"}, "data": {"job.yaml": text}}
    await world.lab.client.create(CONFIG_MAPS, templates, "default")
    place = {"configMapName": "templates", "configMapNamespace": "default", "templatePath": "job.yaml"}
    condition = 'status.conditions.#(type=="{}")#|#(status=="True")#'
    template = {
        "trialSpec": None,
        "configMap": place,
        "successCondition": condition.format("Complete"),
        "failureCondition": condition.format("Failed"),
    }
    made = experiment(maxTrialCount=1, parallelTrialCount=1, template=template)
    del made["spec"]["trialTemplate"]["trialSpec"]
    await world.create(made)
    (pod,) = await world.pods_of_trials(1)
    await world.play(pod, "loss=1")
    await world.experiment("Succeeded")


async def test_a_template_that_is_nowhere_fails_the_experiment_and_says_so(world: SweepWorld) -> None:
    place = {"configMapName": "templates", "configMapNamespace": "default", "templatePath": "job.yaml"}
    template = {"configMap": place, "successCondition": "a", "failureCondition": "b"}
    made = experiment(template=template)
    del made["spec"]["trialTemplate"]["trialSpec"]
    await world.create(made)
    failed = await world.experiment("Failed")
    assert (
        "ConfigMap default/templates, which does not exist" in failed["status"]["conditions"][-1]["message"]
    )


async def test_a_run_that_is_not_valid_fails_its_trial(world: SweepWorld) -> None:
    job = copy.deepcopy(JOB)
    job["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    await world.create(experiment(maxFailedTrialCount=1, template={"trialSpec": job}))
    failed = await world.experiment("Failed")
    trial = await world.trial(failed["status"]["failedTrialList"][0], "Failed")
    assert "restartPolicy" in trial["status"]["conditions"][-1]["message"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"algorithm": {"algorithmName": "magic"}}, "algorithm 'magic' is not known. Choose one of:"),
        (
            {"earlyStopping": {"algorithmName": "magic"}},
            "early stopping 'magic' is not known. Choose one of:",
        ),
    ],
)
async def test_a_setting_that_is_not_known_is_refused_where_the_server_does_not_look(
    lab: Lab, asked: Object, said: str
) -> None:
    # As on upstream's kube-apiserver, which has neither Katib's defaults nor its checks.
    from kubelab.engine.apiserver import validation

    world = SweepWorld(lab)
    made = experiment(**asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "_webhook_causes", lambda *_: iter(()))
        await world.create(made)
        failed = await world.experiment("Failed")
    message = failed["status"]["conditions"][-1]["message"]
    assert said in message


async def test_controllers_that_start_anew_repeat_nothing_and_lose_nothing(world: SweepWorld) -> None:
    lab = world.lab
    await world.create(experiment(maxTrialCount=4))
    first, second = await world.pods_of_trials(2)
    await world.start(first)
    await world.print(first, "loss=3", "loss=2")
    await world.history(trial_of(first), "loss", 2)
    await lab.stop_controllers()
    await world.print(first, "loss=1")
    await world.end(first)
    await lab.start_controllers()
    done = await world.trial(trial_of(first), "Succeeded")
    assert done["status"]["observation"]["metrics"][0]["min"] == "1"
    assert await world.history(trial_of(first), "loss", 3) == [3, 2, 1]
    await world.play(second, "loss=5")
    for _ in range(2):
        await lab.stop_controllers()
        await lab.start_controllers()
        (pod,) = await world.pods_of_trials(1)
        await world.play(pod, "loss=4")
    status = (await world.experiment("Succeeded"))["status"]
    suggestion = await lab.client.get(SUGGESTIONS, "sweep", "default")
    names = [each["name"] for each in suggestion["status"]["suggestions"]]
    assert sorted(status["succeededTrialList"]) == sorted(names)
    assert len(set(names)) == status["trials"] == 4


@pytest.mark.parametrize("resource", [TRIALS, JOBS, SUGGESTIONS, CONFIG_MAPS])
async def test_all_goes_with_the_experiment(world: SweepWorld, resource: Resource) -> None:
    await world.create(experiment())
    await world.pods_of_trials(2)
    await world.lab.client.delete(EXPERIMENTS, "sweep", "default")

    def left(objects: dict[str, Object]) -> bool:
        return not any(name.startswith("sweep") for name in objects)

    await world.lab.until(resource, left)


def _last_type(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or [{}]
    return str(conditions[-1].get("type", ""))
