from kubelab.client import Object
from kubelab.engine.controllers.trial.cause import cause_of


def pod(code: int, at: str = "12:00", message: str = "", reason: str = "Error", key: str = "state") -> Object:
    ended = {"exitCode": code, "finishedAt": f"2026-01-31T{at}:00Z", "message": message, "reason": reason}
    return {"status": {"containerStatuses": [{"name": "node", key: {"terminated": ended}}]}}


def test_the_last_line_of_what_failed_is_the_cause() -> None:
    log = "Traceback (most recent call last):\n  ...\nValueError: the data is gone\n\n"
    said = "container node ended with exit code 1, after the line: ValueError: the data is gone"
    assert cause_of([pod(1, message=log)]) == said


def test_a_reason_that_says_more_than_error_is_told() -> None:
    assert cause_of([pod(137, reason="OOMKilled")]) == "container node ended with exit code 137 (OOMKilled)"


def test_the_container_that_failed_first_is_the_cause() -> None:
    pods = [pod(170, "12:05", "another worker went away"), pod(1, "12:04", "ValueError: x"), pod(0, "12:03")]
    assert cause_of(pods).endswith("ValueError: x")


def test_a_container_that_was_started_again_still_tells() -> None:
    assert cause_of([pod(3, key="lastState")]) == "container node ended with exit code 3"


def test_nothing_failed() -> None:
    assert cause_of([pod(0), {"metadata": {}}]) == ""
