from kubelab.engine.controllers.katib.conditions import end, mark
from tests.unit.engine.controllers.objects import at


def test_the_condition_that_changed_last_is_the_last() -> None:
    listed = mark(None, "Created", "TrialCreated", "Trial is created", at(0))
    listed = mark(listed, "Running", "TrialRunning", "Trial is running", at(1))
    listed = mark(listed, "Created", "Again", "", at(2))
    assert [each["type"] for each in listed] == ["Running", "Created"]


def test_a_condition_with_the_same_status_and_reason_is_not_touched() -> None:
    listed = mark(None, "Running", "TrialRunning", "Trial is running", at(0))
    assert mark(listed, "Running", "TrialRunning", "another message", at(9)) == listed


def test_transition_time_stays_where_only_the_reason_changes() -> None:
    listed = mark(None, "Running", "One", "", at(0))
    (changed,) = mark(listed, "Running", "Two", "", at(60))
    assert changed["lastTransitionTime"] == "2026-01-31T12:00:00Z"
    assert changed["lastUpdateTime"] == "2026-01-31T12:01:00Z"


def test_the_end_turns_running_false_and_keeps_its_words() -> None:
    listed = mark(None, "Running", "TrialRunning", "Trial is running", at(0))
    running, ended = end(listed, "Failed", "TrialFailed", "Trial has failed", at(5))
    assert (running["status"], running["reason"], running["message"]) == (
        "False",
        "TrialRunning",
        "Trial is running",
    )
    assert (ended["type"], ended["status"]) == ("Failed", "True")


def test_the_end_of_what_never_ran_is_one_condition() -> None:
    assert [each["type"] for each in end([], "Killed", "TrialKilled", "", at(0))] == ["Killed"]
