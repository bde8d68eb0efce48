"""What is served, and under which names."""

from __future__ import annotations

import pytest

from kubelab.client import Object
from kubelab.engine.apiserver.definitions import definition
from kubelab.engine.apiserver.kinds import Kinds


def widgets(**names: object) -> Object:
    version = {"served": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", **names},
            "versions": [
                {**version, "name": "v1beta1", "storage": False},
                {**version, "name": "v1", "storage": True, "subresources": {"status": {}, "scale": {}}},
                {**version, "name": "v1alpha1", "storage": False, "served": False},
            ],
        },
    }


def test_every_builtin_kind_has_a_schema() -> None:
    for kind in Kinds().all():
        assert definition(kind.definition)["type"] == "object"


@pytest.mark.parametrize(
    ("group", "plural", "short", "kind", "namespaced"),
    [
        ("", "pods", "po", "Pod", True),
        ("", "persistentvolumes", "pv", "PersistentVolume", False),
        ("apps", "deployments", "deploy", "Deployment", True),
        ("apiextensions.k8s.io", "customresourcedefinitions", "crd", "CustomResourceDefinition", False),
    ],
)
def test_kinds_have_kubectls_names(group: str, plural: str, short: str, kind: str, namespaced: bool) -> None:
    found = Kinds().get(group, "v1", plural)
    assert found is not None
    assert short in found.short_names
    assert found.resource.kind == kind
    assert found.resource.namespaced is namespaced
    assert found.singular == kind.lower()


def test_reviews_can_only_be_created() -> None:
    review = Kinds().get("authentication.k8s.io", "v1", "tokenreviews")
    assert review is not None
    assert review.verbs == ("create",)


def test_events_of_both_groups_are_stored_as_one() -> None:
    kinds = Kinds()
    core, events = kinds.get("", "v1", "events"), kinds.get("events.k8s.io", "v1", "events")
    assert core is not None
    assert events is not None
    assert core.storage == events.storage == core.resource


def test_a_definition_is_served_in_its_served_versions_stable_first() -> None:
    kinds = Kinds()
    kinds.add_crd(widgets())
    served = [kind for kind in kinds.all() if kind.resource.group == "example.com"]
    assert [kind.resource.version for kind in served] == ["v1", "v1beta1"]
    assert {kind.storage.version for kind in served} == {"v1"}
    assert served[0].subresources == ("scale", "status")
    assert served[0].list_kind == "WidgetList"


def test_a_removed_definition_is_served_no_more() -> None:
    kinds = Kinds()
    before = kinds.generation
    kinds.add_crd(widgets())
    kinds.remove_crd("widgets.example.com")
    assert kinds.by_gvk("example.com", "v1", "Widget") is None
    assert kinds.get("example.com", "v1", "widgets") is None
    assert kinds.generation > before
