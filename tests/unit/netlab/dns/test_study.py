"""The recorded study holds the published counts, and is told apart from what is measured here."""

from __future__ import annotations

from dataclasses import replace

from kubelab.netlab.dns.results import Counts, Load, Lookup, nearest_rank
from kubelab.netlab.dns.server import Query

PUBLISHED = {
    "outside, ndots 5": (8, 6),
    "outside, ndots 5, A only": (4, 3),
    "outside, 4 search domains": (10, 8),
    "outside, trailing dot": (2, 0),
    "outside, ndots 2": (2, 0),
    "outside, ndots 1": (2, 0),
    "outside, autopath": (2, 0),
    "svc": (2, 0),
    "svc.ns": (4, 2),
    "svc.ns.svc": (6, 4),
    "svc.ns.svc.cluster.local": (8, 6),
    "the same, trailing dot": (2, 0),
    "svc.ns, ndots 1": (6, 4),
    "no such name, ndots 5": (8, 8),
    "no such name, ndots 2": (8, 8),
}


def test_the_record_has_the_published_counts_and_says_where_it_was_made() -> None:
    record = Counts.of_record()
    found = {each.label: (len(each.queries), each.wasted) for each in record.lookups}
    assert found.items() >= PUBLISHED.items()
    assert record.recorded
    assert str(record.machine).startswith("Linux")
    by_label = {each.label: each for each in record.lookups}
    assert 5.0 <= by_label["a lost pair, as it is"].seconds < 5.1
    assert by_label["a lost pair, use-vc"].seconds < 0.1
    assert by_label["outside, warm cache"].upstream == 0


def test_counts_are_written_and_read_back() -> None:
    record = Counts.of_record()
    assert Counts.from_json(record.to_json()) == record


def test_the_figure_says_what_was_wasted_and_that_it_is_a_record() -> None:
    record = Counts.of_record()
    figure = record.figure()
    useful, wasted, again = figure.data
    place = list(wasted.y).index("outside, ndots 5")
    assert (useful.x[place], wasted.x[place], again.x[place]) == (2, 6, 0)
    assert "recorded: Linux" in figure.layout.xaxis.title.text


def test_what_was_lost_or_asked_again_is_not_useful() -> None:
    queries = tuple(Query("a", *each) for each in (("A", "NOERROR"), ("AAAA", "LOST"), ("A", "NOERROR")))
    found = Lookup("a", (*queries, Query("a", "AAAA", "NODATA"), Query("b", "A", "NXDOMAIN")), 5, (), "", 5.0)
    assert (len(found.queries), found.wasted, found.again) == (5, 1, 2)
    frame = Counts.of_record().frame().set_index("what")
    lost = frame.loc["a lost pair, as it is"]
    assert lost.queries - lost.wasted - lost.again == 2
    assert (frame[frame.index.isin(PUBLISHED)].again == 0).all()


def test_no_lookups_are_an_empty_table_and_an_empty_figure() -> None:
    nothing = replace(Counts.of_record(), lookups=())
    assert list(nothing.frame().columns) == list(Counts.of_record().frame().columns)
    assert [len(trace.x) for trace in nothing.figure().data] == [0, 0, 0]


def test_the_words_of_counts_are_a_line_for_each_lookup() -> None:
    assert str(Counts.of_record()).splitlines()[0] == "outside, ndots 5: 8 queries, 6 wasted"


def test_percentiles_are_by_nearest_rank() -> None:
    assert [nearest_rank((1, 2, 3, 4), each) for each in (0, 25, 50, 75, 99, 100)] == [1, 1, 2, 3, 4, 4]
    load = Load("", (0.001, 0.003), 0.5, 8, 8)
    assert (load.percentile_ms(50), load.percentile_ms(99), load.lookups_per_s) == (1, 3, 4)


def test_the_recorded_loads_ask_less_by_ndots_and_autopath_and_hardly_the_server_with_a_cache() -> None:
    found = {each.label: each for each in Load.of_record()}
    assert {label: each.queries for label, each in found.items()} == {
        "ndots 5": 2000,
        "ndots 2": 800,
        "autopath": 800,
        "node's cache": 2000,
    }
    assert found["node's cache"].upstream <= 20
    assert found["node's cache"].percentile_ms(50) < found["ndots 5"].percentile_ms(50)
