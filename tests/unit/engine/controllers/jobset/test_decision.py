import copy
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.jobset.decision import JobSetDecision, decide
from tests.unit.engine.controllers.objects import START, at


def replicated(name: str, replicas: int = 1, **more: Any) -> Object:
    pod = {"spec": {"containers": [{"name": "main", "image": "busybox"}]}}
    spec = {"parallelism": 2, "completions": 2, "template": pod}
    return {"name": name, "replicas": replicas, "template": {"spec": spec}, **more}


def job_set(*replicated_jobs: Object, **spec: Any) -> Object:
    return {
        "metadata": {"name": "set", "namespace": "default", "uid": "set"},
        "spec": {"replicatedJobs": list(replicated_jobs) or [replicated("node")], **spec},
        "status": {},
    }


class World:
    """A JobSet and its Jobs, with decisions applied at once."""

    def __init__(self, of: Object) -> None:
        self.job_set = of
        self.jobs: dict[str, Object] = {}
        self.now_s = 0.0
        self.last = JobSetDecision({})
        self.notes: list[str] = []

    def settle(self) -> JobSetDecision:
        for _ in range(50):
            self.last = decide(copy.deepcopy(self.job_set), list(self.jobs.values()), at(self.now_s))
            changed = self.last.status != self.job_set["status"]
            for job in self.last.delete:
                self.jobs.pop(job["metadata"]["name"])
            for job, patch in self.last.change:
                spec = self.jobs[job["metadata"]["name"]]["spec"]
                spec["suspend"] = patch["spec"]["suspend"]
                spec["template"] = {**spec["template"], **patch["spec"].get("template", {})}
            for job in self.last.create:
                self.jobs[job["metadata"]["name"]] = {**copy.deepcopy(job), "status": {}}
            self.job_set["status"] = copy.deepcopy(self.last.status)
            self.notes += [note.reason for note in self.last.notes]
            if not (changed or self.last.delete or self.last.change or self.last.create):
                return self.last
        raise AssertionError("the JobSet does not settle")

    @property
    def status(self) -> Object:
        status: Object = self.job_set["status"]
        return status

    def condition(self, type_: str) -> Object:
        listed = self.status.get("conditions", ())
        return next((each for each in listed if each["type"] == type_), {})

    def finish(self, job: str, type_: str, reason: str = "", message: str = "") -> None:
        self.jobs[job]["status"] = {
            "conditions": [
                {
                    "type": type_,
                    "status": "True",
                    "reason": reason,
                    "message": message,
                    "lastTransitionTime": rfc3339(at(self.now_s)),
                }
            ]
        }

    def ready(self, job: str) -> None:
        self.jobs[job]["status"] = {"active": 2, "ready": 2}

    def attempts(self) -> dict[str, str]:
        return {
            name: job["metadata"]["labels"]["jobset.sigs.k8s.io/restart-attempt"]
            for name, job in self.jobs.items()
        }


def test_every_replica_of_every_replicated_job_is_a_job() -> None:
    world = World(job_set(replicated("driver"), replicated("node", 2)))
    decision = world.settle()
    assert sorted(world.jobs) == ["set-driver-0", "set-node-0", "set-node-1"]
    labels = world.jobs["set-node-1"]["metadata"]["labels"]
    prefix = "jobset.sigs.k8s.io/"
    assert labels[prefix + "job-index"] == "1"
    assert labels[prefix + "job-global-index"] == "2"
    assert labels[prefix + "global-replicas"] == "3"
    assert labels[prefix + "replicatedjob-replicas"] == "2"
    pod = world.jobs["set-node-1"]["spec"]["template"]
    assert pod["metadata"]["labels"] == labels
    assert pod["metadata"]["annotations"] == labels
    assert pod["spec"]["subdomain"] == "set"
    assert world.jobs["set-node-1"]["spec"]["completionMode"] == "Indexed"
    assert decision.service is not None
    assert decision.service["spec"]["selector"] == {prefix + "jobset-name": "set"}


