from kubelab.training import builders
from kubelab.training.events import events_of
from kubelab.training.indexed_job import headless_service
from kubelab.training.manifest import plain
from kubelab.training.request import JobRequest
from kubelab.training.view import JobView

REQUEST = JobRequest(
    name="digits", namespace="lab", function="train", kind="Job", num_nodes=3, max_restarts=2, image="jax:1"
)


def test_workers_learn_their_place_as_from_trainer() -> None:
    (container,) = builders.build(REQUEST)["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") or each["valueFrom"] for each in container["env"]}
    assert env["JAX_NUM_PROCESSES"] == "3"
    assert env["JAX_COORDINATOR_ADDRESS"] == "digits-0.digits:29500"
    path = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    assert env["JAX_PROCESS_ID"] == {"fieldRef": {"fieldPath": path}}
    assert (container["name"], container["image"]) == ("node", "jax:1")


def test_every_rank_is_an_index_and_fatal_exits_end_the_job() -> None:
    spec = builders.build(REQUEST)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["backoffLimit"] == 6
    assert spec["podFailurePolicy"]["rules"][0]["action"] == "FailJob"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_service_names_the_pods_before_they_are_ready() -> None:
    job, service = builders.build(REQUEST), headless_service(REQUEST)
    assert job["spec"]["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": "digits"}


def test_view_counts_workers_and_knows_of_no_volume() -> None:
    view = JobView(builders.build(REQUEST), ())
    assert (view.num_nodes, view.has_volume) == (3, False)


def test_manifest_leaves_out_what_ties_a_job_to_its_pods() -> None:
    job = builders.build(REQUEST)
    expected = plain(job)
    job["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}
    for prefix in ("", "batch.kubernetes.io/"):
        labels = job["spec"]["template"]["metadata"]["labels"]
        labels |= {f"{prefix}controller-uid": "u", f"{prefix}job-name": "digits"}
    assert plain(job) == expected


def test_events_of_an_indexed_jobs_pods_are_the_jobs_and_not_another_jobs() -> None:
    names = ["digits", "digits-0-ab2cd", "digits-1-node-0-0-ab2cd", "digits-code", "digits-1"]
    events = [{"metadata": {}, "involvedObject": {"name": name}} for name in names]
    mine = [event["involvedObject"]["name"] for event in events_of("digits", events)]
    assert mine == ["digits", "digits-0-ab2cd", "digits-code"]
