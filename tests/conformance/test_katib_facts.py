"""The sixteen facts about Katib (v0.19.0) that its users rely on, each on a whole cluster.

Details of each are tested beside the code; the SDKs that talk to Katib in `sdks`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.sweeps.observations import load
from kubelab.tuning import EarlyStopping, Problem, Space, suggest, uniform
from kubelab.tuning.errors import KatibError
from kubelab.tuning.katib import check_katib
from kubelab.tuning.stopping import RULES
from kubelab.tuning.suggestion import ALGORITHMS
from tests.conformance.kubectl import Kubectl
from tests.conftest import Lab

SAY = """case ${trialParameters.how} in
good) echo 2026-01-31T12:00:00.5Z epoch 1: loss = 5e-1; echo 'loss=.4';;
best) echo loss=0.3; echo loss=+1.0E-1; echo loss=0.2;;
mute) echo other=1;;
crash) exit 3;;
esac"""
LOSSES = {"good": [0.5, 0.4], "best": [0.3, 0.1, 0.2]}


@pytest.fixture(scope="module")
def kubectl(session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Real kubectl, in a namespace of its own."""
    kubeconfig, home = session_lab.home / "lab" / "kubeconfig", tmp_path_factory.mktemp("kubectl")
    namespace = f"katib-{os.getpid()}"
    Kubectl(kubeconfig, home)("create", "namespace", namespace)
    made = Kubectl(kubeconfig, home, namespace)
    made("wait", "serviceaccount/default", "--for=create", "--timeout=30s")
    return made


def experiment(name: str, *how: str, command: str = SAY, **spec: Any) -> Object:
    """An Experiment over what its trials do."""
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    run = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"backoffLimit": 0, "template": {"spec": pod}}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": "grid"},
            "parallelTrialCount": 1,
            "maxTrialCount": len(how),
            "parameters": [
                {"name": "does", "parameterType": "categorical", "feasibleSpace": {"list": list(how)}}
            ],
            "trialTemplate": {
                "retain": True,
                "primaryContainerName": "main",
                "trialParameters": [{"name": "how", "reference": "does"}],
                "trialSpec": run,
            },
            **spec,
        },
    }


def run(kubectl: Kubectl, made: Object, condition: str = "Succeeded") -> Object:
    """Create an Experiment and return it as it ends."""
    kubectl("create", "-f", "-", stdin=made)
    place = f"experiment/{made['metadata']['name']}"
    kubectl("wait", place, f"--for=condition={condition}", "--timeout=50s")
    return kubectl.json("get", place)


def trials_of(kubectl: Kubectl, name: str) -> dict[str, Object]:
    """The trials of an Experiment, by what they do."""
    found = kubectl.json("get", "trials", "-l", f"katib.kubeflow.org/experiment={name}")["items"]
    return {each["spec"]["parameterAssignments"][0]["value"]: each for each in found}


def last(obj: Object) -> Object:
    """The last condition."""
    found: Object = obj["status"]["conditions"][-1]
    return found


@pytest.fixture(scope="module")
def ended(kubectl: Kubectl) -> Object:
    """An Experiment of four trials that has ended: two succeed, one reports other names, one fails."""
    return run(kubectl, experiment("all", "good", "best", "mute", "crash", maxFailedTrialCount=4))


