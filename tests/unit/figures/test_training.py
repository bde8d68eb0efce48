import pandas as pd

from kubelab.figures import comparison_figure, loss_figure, metric_figure, throughput_figure
from kubelab.figures.curves import Curve, curves_of


def metrics(*rows: tuple[int | None, int, str, float, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["step", "rank", "name", "value", "attempt"])
    return frame.astype({"step": "Int64"})


RESUMED = metrics(
    (0, 0, "loss", 2.0, 0),
    (10, 0, "loss", 1.0, 0),
    (5, 0, "loss", 1.5, 1),
    (10, 0, "loss", 1.1, 1),
    (10, 1, "loss", 1.2, 0),
    (10, 0, "steps_per_second", 50.0, 0),
    (None, 0, "loss", 9.0, 0),
)


def test_each_rank_and_attempt_is_a_curve_of_its_own() -> None:
    assert curves_of(RESUMED, "loss") == (
        Curve(0, 0, (0, 10), (2.0, 1.0)),
        Curve(0, 1, (5, 10), (1.5, 1.1)),
        Curve(1, 0, (10,), (1.2,)),
    )


def test_a_metric_that_nobody_reported_has_no_curves() -> None:
    assert curves_of(RESUMED, "accuracy") == ()
    assert len(metric_figure(RESUMED, "accuracy").data) == 0


def test_the_loss_figure_names_ranks_and_attempts() -> None:
    figure = loss_figure(RESUMED)
    assert [line.name for line in figure.data] == ["rank 0", "rank 0, attempt 2", "rank 1"]
    assert figure.layout.yaxis.title.text == "loss"


def test_ranks_differ_in_shape_and_not_only_in_colour() -> None:
    first, _, second = loss_figure(RESUMED).data
    assert first.marker.symbol != second.marker.symbol


def test_throughput_starts_at_zero() -> None:
    figure = throughput_figure(RESUMED)
    assert figure.layout.yaxis.rangemode == "tozero"
    assert figure.data[0].y == (50.0,)


def test_a_comparison_has_one_line_for_each_run() -> None:
    alone = metrics((0, 0, "loss", 2.0, 0), (10, 0, "loss", 1.0, 0))
    pair = metrics((0, 0, "loss", 2.0, 0), (0, 1, "loss", 2.0, 0))
    figure = comparison_figure({"1 process": alone, "2 processes": pair})
    assert [line.name for line in figure.data] == ["1 process", "2 processes"]


def test_a_figure_is_small_enough_for_a_slow_link() -> None:
    many = metrics(*((step, rank, "loss", 1.0 / (step + 1), 0) for step in range(300) for rank in range(4)))
    assert len(loss_figure(many).to_json()) < 60_000