def test_the_network_names_the_service_or_forbids_it() -> None:
    named = World(job_set(network={"subdomain": "net", "publishNotReadyAddresses": False}))
    decision = named.settle()
    assert decision.service is not None
    assert decision.service["metadata"]["name"] == "net"
    assert decision.service["spec"]["publishNotReadyAddresses"] is False
    none = World(job_set(network={"enableDNSHostnames": False}))
    assert none.settle().service is None
    assert "subdomain" not in none.jobs["set-node-0"]["spec"]["template"]["spec"]


def test_the_coordinator_is_named_on_every_pod() -> None:
    world = World(job_set(coordinator={"replicatedJob": "node", "podIndex": 1}))
    world.settle()
    annotations = world.jobs["set-node-0"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["jobset.sigs.k8s.io/coordinator"] == "set-node-0-1.set"


def test_a_set_completes_when_all_its_jobs_have() -> None:
    world = World(job_set(replicated("node", 2)))
    world.settle()
    world.finish("set-node-0", "Complete")
    world.settle()
    assert world.condition("Completed") == {}
    assert world.status["replicatedJobsStatus"][0]["succeeded"] == 1
    world.finish("set-node-1", "Complete")
    world.settle()
    completed = world.condition("Completed")
    assert (completed["reason"], completed["message"]) == (
        "AllJobsCompleted",
        "jobset completed successfully",
    )
    assert world.status["terminalState"] == "Completed"


def test_any_job_of_the_named_ones_may_be_enough() -> None:
    policy = {"operator": "Any", "targetReplicatedJobs": ["driver"]}
    world = World(job_set(replicated("driver"), replicated("node"), successPolicy=policy))
    world.settle()
    world.ready("set-node-0")
    world.finish("set-driver-0", "Complete")
    world.settle()
    assert world.status["terminalState"] == "Completed"
    assert sorted(world.jobs) == ["set-driver-0"], "what still ran was stopped"


def test_without_a_failure_policy_a_failed_job_fails_the_set() -> None:
    world = World(job_set())
    world.settle()
    world.finish("set-node-0", "Failed")
    world.settle()
    failed = world.condition("Failed")
    assert failed["reason"] == "FailedJobs"
    assert failed["message"] == (
        "jobset failed due to one or more job failures (first failed job: set-node-0)"
    )


def test_a_failed_job_restarts_all_until_the_maximum() -> None:
    world = World(job_set(replicated("node", 2), failurePolicy={"maxRestarts": 2}))
    world.settle()
    for attempt in range(2):
        world.finish("set-node-0", "Failed", "BackoffLimitExceeded")
        world.settle()
        assert world.attempts() == dict.fromkeys(("set-node-0", "set-node-1"), str(attempt + 1))
        assert world.status["restarts"] == world.status["restartsCountTowardsMax"] == attempt + 1
    world.finish("set-node-0", "Failed", "BackoffLimitExceeded")
    world.settle()
    assert world.condition("Failed")["reason"] == "ReachedMaxRestarts"
    assert world.notes == [
        "RestartJobSetFailurePolicyAction",
        "RestartJobSetFailurePolicyAction",
        "ReachedMaxRestarts",
    ]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]}, "PodFailurePolicy"),
        ({"action": "FailJobSet", "targetReplicatedJobs": ["node"]}, "BackoffLimitExceeded"),
        ({"action": "FailJobSet", "onJobFailureMessagePatterns": ["exit code 1$"]}, "BackoffLimitExceeded"),
    ],
)
def test_a_rule_may_fail_the_set_at_once(rule: Object, reason: str) -> None:
    policy = {"maxRestarts": 5, "rules": [{"name": "fatal", **rule}]}
    world = World(job_set(failurePolicy=policy))
    world.settle()
    world.finish("set-node-0", "Failed", reason, "failed with exit code 1")
    world.settle()
    assert world.condition("Failed")["reason"] == "FailJobSetFailurePolicyAction"
    assert world.status["restarts"] == 0