def test_1_values_of_a_space_are_texts(kubectl: Kubectl) -> None:
    numbers = {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": 0.1, "max": 0.9}}
    said = kubectl.fails("create", "-f", "-", stdin=experiment("numbers", "good", parameters=[numbers]))
    assert "spec.parameters[0].feasibleSpace.m" in said
    assert "must be of type string" in said


def test_2_only_the_three_counts_are_editable(kubectl: Kubectl, ended: Object) -> None:
    said = kubectl.fails("patch", "experiment", "all", "--type=merge", "-p", '{"spec": {"objective": null}}')
    assert (
        "only spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount are editable" in said
    )


def test_3_what_is_left_out_is_filled_in_when_it_is_created(ended: Object, kubectl: Kubectl) -> None:
    bare = experiment("bare", "good")
    del bare["spec"]["parallelTrialCount"], bare["spec"]["maxTrialCount"]
    bare["spec"]["parameters"] = [
        {"name": "does", "parameterType": "double", "feasibleSpace": {"min": "1", "max": "2", "step": "1"}}
    ]
    made = kubectl.json("create", "-f", "-", "--dry-run=server", stdin=bare)
    spec = made["spec"]
    assert spec["parallelTrialCount"] == 3
    assert spec["parameters"][0]["feasibleSpace"]["distribution"] == "uniform"
    assert spec["objective"]["metricStrategies"] == [{"name": "loss", "value": "min"}]
    assert spec["metricsCollectorSpec"] == {"collector": {"kind": "StdOut"}}
    assert spec["resumePolicy"] == "Never"


def test_4_the_best_trial_is_named_with_least_greatest_and_latest(kubectl: Kubectl, ended: Object) -> None:
    best = ended["status"]["currentOptimalTrial"]
    assert best["bestTrialName"] == trials_of(kubectl, "all")["best"]["metadata"]["name"]
    assert best["parameterAssignments"] == [{"name": "does", "value": "best"}]
    assert best["observation"]["metrics"] == [
        {"name": "loss", "min": "+1.0E-1", "max": "0.3", "latest": "0.2"}
    ]


def test_5_every_trial_that_ended_counts_against_max_trials(kubectl: Kubectl, ended: Object) -> None:
    status = ended["status"]
    assert (last(ended)["type"], last(ended)["reason"]) == ("Succeeded", "ExperimentMaxTrialsReached")
    assert (status["trials"], status["trialsSucceeded"]) == (4, 2)
    assert (status["trialsFailed"], status["trialMetricsUnavailable"]) == (1, 1)
    failed = trials_of(kubectl, "all")["crash"]["metadata"]["name"]
    assert status["failedTrialList"] == [failed]


def test_6_failures_and_missing_metrics_count_together_against_max_failed(kubectl: Kubectl) -> None:
    made = experiment("lost", "mute", "crash", "good", maxFailedTrialCount=2, parallelTrialCount=3)
    failed = run(kubectl, made, "Failed")
    assert last(failed)["reason"] == "ExperimentFailed"
    assert "max failed count has reached" in last(failed)["message"]
    assert (failed["status"]["trialsFailed"], failed["status"]["trialMetricsUnavailable"]) == (1, 1)


def test_7_success_without_the_objective_is_metrics_unavailable(kubectl: Kubectl, ended: Object) -> None:
    mute = trials_of(kubectl, "all")["mute"]
    assert last(mute)["type"] == "MetricsUnavailable"
    assert kubectl.json("get", "job", mute["metadata"]["name"])["status"]["succeeded"] == 1
    assert ended["status"]["metricsUnavailableTrialList"] == [mute["metadata"]["name"]]


def test_8_a_trial_is_named_and_labelled_by_its_experiment(kubectl: Kubectl, ended: Object) -> None:
    for trial in trials_of(kubectl, "all").values():
        experiment, _, own = trial["metadata"]["name"].rpartition("-")
        assert (experiment, len(own)) == ("all", 8)
        assert trial["spec"]["primaryContainerName"] == "main"
        assert trial["spec"]["runSpec"]["metadata"]["name"] == trial["metadata"]["name"]
        types = [each["type"] for each in trial["status"]["conditions"]]
        assert types[:2] == ["Created", "Running"]


def test_9_the_suggestion_has_the_experiments_name_and_all_that_was_suggested(
    kubectl: Kubectl, ended: Object
) -> None:
    suggestion = kubectl.json("get", "suggestion", "all")
    assert suggestion["spec"]["algorithm"] == {"algorithmName": "grid"}
    assert suggestion["spec"]["requests"] == suggestion["status"]["suggestionCount"] == 4
    names = {each["metadata"]["name"] for each in trials_of(kubectl, "all").values()}
    assert {each["name"] for each in suggestion["status"]["suggestions"]} == names
    (owner,) = suggestion["metadata"]["ownerReferences"]
    assert owner["uid"] == ended["metadata"]["uid"]


def test_10_a_template_is_filled_in_with_parameters_and_what_the_trial_is(kubectl: Kubectl) -> None:
    references = {
        "name": "${trialSpec.Name}",
        "namespace": "${trialSpec.Namespace}",
        "kind": "${trialSpec.Kind}",
        "version": "${trialSpec.APIVersion}",
        "team": "${trialSpec.Labels[team]}",
        "note": "${trialSpec.Annotations[note]}",
    }
    shown = " ".join(f"${{trialParameters.{name}}}" for name in references)
    made = experiment("filled", "good", command=f"{SAY}\necho {shown} $KATIB_TRIAL_NAME")
    template = made["spec"]["trialTemplate"]
    template["trialParameters"] += [{"name": name, "reference": text} for name, text in references.items()]
    template["trialSpec"]["metadata"] = {"labels": {"team": "vision"}, "annotations": {"note": "small"}}
    run(kubectl, made)
    name = trials_of(kubectl, "filled")["good"]["metadata"]["name"]
    *_, told = kubectl("logs", f"job/{name}").splitlines()
    assert told == f"{name} {kubectl.namespace} Job batch/v1 vision small {name}"


@pytest.mark.parametrize(
    ("version", "kind", "success"),
    [
        ("batch/v1", "Job", "Complete"),
        ("trainer.kubeflow.org/v1alpha1", "TrainJob", "Complete"),
        ("kubeflow.org/v1", "JAXJob", "Succeeded"),
    ],
)
def test_11_ends_are_known_of_katibs_kinds_and_of_jax_jobs_which_katib_does_not_know(
    kubectl: Kubectl, version: str, kind: str, success: str
) -> None:
    made = experiment("kinds", "good")
    made["spec"]["trialTemplate"]["trialSpec"] |= {"apiVersion": version, "kind": kind}
    template = kubectl.json("create", "-f", "-", "--dry-run=server", stdin=made)["spec"]["trialTemplate"]
    assert template["successCondition"] == f'status.conditions.#(type=="{success}")#|#(status=="True")#'
    assert template["failureCondition"] == 'status.conditions.#(type=="Failed")#|#(status=="True")#'


SETTINGS = {
    "random": {"random_state"},
    "grid": {"random_state"},
    "tpe": {"gamma", "prior_weight", "n_EI_candidates", "random_state"},
    "multivariate-tpe": {"n_startup_trials", "n_ei_candidates", "random_state"},
    "bayesianoptimization": {
        "base_estimator",
        "n_initial_points",
        "acq_func",
        "acq_optimizer",
        "random_state",
    },
    "cmaes": {"random_state", "sigma", "restart_strategy"},
    "sobol": {"random_state"},
    "hyperband": {"r_l", "resource_name", "eta", "random_state"},
    "pbt": {"suggestion_trial_dir", "n_population", "truncation_threshold", "resample_probability"},
}
DEFAULTS = {
    "bayesianoptimization": {"base_estimator": "GP", "acq_func": "gp_hedge", "acq_optimizer": "auto"},
    "hyperband": {"eta": 3},
}
REQUIRED = {
    "hyperband": {"r_l", "resource_name"},
    "pbt": {"suggestion_trial_dir", "n_population", "truncation_threshold"},
}


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_12_an_algorithm_has_katibs_name_and_settings(algorithm: str) -> None:
    schema = ALGORITHMS[algorithm].schema
    assert set(schema) == SETTINGS[algorithm]
    for name, default in DEFAULTS.get(algorithm, {}).items():
        assert schema[name].default == default
    required = {name for name, setting in schema.items() if setting.required}
    assert required == REQUIRED.get(algorithm, set())


def test_12_medianstop_has_katibs_defaults() -> None:
    defaults = {name: setting.default for name, setting in RULES["medianstop"].schema.items()}
    assert defaults == {"min_trials_required": 3, "start_step": 4}


def test_13_asha_is_the_one_that_katib_does_not_have() -> None:
    assert set(ALGORITHMS) - set(SETTINGS) == {"asha"}
    space = Space({"lr": uniform(0, 1)})
    with pytest.raises(KatibError, match="it has no algorithm asha"):
        check_katib(Problem(space, "loss", algorithm="asha"))
    with pytest.raises(KatibError, match="it has no early stopping asha"):
        check_katib(Problem(space, "loss", early_stopping=EarlyStopping("asha")))


def test_14_medianstop_compares_with_the_mean_of_means_at_report_start_step_alone(kubectl: Kubectl) -> None:
    # Means of the first two: 2 and 4, so the bound is 3. The third trial is better there and worse later; the
    # fourth is worse there, and would be better after.
    commands = [
        "echo loss=3; echo loss=1; echo loss=9",
        "echo loss=5; echo loss=3",
        "echo loss=9; echo loss=2; echo loss=9; sleep 1; echo loss=9",
        "echo loss=9; echo loss=8; sleep 60; echo loss=1",
    ]
    settings = [{"name": "min_trials_required", "value": "2"}, {"name": "start_step", "value": "2"}]
    names = [f"t{place}" for place in range(4)]
    made = experiment(
        "median",
        *names,
        algorithm={
            "algorithmName": "grid",
            "algorithmSettings": [{"name": "random_state", "value": "1"}],
        },
        earlyStopping={"algorithmName": "medianstop", "algorithmSettings": settings},
    )
    suggested = suggest(Problem.from_experiment(made), [], 4).assignments
    order = [each.parameters["does"] for each in suggested]
    cases = "\n".join(f"{name}) {command};;" for name, command in zip(order, commands, strict=True))
    (container,) = made["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]["containers"]
    container["command"][2] = f"case ${{trialParameters.how}} in\n{cases}\nesac"
    run(kubectl, made)
    trials = trials_of(kubectl, "median")
    ends = [last(trials[name])["type"] for name in order]
    assert ends == ["Succeeded", "Succeeded", "Succeeded", "EarlyStopped"]
    assert trials[order[2]]["spec"]["earlyStoppingRules"][0]["value"] == "3.0"


@pytest.mark.parametrize("does", LOSSES)
def test_15_metrics_are_read_by_katibs_default_filter(kubectl: Kubectl, ended: Object, does: str) -> None:
    name = trials_of(kubectl, "all")[does]["metadata"]["name"]
    history = load(kubectl.json("get", "configmap", f"{name}-observations"))
    assert [report.value for report in history["loss"]] == LOSSES[does]


@pytest.mark.parametrize("policy", ["Never", "LongRunning", "FromVolume"])
def test_16_an_experiment_restarts_only_after_max_trials_and_as_its_policy_says(
    kubectl: Kubectl, policy: str
) -> None:
    name = policy.lower()
    done = run(kubectl, experiment(name, "good", "best", maxTrialCount=1, resumePolicy=policy))
    assert last(done)["reason"] == "ExperimentMaxTrialsReached"
    raised = ("patch", "experiment", name, "--type=merge", "-p", '{"spec": {"maxTrialCount": 2}}')
    if policy == "Never":
        assert "resumePolicy" in kubectl.fails(*raised)
        return
    kubectl(*raised)
    kubectl("wait", f"experiment/{name}", "--for=jsonpath={.status.trialsSucceeded}=2", "--timeout=50s")
    assert set(trials_of(kubectl, name)) == {"good", "best"}
    types = [each["type"] for each in kubectl.json("get", "experiment", name)["status"]["conditions"]]
    assert "Restarting" in types
