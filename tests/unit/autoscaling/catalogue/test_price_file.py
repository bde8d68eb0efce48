"""Price files: what a line may leave out, and how mistakes are named."""

from pathlib import Path

import pytest

from kubelab.autoscaling.catalogue.catalogue import shipped
from kubelab.autoscaling.catalogue.errors import PriceFileError
from kubelab.autoscaling.catalogue.instance_type import InstanceType
from kubelab.autoscaling.catalogue.price_file import read

HEADER = "name,usd_per_hour,price_date"
FULL = f"{HEADER},provider,vcpu,memory_gib,accelerator,accelerators,spot_usd_per_hour,spot_date,pods"


def parse(tmp_path: Path, *lines: str) -> list[InstanceType]:
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines))
    return read(file, shipped())


def test_a_known_type_needs_no_description(tmp_path: Path) -> None:
    (found,) = parse(tmp_path, "# ours", "", HEADER, "g6.xlarge, 0.5 ,2026-11-01")
    assert found.on_demand.usd_per_hour == 0.5
    assert found.allocatable == shipped()["g6.xlarge"].allocatable
    assert found.accelerator == shipped()["g6.xlarge"].accelerator
    assert found.spot is None


def test_an_unknown_machine_is_described_by_its_line(tmp_path: Path) -> None:
    (found,) = parse(tmp_path, FULL, "rack-a,1.5,2026-11-01,own,64,256,nvidia.com/gpu,2,0.5,2026-11-02,200")
    assert found.capacity == {"cpu": 64000, "memory": 256 * 2**30, "pods": 200, "nvidia.com/gpu": 2}
    assert found.allocatable["cpu"] == 63770
    assert found.allocatable_rule == "estimated by GKE's reserves"
    assert found.spot is not None
    assert str(found.spot) == "0.5 USD/h (2026-11-02)"


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("m6i.large,,2026-11-01", "usd_per_hour", "the price is missing"),
        ("m6i.large,-0.1,2026-11-01", "usd_per_hour", "-0.1 is out of range"),
        ("m6i.large,nan,2026-11-01", "usd_per_hour", "nan is out of range"),
        ("m6i.large,cheap,2026-11-01", "usd_per_hour", "'cheap' is no number"),
        ("m6i.large,0.1,", "price_date", "the price has no date"),
        ("m6i.large,0.1,yesterday", "price_date", "'yesterday' is no date"),
        ("m6i.large,0.1", "price_date", "the price has no date"),
        (",0.1,2026-11-01", "name", "it is missing"),
        ("rack-a,0.1,2026-11-01", "vcpu", "rack-a is not a known type"),
        ("rack-a,0.1,2026-11-01,own,8", "memory_gib", "rack-a is not a known type"),
        ("rack-a,0.1,2026-11-01,own,2.5,8", "vcpu", "2.5 is not whole"),
        ("rack-a,0.1,2026-11-01,own,8,8,nvidia.com/gpu", "accelerators", "devices need both"),
        ("m6i.large,0.1,2026-11-01,,,,,,0.05", "spot_date", "the price has no date"),
    ],
)
def test_a_mistake_is_named_by_its_line_and_field(
    tmp_path: Path, line: str, field: str, problem: str
) -> None:
    with pytest.raises(PriceFileError) as caught:
        parse(tmp_path, FULL, "# a remark", "m6i.xlarge,0.2,2026-11-01", line)
    assert (caught.value.file, caught.value.line, caught.value.field) == ("mine.csv", 4, field)
    assert str(caught.value).startswith(f"mine.csv, line 4, {field}: {problem}")


def test_a_type_stands_in_a_file_once(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="line 3, name: m6i\\.large stands here a second time"):
        parse(tmp_path, HEADER, "m6i.large,0.1,2026-11-01", "m6i.large,0.2,2026-11-01")


@pytest.mark.parametrize("header", ["", "name,usd_per_hour", f"{HEADER},colour"])
def test_a_wrong_header_is_met_with_the_columns_that_there_are(tmp_path: Path, header: str) -> None:
    with pytest.raises(PriceFileError, match="The columns are name, usd_per_hour, price_date"):
        parse(tmp_path, header, "m6i.large,0.1,2026-11-01")


def test_more_fields_than_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="line 2: it has 4 fields, the header 3"):
        parse(tmp_path, HEADER, "m6i.large,0,1,2026-11-01")


def test_a_file_that_cannot_be_read_or_is_empty_says_so(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="it cannot be read"):
        read(tmp_path / "none.csv", {})
    with pytest.raises(PriceFileError, match="it has no instance types"):
        parse(tmp_path, HEADER)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceFileError, match="it cannot be read"):
        read(tmp_path / "binary.csv", {})
