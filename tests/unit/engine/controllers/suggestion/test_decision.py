import pytest

from kubelab.client import Object
from kubelab.engine.controllers.suggestion.decision import (
    answered,
    failed,
    is_restarting,
    restarted,
    retired,
    running,
    started,
)
from kubelab.tuning import Assignment, StoppingRule, Suggestions
from tests.unit.engine.controllers.objects import at
from tests.unit.engine.controllers.sweeps import condition, experiment, last, suggestion

RULE = StoppingRule("loss", 0.5, "greater", 4, 3)


def begun(of: Object) -> Object:
    return running(started(suggestion(of, conditions=[]), at(0)), at(0))


def asked(*rates: str, **answer: object) -> Suggestions:
    return Suggestions(tuple(Assignment({"lr": rate}) for rate in rates), **answer)  # type: ignore[arg-type]


def test_a_suggestion_is_created_and_running_before_it_is_asked() -> None:
    status = running(started({"metadata": {}}, at(0)), at(0))
    assert [(each["type"], each["reason"]) for each in status["conditions"]] == [
        ("Created", "SuggestionCreated"),
        ("Running", "SuggestionRunning"),
    ]


def test_what_is_suggested_is_named_and_counted() -> None:
    of = experiment()
    status = answered(begun(of), of, asked("0.1", "0.2"), (), at(1))
    again = answered(status, of, asked("0.3"), (), at(2))
    assert again["suggestionCount"] == 3
    assert again["suggestions"][:2] == status["suggestions"], "what was suggested once stays"
    assert [each["parameterAssignments"] for each in again["suggestions"]] == [
        [{"name": "lr", "value": rate}] for rate in ("0.1", "0.2", "0.3")
    ]
    assert len({each["name"] for each in again["suggestions"]}) == 3
    assert again == answered(status, of, asked("0.3"), (), at(2)), "a restart gives the same names"


def test_rules_are_given_to_new_trials_where_the_experiment_stops_early() -> None:
    of = experiment(earlyStopping={"algorithmName": "medianstop"})
    (entry,) = answered(begun(of), of, asked("0.1"), (RULE,), at(1))["suggestions"]
    assert entry["earlyStoppingRules"] == [
        {"name": "loss", "value": "0.5", "comparison": "greater", "startStep": 4, "trials": 3}
    ]
    plain = experiment()
    assert (
        "earlyStoppingRules"
        not in answered(begun(plain), plain, asked("0.1"), (RULE,), at(1))["suggestions"][0]
    )


def test_labels_go_with_a_suggestion() -> None:
    of = experiment()
    answer = Suggestions((Assignment({"lr": "1"}, {"rung": "2"}),))
    assert answered(begun(of), of, answer, (), at(1))["suggestions"][0]["labels"] == {"rung": "2"}


def test_an_exhausted_algorithm_ends_the_suggestion() -> None:
    of = experiment()
    status = answered(begun(of), of, asked(exhausted=True, reason="all 4 combinations were tried"), (), at(1))
    assert last(status) == ("Succeeded", "True", "SuggestionEndReached")
    assert status["conditions"][-1]["message"] == "all 4 combinations were tried"


def test_a_search_that_the_algorithm_refuses_fails_with_its_words() -> None:
    status = failed(
        begun(experiment()), "ValidateAlgorithmSettings", "setting of tpe 'x' is not known", at(1)
    )
    assert last(status) == ("Failed", "True", "SuggestionFailed")
    assert status["conditions"][-1]["message"] == (
        "Validation failed: ValidateAlgorithmSettings Error: setting of tpe 'x' is not known"
    )


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("Never", "Suggestion is succeeded, can't be restarted"),
        ("FromVolume", "Suggestion is succeeded, suggestion volume is not deleted, can be restarted"),
    ],
)
def test_a_suggestion_succeeds_with_its_experiment(policy: str, message: str) -> None:
    status = retired(suggestion(experiment()), policy, at(1))
    assert last(status) == ("Succeeded", "True", "Experiment is succeeded")
    assert status["conditions"][-1]["message"] == message
    assert [each["status"] for each in status["conditions"] if each["type"] == "Running"] == ["False"]
    assert retired({"status": status}, policy, at(9)) == status


def test_a_failed_suggestion_stays_failed() -> None:
    of = suggestion(experiment(), conditions=[condition("Failed")])
    assert retired(of, "Never", at(1)) == of["status"]


def test_a_restarted_suggestion_runs_again_when_it_is_asked() -> None:
    status = restarted(
        {"status": retired(suggestion(experiment()), "FromVolume", at(1))}, "FromVolume", at(2)
    )
    assert is_restarting(status)
    assert last(status) == ("Running", "False", "Experiment is restarting")
    assert not any(each["type"] == "Succeeded" for each in status["conditions"])
    assert last(running(status, at(3))) == ("Running", "True", "SuggestionRunning")
