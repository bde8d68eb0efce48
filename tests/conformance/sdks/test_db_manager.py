"""Katib's db manager: `report_metrics` in trials and `get_trial_metrics` from outside, unmodified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conformance.kubectl import Kubectl
from tests.conformance.sdks.sdk import Sdk, SdkError
from tests.conftest import Lab

MANAGER = ("--namespace=kubeflow", "deployment/katib-db-manager")


@pytest.fixture
def kubectl(session_lab: Lab, tmp_path: Path) -> Kubectl:
    return Kubectl(session_lab.home / "lab" / "kubeconfig", tmp_path)


@contextmanager
def forwarded(kubectl: Kubectl) -> Iterator[str]:
    """Forward a free port to the db manager's Service, and yield the address."""
    process = kubectl.start("port-forward", "--namespace=kubeflow", "svc/katib-db-manager", ":6789")
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, line
        yield f"127.0.0.1:{found[1]}"
    finally:
        process.kill()
        process.communicate()


def test_trials_push_their_metrics(sdk: Sdk, kubectl: Kubectl, namespace: str) -> None:
    asked = {"namespace": namespace, "name": "pushed"}
    sdk("katib", "tune", **asked, function="pushed", collector="Push", max_trial_count=2)
    status = sdk("katib", "wait", **asked)["status"]
    assert (status["trials"], status["trialsSucceeded"]) == (2, 2)
    with forwarded(kubectl) as address:
        for trial in sdk("katib", "succeeded_trials", **asked):
            values = {each["name"]: float(each["value"]) for each in trial["parameter_assignments"]}
            expected = [values["rate"] + values["width"] / step for step in (1, 2, 3)]
            asked_of = {"namespace": namespace, "name": trial["name"], "address": address}
            logs = sdk("katib", "trial_metrics", **asked_of)
            assert [name for _, name, _ in logs] == ["loss"] * 3
            assert [float(value) for _, _, value in logs] == pytest.approx(expected)
            assert [time for time, _, _ in logs] == sorted(time for time, _, _ in logs)
            (observed,) = trial["metrics"]
            assert float(observed["min"]) == pytest.approx(expected[-1])
        assert sdk("katib", "trial_metrics", namespace=namespace, name="nobody", address=address) == []
    sdk("katib", "delete", **asked)


def test_histories_of_printed_metrics_are_read_by_a_db_manager_that_is_scaled_up(
    sdk: Sdk, kubectl: Kubectl, namespace: str
) -> None:
    asked = {"namespace": namespace, "name": "printed"}
    sdk("katib", "tune", **asked, max_trial_count=2)
    sdk("katib", "wait", **asked)
    trial, _ = sdk("katib", "trials", **asked)
    kubectl("scale", *MANAGER, "--replicas=1")
    kubectl("wait", *MANAGER, "--for=condition=Available", "--timeout=60s")
    with forwarded(kubectl) as address:
        asked_of = {"namespace": namespace, "name": trial, "address": address}
        assert len(sdk("katib", "trial_metrics", **asked_of)) == 3
        with pytest.raises(SdkError, match="read by the collector StdOut, not pushed"):
            sdk("katib", "report", **asked_of, metrics={"loss": 1})
    sdk("katib", "delete", **asked)


def test_the_db_manager_ends_with_the_last_experiment(sdk: Sdk, kubectl: Kubectl, namespace: str) -> None:
    sdk("katib", "tune", namespace=namespace, name="last", function="pushed", collector="Push")
    kubectl("wait", *MANAGER, "--for=jsonpath={.spec.replicas}=1", "--timeout=60s")
    for each in kubectl.json("get", "experiments", "--all-namespaces")["items"]:
        where = f"--namespace={each['metadata']['namespace']}"
        kubectl("delete", "experiment", each["metadata"]["name"], where)
    kubectl("wait", *MANAGER, "--for=jsonpath={.spec.replicas}=0", "--timeout=60s")
