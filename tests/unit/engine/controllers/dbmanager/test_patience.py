from kubelab.engine.controllers.dbmanager.patience import Patience
from tests.unit.engine.controllers.objects import at

HOUR = 3600


def test_trials_wait_a_minute_from_when_the_db_manager_is_found_missing() -> None:
    patience = Patience()
    assert patience.lasts("old", at(HOUR), available=False), "however old the Experiment is"
    assert patience.lasts("old", at(HOUR + 59), available=False)
    assert not patience.lasts("old", at(HOUR + 60), available=False)


def test_each_experiment_has_a_minute_of_its_own() -> None:
    patience = Patience()
    patience.lasts("first", at(0), available=False)
    assert patience.lasts("second", at(120), available=False)
    assert not patience.lasts("first", at(120), available=False)


def test_a_db_manager_that_went_again_is_waited_for_again() -> None:
    patience = Patience()
    patience.lasts("sweep", at(0), available=False)
    assert not patience.lasts("sweep", at(5), available=True)
    assert patience.lasts("sweep", at(HOUR), available=False)


def test_an_experiment_that_restarts_waits_again() -> None:
    patience = Patience()
    patience.lasts("sweep", at(0), available=False)
    patience.forget("sweep")
    assert patience.lasts("sweep", at(HOUR), available=False)