def test_a_rule_that_does_not_match_leaves_the_restart() -> None:
    rule = {"name": "other", "action": "FailJobSet", "targetReplicatedJobs": ["driver"]}
    world = World(job_set(failurePolicy={"maxRestarts": 1, "rules": [rule]}))
    world.settle()
    world.finish("set-node-0", "Failed", "BackoffLimitExceeded")
    world.settle()
    assert world.status["restarts"] == 1


def test_restarts_that_do_not_count_go_on_for_ever() -> None:
    rule = {"name": "always", "action": "RestartJobSetAndIgnoreMaxRestarts"}
    world = World(job_set(failurePolicy={"maxRestarts": 0, "rules": [rule]}))
    world.settle()
    for _ in range(4):
        world.finish("set-node-0", "Failed")
        world.settle()
    assert world.status["restarts"] == 4
    assert world.status.get("restartsCountTowardsMax", 0) == 0


def test_one_job_may_restart_alone() -> None:
    rule = {"name": "alone", "action": "RestartJob"}
    world = World(job_set(replicated("node", 2), failurePolicy={"maxRestarts": 1, "rules": [rule]}))
    world.settle()
    kept = world.jobs["set-node-0"]
    world.finish("set-node-1", "Failed")
    world.settle()
    assert world.jobs["set-node-0"] is kept
    assert world.jobs["set-node-1"]["metadata"]["labels"]["jobset.sigs.k8s.io/job-restart-attempt"] == "1"
    assert world.status["replicatedJobsStatus"][0]["jobRestarts"] == [0, 1]
    world.finish("set-node-1", "Failed")
    world.settle()
    assert world.condition("Failed")["reason"] == "ReachedMaxRestarts"


def test_jobs_start_in_order_if_asked() -> None:
    order = {"startupPolicyOrder": "InOrder"}
    world = World(job_set(replicated("driver"), replicated("node"), startupPolicy=order))
    world.settle()
    assert sorted(world.jobs) == ["set-driver-0"]
    assert world.condition("StartupPolicyInProgress")["status"] == "True"
    world.ready("set-driver-0")
    world.settle()
    assert sorted(world.jobs) == ["set-driver-0", "set-node-0"]
    assert world.condition("StartupPolicyCompleted")["status"] == "True"
    assert world.condition("StartupPolicyInProgress")["status"] == "False"


@pytest.mark.parametrize("status", ["Ready", "Complete"])
def test_a_replicated_job_waits_for_what_it_depends_on(status: str) -> None:
    waits = [{"name": "data", "status": status}]
    world = World(job_set(replicated("data"), replicated("node", dependsOn=waits)))
    world.settle()
    assert sorted(world.jobs) == ["set-data-0"]
    world.ready("set-data-0")
    world.settle()
    assert ("set-node-0" in world.jobs) == (status == "Ready")
    world.finish("set-data-0", "Complete")
    world.settle()
    assert "set-node-0" in world.jobs


def test_suspending_suspends_the_jobs_and_resuming_brings_the_templates_directives() -> None:
    world = World(job_set())
    world.settle()
    world.job_set["spec"]["suspend"] = True
    world.settle()
    assert world.jobs["set-node-0"]["spec"]["suspend"] is True
    assert world.condition("Suspended")["status"] == "True"
    assert world.status["replicatedJobsStatus"][0]["suspended"] == 1
    template = world.job_set["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
    template["spec"]["nodeSelector"] = {"pool": "b"}
    world.job_set["spec"]["suspend"] = False
    world.settle()
    assert world.jobs["set-node-0"]["spec"]["suspend"] is False
    assert world.jobs["set-node-0"]["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "b"}
    assert (world.condition("Suspended")["status"], world.condition("Suspended")["reason"]) == (
        "False",
        "ResumeJobs",
    )


def test_a_finished_set_expires() -> None:
    world = World(job_set(ttlSecondsAfterFinished=60))
    world.settle()
    world.finish("set-node-0", "Complete")
    assert world.settle().again_after_s == 60
    world.now_s = 60
    assert world.settle().expired


def test_a_set_being_deleted_is_left_alone() -> None:
    of = job_set()
    of["metadata"]["deletionTimestamp"] = rfc3339(START)
    world = World(of)
    world.settle()
    assert world.jobs == {}
