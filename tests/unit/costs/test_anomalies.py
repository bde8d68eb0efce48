"""Steps that are far off."""

from kubelab.costs.anomalies import anomalies


def test_a_day_that_costs_thrice_as_much_stands_out_and_the_days_after_do_not() -> None:
    costs = [10.0, 11, 9, 10, 12, 10, 30, 10, 11]
    (found,) = anomalies(costs)
    assert (found.place, found.usd, found.expected_usd) == (6, 30.0, 10.0)
    assert found.why.startswith("20.00 USD more than the 10.00 USD of the steps before; ")


def test_a_second_odd_day_is_not_hidden_by_the_first() -> None:
    assert [each.place for each in anomalies([10.0] * 6 + [40.0, 10.0, 40.0])] == [6, 8]


def test_a_day_that_costs_nothing_stands_out_too() -> None:
    (found,) = anomalies([10.0] * 6 + [0.0])
    assert "10.00 USD less" in found.why


def test_a_little_more_than_always_is_usual() -> None:
    assert anomalies([10.0] * 6 + [11.9]) == []


def test_weekends_are_compared_with_weekends() -> None:
    week = [10.0, 10, 10, 10, 10, 2, 2]
    assert anomalies(week * 6, season=7) == [
        each for each in anomalies(week * 6, season=7) if each.place < 35
    ]
    assert [each.place for each in anomalies([*(week * 6)[:-1], 10.0], season=7) if each.place >= 35] == [41]


def test_too_few_days_say_nothing() -> None:
    assert anomalies([1.0, 1, 1, 1, 99]) == []
