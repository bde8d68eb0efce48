"""The training operator's TrainingClient 1.9, unmodified, with JAXJobs."""

from __future__ import annotations

from tests.conformance.sdks.sdk import Sdk

SCRIPT = "import os; print(f\"process {os.environ['PROCESS_ID']} of {os.environ['NUM_PROCESSES']}\")"


def test_jax_job_runs_and_is_read_and_deleted(sdk: Sdk, namespace: str) -> None:
    job = {"namespace": namespace, "name": "psum"}
    sdk("training", "create", **job, script=SCRIPT)
    assert sdk("training", "get", **job) == {"name": "psum", "workers": 2}
    assert sdk("training", "names", namespace=namespace) == ["psum"]
    assert "Succeeded" in sdk("training", "wait_succeeded", **job)
    assert set(sdk("training", "pod_names", **job)) == {"psum-worker-0", "psum-worker-1"}
    (text,) = sdk("training", "logs", **job).values()
    assert text.strip() == "process 0 of 2"
    sdk("training", "delete", **job)
    assert sdk("training", "names", namespace=namespace) == []
