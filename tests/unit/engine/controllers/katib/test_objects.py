import copy

import pytest

from kubelab.client import Object
from kubelab.engine.controllers.katib.objects import run_object, suggestion_object, trial_object
from kubelab.engine.katib.collectors import FILE_ANNOTATION, SIDECAR
from tests.unit.engine.controllers.sweeps import JOB, experiment

NAME = "sweep-abcdefgh"
SUGGESTED: Object = {"name": NAME, "parameterAssignments": [{"name": "lr", "value": "0.25"}]}
LABELS = {"katib.kubeflow.org/experiment": "sweep", "katib.kubeflow.org/trial": NAME}
OWNER = {"kind": "Experiment", "uid": "owner", "controller": True}
FILE = {
    "collector": {"kind": "File"},
    "source": {"fileSystemPath": {"path": "/metrics/m.log", "kind": "File", "format": "TEXT"}},
}


def trial_of(of: Object, **suggested: object) -> Object:
    return trial_object(of, {**SUGGESTED, **suggested}, of["spec"]["trialTemplate"]["trialSpec"])


def test_a_suggestion_asks_for_the_experiments_algorithm() -> None:
    made = suggestion_object(experiment(resumePolicy="LongRunning"), 3)
    assert made["metadata"]["name"] == "sweep"
    assert made["spec"] == {
        "algorithm": {"algorithmName": "random"},
        "resumePolicy": "LongRunning",
        "requests": 3,
    }


def test_a_trial_has_what_its_experiment_and_its_suggestion_say() -> None:
    of = experiment(template={"retain": True, "primaryPodLabels": {"role": "first"}})
    of["metadata"]["labels"] = {"team": "vision"}
    rules = [{"name": "loss", "value": "0.5", "comparison": "greater", "startStep": 4}]
    made = trial_of(of, labels={"rung": "1"}, earlyStoppingRules=rules)
    assert made["metadata"]["name"] == NAME
    assert made["metadata"]["labels"] == {
        "team": "vision",
        "katib.kubeflow.org/experiment": "sweep",
        "rung": "1",
    }
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Experiment", of["metadata"]["uid"], True)
    spec = made["spec"]
    assert spec["retainRun"] is True
    assert spec["primaryContainerName"] == "main"
    assert spec["primaryPodLabels"] == {"role": "first"}
    assert spec["earlyStoppingRules"] == rules
    assert spec["labels"] == {"rung": "1"}
    assert spec["parameterAssignments"] == SUGGESTED["parameterAssignments"]
    assert spec["objective"] == of["spec"]["objective"]
    assert spec["metricsCollector"] == {"collector": {"kind": "StdOut"}}
    assert spec["successCondition"] == of["spec"]["trialTemplate"]["successCondition"]
    assert spec["runSpec"]["metadata"]["name"] == NAME
    assert spec["runSpec"]["spec"]["template"]["spec"]["containers"][0]["args"] == ["--rate", "0.25"]


def test_a_job_and_its_pods_carry_the_trials_labels_and_name() -> None:
    run = run_object(trial_of(experiment()), OWNER)
    assert run["metadata"]["labels"] == {"team": "vision", **LABELS}
    assert run["metadata"]["ownerReferences"] == [OWNER]
    template = run["spec"]["template"]
    assert template["metadata"]["labels"] == LABELS
    assert template["metadata"]["annotations"] == {"kubectl.kubernetes.io/default-container": "main"}
    (container,) = template["spec"]["containers"]
    assert container["env"] == [{"name": "KATIB_TRIAL_NAME", "value": NAME}]


def test_the_run_spec_of_the_trial_itself_stays_as_the_template_has_it() -> None:
    made = trial_of(experiment())
    before = copy.deepcopy(made)
    run_object(made, OWNER)
    assert made == before


def jax_job() -> Object:
    pod = {"spec": {"containers": [{"name": "jax", "image": "jax", "args": ["${trialParameters.rate}"]}]}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "JAXJob",
        "spec": {"jaxReplicaSpecs": {"Worker": {"replicas": 2, "template": pod}}},
    }


