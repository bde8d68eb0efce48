"""Looking types up, selecting them, and pricing nodes by their labels."""

from datetime import date
from pathlib import Path

import pytest

from kubelab.autoscaling.catalogue import Catalogue, SelectionError, UnknownInstanceTypeError
from kubelab.autoscaling.catalogue.catalogue import forget_own, keep_own, shipped
from kubelab.autoscaling.catalogue.errors import PriceFileError
from kubelab.autoscaling.catalogue.listing import OrderError, rows
from kubelab.costs.prices import Price, Prices

CATALOGUE = shipped()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path / "home"))


def labels(name: str, capacity_type: str = "on-demand") -> dict[str, str]:
    return {
        "node.kubernetes.io/instance-type": name,
        "autoscaling.kubelab.dev/capacity-type": capacity_type,
    }


def test_an_unknown_type_is_met_with_those_that_look_like_it() -> None:
    with pytest.raises(UnknownInstanceTypeError) as caught:
        CATALOGUE["m6i.2xlrge"]
    assert caught.value.close[0] == "m6i.2xlarge"
    assert str(caught.value).startswith(
        "the catalogue has no instance type 'm6i.2xlrge'. Did you mean m6i.2x"
    )


def test_a_type_shows_its_price_with_the_date() -> None:
    assert repr(CATALOGUE["m6i.2xlarge"]) == (
        "<InstanceType m6i.2xlarge: 8 vCPU, 32 GiB, 0.384 USD/h (2026-07-20)>"
    )
    assert repr(CATALOGUE["g6.xlarge"]) == (
        "<InstanceType g6.xlarge: 4 vCPU, 16 GiB, 1 l4, 0.8048 USD/h (2026-07-20)>"
    )
    assert repr(CATALOGUE) == "<Catalogue of 595 instance types; prices of 2026-06-18 to 2026-08-03>"


def test_a_node_is_priced_by_its_type_and_by_how_it_is_bought() -> None:
    prices: Prices = CATALOGUE
    assert prices.of(labels("n2-standard-8")) == Price(0.388472, date(2026, 8, 3), "Google Cloud list price")
    assert prices.of(labels("n2-standard-8", "spot")) == Price(
        0.18424, date(2026, 8, 3), "Google Cloud spot price"
    )


def test_what_is_not_known_has_no_price() -> None:
    assert CATALOGUE.of(labels("no-such-type")) is None
    assert CATALOGUE.of({}) is None
    assert CATALOGUE.of(labels("g6.xlarge", "spot")) is None
    assert CATALOGUE.of(labels("g6.xlarge", "reserved")) is None


def test_an_expression_selects_types() -> None:
    found = CATALOGUE.select(
        "vcpu >= 8 && vcpu <= 32 && arch == 'arm64' && provider == 'aws' && usdPerHour < 0.4"
    )
    assert found
    for each in found:
        assert 8 <= each.vcpu <= 32
        assert each.arch == "arm64"
        assert each.on_demand.usd_per_hour < 0.4
    assert not CATALOGUE.select("memoryGiB > 1e9")


def test_a_type_without_a_spot_price_is_never_cheap_on_spot() -> None:
    cheap = {each.name for each in CATALOGUE.select("accelerators > 0 && spotUsdPerHour < 1.0")}
    assert "g2-standard-4" in cheap
    assert "g6.xlarge" not in cheap


@pytest.mark.parametrize("expression", ["vcpu >", "vcpus > 3", "vcpu", "name + 3 == 'x'"])
def test_what_is_no_condition_selects_nothing_but_says_why(expression: str) -> None:
    with pytest.raises(SelectionError, match="does not select instance types") as caught:
        CATALOGUE.select(expression)
    assert "vcpu, memoryGiB" in str(caught.value)


def test_the_users_own_prices_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("name,usd_per_hour,price_date\nm6i.large,0.08,2026-11-01\n")
    keep_own(file)
    own = Catalogue.load()
    assert list(own) == ["m6i.large"]
    assert own["m6i.large"].on_demand == Price(0.08, date(2026, 11, 1), "mine.csv")
    assert forget_own()
    assert not forget_own()
    assert len(Catalogue.load()) == len(CATALOGUE)


def test_a_wrong_file_leaves_what_was_in_use(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("name,usd_per_hour,price_date\nm6i.large,0.08,2026-11-01\n")
    bad.write_text("name,usd_per_hour,price_date\nm6i.large,-1,2026-11-01\n")
    keep_own(good)
    with pytest.raises(PriceFileError):
        keep_own(bad)
    assert list(Catalogue.load()) == ["m6i.large"]


def test_rows_are_sorted_as_asked() -> None:
    found = rows(CATALOGUE, "accelerators == 1 && provider == 'gcp'", "spot")
    assert found[0]["name"] == "g2-standard-4"
    spot = [row["spot_usd_per_hour"] for row in found]
    assert spot == sorted(spot)
    assert found[0]["price_date"] == found[0]["spot_date"] == "2026-08-03"
    with pytest.raises(OrderError, match="Sort them by price, spot"):
        rows(CATALOGUE, order="colour")
