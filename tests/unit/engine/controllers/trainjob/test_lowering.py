from typing import Any

from kubelab.client import Object
from kubelab.engine.bootstrap import jax_distributed
from kubelab.engine.controllers.trainjob.lowering import lower


def train_job(**spec: Any) -> Object:
    return {
        "metadata": {"name": "digits", "namespace": "team", "uid": "uid"},
        "spec": {"runtimeRef": {"name": "jax-distributed"}, **spec},
    }


def container_of(job_set: Object) -> Object:
    found: Object = pod_of(job_set)["spec"]["containers"][0]
    return found


def pod_of(job_set: Object) -> Object:
    found: Object = job_set["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
    return found


def env_of(job_set: Object) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container_of(job_set).get("env") or ()}


def test_the_trainers_fields_go_to_the_container_named_node() -> None:
    resources = {"requests": {"cpu": 1.5, "memory": "1Gi"}}
    trainer = {
        "image": "kubelab/jax",
        "command": ["python"],
        "args": ["train.py"],
        "numNodes": 3,
        "resourcesPerNode": resources,
    }
    made = lower(train_job(trainer=trainer), jax_distributed())
    job = made["spec"]["replicatedJobs"][0]["template"]["spec"]
    assert (job["parallelism"], job["completions"]) == (3, 3)
    container = container_of(made)
    assert (container["image"], container["command"], container["args"]) == (
        "kubelab/jax",
        ["python"],
        ["train.py"],
    )
    assert container["resources"] == {"requests": {"cpu": "1.5", "memory": "1Gi"}}
    assert container["ports"] == [{"containerPort": 29500}]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid"


def test_jaxs_variables_are_there_only_with_a_trainer() -> None:
    assert env_of(lower(train_job(), jax_distributed())) == {}
    env = env_of(lower(train_job(trainer={"numNodes": 2}), jax_distributed()))
    assert env == {
        "JAX_NUM_PROCESSES": "2",
        "JAX_PROCESS_ID": None,
        "JAX_COORDINATOR_ADDRESS": "digits-node-0-0.digits:29500",
    }


def test_a_user_may_replace_a_variable() -> None:
    own = [{"name": "JAX_NUM_PROCESSES", "value": "1"}, {"name": "LR", "value": "0.1"}]
    env = env_of(lower(train_job(trainer={"env": own}), jax_distributed()))
    assert (env["JAX_NUM_PROCESSES"], env["LR"]) == ("1", "0.1")


def test_the_runtimes_number_of_nodes_is_the_default() -> None:
    runtime = jax_distributed()
    runtime["spec"]["mlPolicy"]["numNodes"] = 4
    made = lower(train_job(trainer={}), runtime)
    assert made["spec"]["replicatedJobs"][0]["template"]["spec"]["parallelism"] == 4
    assert env_of(made)["JAX_NUM_PROCESSES"] == "4"


def test_a_network_of_the_runtimes_own_names_the_coordinator() -> None:
    runtime = jax_distributed()
    runtime["spec"]["template"]["spec"]["network"] = {"subdomain": "net"}
    env = env_of(lower(train_job(trainer={}), runtime))
    assert env["JAX_COORDINATOR_ADDRESS"] == "digits-node-0-0.net:29500"


def test_pods_may_post_their_progress_with_a_token_of_their_own() -> None:
    made = lower(train_job(trainer={}), jax_distributed(), server_url="https://127.0.0.1:1")
    path = "trainer.kubeflow.org/v1alpha1/namespaces/team/trainjobs/digits/status"
    assert env_of(made)["KUBEFLOW_TRAINER_SERVER_URL"] == f"https://127.0.0.1:1/apis/{path}"
    (volume,) = pod_of(made)["spec"]["volumes"]
    token, certificate = volume["projected"]["sources"]
    assert token["serviceAccountToken"]["audience"] == path
    assert certificate["configMap"]["name"] == "kube-root-ca.crt"
    (mount,) = container_of(made)["volumeMounts"]
    assert mount["mountPath"] == "/var/run/secrets/kubeflow/trainer"


def test_runtime_patches_add_volumes_mounts_labels_and_scheduling() -> None:
    pod_patch = {
        "metadata": {"labels": {"team": "a"}},
        "spec": {
            "volumes": [{"name": "code", "configMap": {"name": "digits-code"}}],
            "containers": [
                {"name": "node", "volumeMounts": [{"name": "code", "mountPath": "/opt/kubelab"}]},
                {"name": "absent", "env": [{"name": "X", "value": "1"}]},
            ],
            "nodeSelector": {"pool": "a"},
            "tolerations": [{"key": "tpu", "operator": "Exists"}],
        },
    }
    template = {
        "metadata": {"labels": {"queue": "q"}},
        "spec": {
            "replicatedJobs": [
                {"name": "node", "template": {"spec": {"template": pod_patch}}},
                {"name": "absent", "template": {}},
            ]
        },
    }
    patches = [{"manager": "kubelab/launcher", "trainingRuntimeSpec": {"template": template}}]
    made = lower(train_job(runtimePatches=patches), jax_distributed())
    assert made["metadata"]["labels"] == {"queue": "q"}
    pod = pod_of(made)
    assert pod["metadata"]["labels"] == {"team": "a"}
    assert pod["spec"]["volumes"] == [{"name": "code", "configMap": {"name": "digits-code"}}]
    assert pod["spec"]["nodeSelector"] == {"pool": "a"}
    assert container_of(made)["volumeMounts"] == [{"name": "code", "mountPath": "/opt/kubelab"}]


def test_the_runtime_itself_is_never_changed() -> None:
    runtime = jax_distributed()
    before = str(runtime)
    lower(train_job(trainer={"numNodes": 2}), runtime, server_url="https://127.0.0.1:1")
    assert str(runtime) == before


def test_an_initializer_gets_its_source_and_secret() -> None:
    runtime = jax_distributed()
    label = {"trainer.kubeflow.org/trainjob-ancestor-step": "dataset-initializer"}
    container = {"name": "dataset-initializer", "image": "busybox"}
    runtime["spec"]["template"]["spec"]["replicatedJobs"].insert(
        0,
        {
            "name": "dataset-initializer",
            "template": {
                "metadata": {"labels": label},
                "spec": {"template": {"spec": {"containers": [container]}}},
            },
        },
    )
    dataset = {
        "storageUri": "hf://digits",
        "secretRef": {"name": "token"},
        "env": [{"name": "A", "value": "b"}],
    }
    made = lower(train_job(initializer={"dataset": dataset}), runtime)
    assert env_of(made) == {"STORAGE_URI": "hf://digits", "A": "b"}
    assert container_of(made)["envFrom"] == [{"secretRef": {"name": "token"}}]


def test_a_suspended_train_job_makes_a_suspended_set() -> None:
    assert lower(train_job(suspend=True), jax_distributed())["spec"]["suspend"] is True
    assert lower(train_job(), jax_distributed())["spec"]["suspend"] is False


def test_a_trials_container_keeps_its_last_lines_when_it_fails() -> None:
    trial = train_job()
    trial["metadata"]["labels"] = {"katib.kubeflow.org/trial": "digits"}
    policy = "terminationMessagePolicy"
    assert container_of(lower(trial, jax_distributed()))[policy] == "FallbackToLogsOnError"
    assert policy not in container_of(lower(train_job(), jax_distributed()))