def train_job() -> Object:
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "spec": {
            "runtimeRef": {"name": "jax-distributed"},
            "trainer": {"args": ["${trialParameters.rate}"]},
            "runtimePatches": [{"manager": "mine"}],
        },
    }


def test_the_workers_of_a_jax_job_carry_the_trials_labels() -> None:
    of = experiment(template={"trialSpec": jax_job(), "primaryContainerName": "jax"})
    made = trial_of(of)
    assert made["spec"]["primaryPodLabels"] == {"training.kubeflow.org/job-role": "master"}
    template = run_object(made, OWNER)["spec"]["jaxReplicaSpecs"]["Worker"]["template"]
    assert template["metadata"]["labels"] == LABELS
    assert template["spec"]["containers"][0]["env"][0]["name"] == "KATIB_TRIAL_NAME"


def test_the_pods_of_a_train_job_carry_the_trials_labels_by_a_runtime_patch() -> None:
    of = experiment(template={"trialSpec": train_job(), "primaryContainerName": "node"})
    run = run_object(trial_of(of), OWNER)
    mine, ours = run["spec"]["runtimePatches"]
    assert mine == {"manager": "mine"}
    (job,) = ours["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert job["name"] == "node"
    pod = job["template"]["spec"]["template"]
    assert pod["metadata"]["labels"] == LABELS
    (container,) = pod["spec"]["containers"]
    assert container == {"name": "node", "env": [{"name": "KATIB_TRIAL_NAME", "value": NAME}]}


@pytest.mark.parametrize("spec", [JOB, jax_job()], ids=["Job", "JAXJob"])
def test_a_file_is_repeated_by_a_sidecar(spec: Object) -> None:
    of = experiment(template={"trialSpec": spec}, metricsCollectorSpec=FILE)
    run = run_object(trial_of(of), OWNER)
    replicas = run["spec"].get("jaxReplicaSpecs")
    pod = (replicas["Worker"] if replicas else run["spec"])["template"]["spec"]
    assert pod["initContainers"][0]["name"] == SIDECAR


def test_a_train_job_says_which_file_is_to_be_repeated() -> None:
    of = experiment(template={"trialSpec": train_job()}, metricsCollectorSpec=FILE)
    assert run_object(trial_of(of), OWNER)["metadata"]["annotations"] == {FILE_ANNOTATION: "/metrics/m.log"}


ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
PUSH = {"collector": {"kind": "Push"}}


def pod_spec_of(run: Object) -> Object:
    """Return the pod spec of a Job, or what is patched into a TrainJob's."""
    if run["kind"] == "Job":
        found: Object = run["spec"]["template"]["spec"]
        return found
    runtime = run["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]
    patched: Object = runtime["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]
    return patched


@pytest.mark.parametrize("kind", ["Job", "TrainJob"])
def test_a_trial_that_pushes_finds_its_namespace_where_katibs_sdk_reads_it(kind: str) -> None:
    of = experiment(metricsCollectorSpec=PUSH)
    if kind == "TrainJob":
        spec = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": kind, "spec": {}}
        of["spec"]["trialTemplate"] |= {"trialSpec": spec, "trialParameters": []}
        trial = trial_object(of, {"name": NAME}, spec)
    else:
        trial = trial_of(of)
    found = pod_spec_of(run_object(trial, OWNER))
    (mount,) = found["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == ACCOUNT
    (volume,) = [each for each in found["volumes"] if each["name"] == mount["name"]]
    (item,) = volume["projected"]["sources"][0]["downwardAPI"]["items"]
    assert item == {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}


def test_a_trial_that_does_not_push_has_no_such_folder() -> None:
    assert "volumes" not in pod_spec_of(run_object(trial_of(experiment()), OWNER))


def test_a_failing_container_keeps_its_last_lines_unless_it_says_otherwise() -> None:
    of = experiment()
    (container,) = pod_spec_of(run_object(trial_of(of), OWNER))["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    job = copy.deepcopy(JOB)
    job["spec"]["template"]["spec"]["containers"][0]["terminationMessagePolicy"] = "File"
    (own,) = pod_spec_of(run_object(trial_of(experiment(template={"trialSpec": job})), OWNER))["containers"]
    assert own["terminationMessagePolicy"] == "File"
