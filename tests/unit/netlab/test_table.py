from dataclasses import replace

from kubelab.netlab import Comparison
from kubelab.netlab.table import frame_of, html_of
from tests.unit.netlab.made_up import ENVIRONMENT, comparison


def test_each_row_says_what_its_numbers_depend_on() -> None:
    rows = frame_of(comparison()).set_index("backend")
    assert set(rows.loc["nftables"]["tool"]) == {"nft 1.0.6"}
    assert rows.loc["iptables-nft"]["tool"] == "iptables-nft"
    assert set(rows["kernel"]) == {"6.18.44"}
    assert set(rows["seed"]) == {0}


def test_a_notebook_shows_few_columns_and_why_one_was_skipped() -> None:
    shown = html_of(comparison())
    assert shown.count("<th>") == 12
    assert "iptables-nft is not installed" in shown
    assert "NaN" not in shown
    assert "None" not in shown
    assert "skipped" not in html_of(Comparison(ENVIRONMENT, comparison().measures[:4]))


def test_each_row_says_which_syncs_list() -> None:
    rows = frame_of(Comparison(ENVIRONMENT, comparison().measures[1:4:2]))
    assert list(rows["listed"]) == ["at most once in 30 s", "every sync"]
    assert list(rows["list_s"]) == [0.04, 0.04]


def test_what_the_machine_calls_itself_is_text_and_no_markup() -> None:
    strange = replace(ENVIRONMENT, machine="<b>machine</b>")
    assert "&lt;b&gt;machine" in html_of(Comparison(strange, comparison().measures))
