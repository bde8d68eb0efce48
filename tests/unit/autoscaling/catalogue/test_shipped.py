"""The catalogue that kubelab brings along."""

from collections import Counter
from datetime import date

import pytest

from kubelab.autoscaling.catalogue.allocatable import estimate
from kubelab.autoscaling.catalogue.catalogue import shipped

CATALOGUE = shipped()
AWS = [each for each in CATALOGUE.values() if each.provider == "aws"]


def test_three_clouds_offer_several_hundred_types() -> None:
    counts = Counter(each.provider for each in CATALOGUE.values())
    assert counts == {"aws": 310, "gcp": 209, "azure": 76}


@pytest.mark.parametrize(
    ("name", "usd"),
    [
        ("m5.large", 0.096),
        ("m6i.2xlarge", 0.384),
        ("g5.xlarge", 1.006),
        ("g4dn.xlarge", 0.526),
        ("p5.48xlarge", 55.04),
        ("inf2.xlarge", 0.7582),
        ("n2-standard-8", 0.388472),
        ("Standard_D4s_v6", 0.202),
    ],
)
def test_list_prices_are_those_of_their_sources(name: str, usd: float) -> None:
    assert CATALOGUE[name].on_demand.usd_per_hour == usd


def test_every_price_has_its_date_and_source() -> None:
    for each in CATALOGUE.values():
        for price in filter(None, (each.on_demand, each.spot)):
            assert price.usd_per_hour > 0
            assert date(2025, 1, 1) < price.date <= date(2026, 8, 3)
            assert price.source


def test_less_is_allocatable_than_there_is() -> None:
    for each in CATALOGUE.values():
        assert 0 < each.allocatable["cpu"] < each.capacity["cpu"]
        assert 0 < each.allocatable["memory"] < each.capacity["memory"]
        assert each.allocatable["pods"] >= 4


def test_an_aws_machine_gives_pods_what_its_reference_says() -> None:
    assert CATALOGUE["m5.large"].allocatable == {"cpu": 1930, "memory": 6903 * 2**20, "pods": 29}
    assert CATALOGUE["m5.large"].allocatable_rule == "given"


def test_machines_of_others_are_estimated_by_the_providers_rule() -> None:
    assert CATALOGUE["n2-standard-8"].allocatable_rule == "estimated by GKE's reserves"
    # GKE: 7910m; 32 GiB less 1 + 0.8 + 0.8 + 0.96 GiB and 100 MiB
    assert CATALOGUE["n2-standard-8"].allocatable["cpu"] == 7910
    assert CATALOGUE["n2-standard-8"].allocatable["memory"] // 2**20 == 32768 - 3645 - 100 - 1
    assert CATALOGUE["Standard_D8s_v5"].allocatable_rule == "estimated by AKS's reserves"
    assert CATALOGUE["Standard_D8s_v5"].allocatable["cpu"] == 7820


def test_the_rule_for_aws_agrees_with_what_is_given() -> None:
    for each in AWS:
        cpu, memory, _ = estimate("aws", each.vcpu, each.memory_bytes, each.allocatable["pods"])
        assert cpu == each.allocatable["cpu"]
        assert abs(memory - each.allocatable["memory"]) <= 80 * 2**20  # Arm keeps 60 MiB more to itself


def test_devices_are_named_as_pods_ask_for_them() -> None:
    assert CATALOGUE["g6.12xlarge"].allocatable["nvidia.com/gpu"] == 4
    assert CATALOGUE["inf2.xlarge"].allocatable["aws.amazon.com/neuron"] == 1
    accelerator = CATALOGUE["a2-highgpu-1g"].accelerator
    assert accelerator is not None
    assert (accelerator.model, accelerator.memory_bytes) == ("a100-40gb", 40 * 2**30)


def test_an_old_saving_is_not_applied_to_gpu_prices_that_have_fallen_since() -> None:
    assert all(each.spot is None for each in AWS if each.accelerator)
    spot = CATALOGUE["c5.large"].spot
    assert spot is not None
    assert spot.usd_per_hour == pytest.approx(0.085 * (1 - 0.59))
    assert spot.date == date(2025, 6, 28)
    assert spot.source.startswith("estimate")
