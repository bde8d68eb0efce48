import pytest

from kubelab.client import Object
from kubelab.objects import is_ready, selects


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
        ({"conditions": [{"type": "Initialized", "status": "True"}]}, False),
        ({"conditions": None}, False),
        (None, False),
    ],
)
def test_an_object_is_ready_if_its_condition_says_so(status: Object | None, ready: bool) -> None:
    assert is_ready({"status": status}) is ready


@pytest.mark.parametrize(
    ("selector", "selected"),
    [({"app": "web"}, True), ({"app": "web", "tier": "front"}, False), ({}, False), (None, False)],
)
def test_a_service_selects_pods_that_have_all_its_labels(selector: Object | None, selected: bool) -> None:
    pod = {"metadata": {"labels": {"app": "web"}}}
    assert selects({"spec": {"selector": selector}}, pod) is selected
