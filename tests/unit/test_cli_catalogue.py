import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubelab.cli import app


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBELAB_HOME", str(tmp_path / "home"))


def kubelab(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["catalogue", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_types_are_listed_with_dated_prices() -> None:
    header, first, *_ = kubelab(
        "list", "--select", "provider == 'azure' && vcpu == 8", "--sort", "price"
    ).splitlines()
    assert header.split()[:3] == ["NAME", "PROVIDER", "ARCH"]
    assert "2026-06-18" in first
    rows = json.loads(kubelab("list", "--select", "name == 'm6i.2xlarge'", "--json"))
    assert [(row["usd_per_hour"], row["price_date"]) for row in rows] == [(0.384, "2026-07-20")]
    assert kubelab("list", "--select", "vcpu > 5000") == "No instance type is like that.\n"


def test_a_price_file_is_taken_and_given_up(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("name,usd_per_hour,price_date\nm6i.large,0.08,2026-11-01\n")
    assert kubelab("refresh", str(file)) == (
        "From now on: <Catalogue of 1 instance types; prices of 2026-11-01>.\n"
    )
    assert len(kubelab("list").splitlines()) == 2
    assert kubelab("refresh", "--remove") == "Your price file is no longer used.\n"
    assert kubelab("refresh", "--remove") == "There is no price file of yours.\n"


def test_mistakes_end_in_one_plain_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("name,usd_per_hour,price_date\nm6i.large,-8,2026-11-01\n")
    assert "mine.csv, line 2, usd_per_hour: -8 is out of range" in kubelab("refresh", str(file), code=1)
    assert "does not select instance types" in kubelab("list", "--select", "vcpu >", code=1)
    assert "name a price file" in kubelab("refresh", code=1)
