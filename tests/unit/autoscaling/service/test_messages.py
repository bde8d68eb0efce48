from __future__ import annotations

import re
from importlib import resources

import pytest

from kubelab.autoscaling.service.messages import MESSAGES

CORE = "Pod PodSpec Container ResourceRequirements Node NodeSpec NodeStatus Taint"
UPSTREAM = {
    "ObjectMeta": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    **{name: f"io.k8s.api.core.v1.{name}" for name in CORE.split()},
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_field_numbers_are_those_of_kubernetes(name: str) -> None:
    text = resources.files("kubelab.engine.apiserver").joinpath("protobuf_fields.txt").read_text()
    line = next(each for each in text.splitlines() if each.split(" ")[0] == UPSTREAM[name])
    upstream = {field: int(number) for number, field in re.findall(r" (\d+)!?=~?(\w+)", line)}
    own = {field.name: field.number for field in MESSAGES[name].DESCRIPTOR.fields}
    assert own == {field: upstream[field] for field in own}
