"""Server-side apply: ownership, conflicts, removal, lists by their keys, and its laws."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver import typed
from kubelab.engine.apiserver.apply import server_side_apply
from kubelab.engine.apiserver.conflicts import ApplyConflict
from kubelab.engine.apiserver.fieldsets import from_fields_v1, to_fields_v1
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.last_applied import ANNOTATION
from kubelab.engine.apiserver.managedfields import track_update
from kubelab.engine.apiserver.schemas import schema_of
from kubelab.errors import ApiError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
KINDS = Kinds()


def kind(group: str, plural: str) -> Kind:
    found = KINDS.get(group, "v1", plural)
    assert found is not None
    return found


DEPLOYMENTS = kind("apps", "deployments")
CONFIG_MAPS = kind("", "configmaps")
SERVICES = kind("", "services")
PODS = kind("", "pods")


KEYS = st.sampled_from("abcd")
DATA = st.dictionaries(KEYS, st.sampled_from("123"), max_size=4)
CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": KEYS}, optional={"image": KEYS, "tty": st.booleans()}),
    max_size=4,
    unique_by=lambda item: str(item["name"]),
)


def apply(
    of: Kind, live: Object | None, applied: Object, manager: str, *, force: bool = False, **more: Any
) -> Object:
    """Apply, and check that neither argument is changed."""
    before = copy.deepcopy((live, applied))
    result = server_side_apply(
        of, live, applied, manager=manager, force=force, now=more.pop("now", NOW), **more
    )
    assert (live, applied) == before
    return result


def update(of: Kind, live: Object, change: Any, manager: str, subresource: str = "") -> Object:
    """Write the object as a controller does."""
    new = copy.deepcopy(live)
    change(new)
    track_update(of, live, new, manager, LATER, subresource)
    return new


def deployment(**spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    }


def config_map(**data: str) -> Object:
    meta = {"name": "c", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def containers(*items: Object) -> Object:
    return {"template": {"spec": {"containers": list(items)}}}


def fields(obj: Object, manager: str) -> Object:
    """Return the one entry of a manager."""
    (entry,) = [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == manager]
    return dict(entry["fieldsV1"])


def managers(obj: Object) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]]


def test_the_first_apply_creates_the_object_and_owns_what_it_sets() -> None:
    ports = [{"containerPort": 80}]
    applied = deployment(replicas=3, **containers({"name": "web", "image": "nginx", "ports": ports}))
    created = apply(DEPLOYMENTS, None, applied, "kubectl")
    assert created["spec"] == applied["spec"]
    assert created["metadata"]["managedFields"] == [
        {
            "manager": "kubectl",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "2026-01-31T12:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:spec": {
                    "f:replicas": {},
                    "f:template": {
                        "f:spec": {
                            "f:containers": {
                                'k:{"name":"web"}': {
                                    ".": {},
                                    "f:image": {},
                                    "f:name": {},
                                    "f:ports": {
                                        'k:{"containerPort":80,"protocol":"TCP"}': {
                                            ".": {},
                                            "f:containerPort": {},
                                        }
                                    },
                                }
                            }
                        }
                    },
                }
            },
        }
    ]


def test_a_field_that_another_manager_changed_is_a_conflict() -> None:
    live = apply(DEPLOYMENTS, None, deployment(replicas=3), "kubectl")
    live = update(DEPLOYMENTS, live, lambda new: new["spec"].update(replicas=5), "kubectl-client-side-apply")
    with pytest.raises(ApplyConflict) as refused:
        apply(DEPLOYMENTS, live, deployment(replicas=3), "kubectl")
    assert refused.value.code == 409
    assert refused.value.message == (
        "Apply failed with 1 conflict: "
        'conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas'
    )
    assert refused.value.causes == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-client-side-apply" using apps/v1',
            "field": ".spec.replicas",
        }
    ]


def test_several_conflicts_are_listed_by_manager() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1", b="1"), "one")
    live = apply(CONFIG_MAPS, live, config_map(c="1"), "two")
    with pytest.raises(ApplyConflict) as refused:
        apply(CONFIG_MAPS, live, config_map(a="2", b="2", c="2"), "three")
    assert refused.value.message == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\n- .data.b\n'
        'conflicts with "two":\n- .data.c'
    )


def test_force_takes_the_field() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1", b="1"), "one")
    taken = apply(CONFIG_MAPS, live, config_map(a="2"), "two", force=True)
    assert taken["data"] == {"a": "2", "b": "1"}
    assert fields(taken, "one") == {"f:data": {"f:b": {}}}
    assert fields(taken, "two") == {"f:data": {"f:a": {}}}


def test_managers_that_agree_share_a_field_and_it_goes_with_the_last() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    live = apply(CONFIG_MAPS, live, config_map(a="1"), "two")
    live = apply(CONFIG_MAPS, live, config_map(), "one")
    assert live["data"] == {"a": "1"}
    live = apply(CONFIG_MAPS, live, config_map(), "two")
    assert "data" not in live


def test_a_field_no_longer_applied_goes_but_not_what_others_set() -> None:
    first = deployment(replicas=3, paused=True, **containers({"name": "a"}, {"name": "b"}))
    live = apply(DEPLOYMENTS, None, first, "kubectl")
    live = update(DEPLOYMENTS, live, lambda new: new["spec"].update(minReadySeconds=7), "controller")
    after = apply(DEPLOYMENTS, live, deployment(replicas=3, **containers({"name": "b"})), "kubectl")
    assert after["spec"] == {"replicas": 3, "minReadySeconds": 7, **containers({"name": "b"})}


def test_giving_up_a_field_that_a_controller_took_keeps_its_value() -> None:
    live = apply(DEPLOYMENTS, None, deployment(replicas=3, paused=True), "kubectl")
    live = update(DEPLOYMENTS, live, lambda new: new["spec"].update(replicas=8), "autoscaler", "scale")
    after = apply(DEPLOYMENTS, live, deployment(paused=True), "kubectl")
    assert after["spec"] == {"replicas": 8, "paused": True}
    assert managers(after) == [("kubectl", "Apply"), ("autoscaler", "Update")]


def test_defaults_that_nobody_owns_survive() -> None:
    live = apply(DEPLOYMENTS, None, deployment(replicas=3, paused=True), "kubectl")
    live["spec"]["revisionHistoryLimit"] = 10  # the server defaults after the apply
    after = apply(DEPLOYMENTS, live, deployment(replicas=3), "kubectl")
    assert after["spec"] == {"replicas": 3, "revisionHistoryLimit": 10}


def test_applying_the_same_again_returns_the_live_object_itself() -> None:
    applied = deployment(replicas=3, **containers({"name": "a", "image": "x"}))
    live = apply(DEPLOYMENTS, None, applied, "kubectl")
    live["spec"]["revisionHistoryLimit"] = 10
    assert apply(DEPLOYMENTS, live, applied, "kubectl", now=LATER) is live


def test_an_object_never_applied_before_belongs_to_one_manager() -> None:
    live = config_map(a="1", b="1")
    with pytest.raises(ApplyConflict, match=r'conflict with "before-first-apply" using v1: \.data\.a'):
        apply(CONFIG_MAPS, live, config_map(a="2"), "one")
    after = apply(CONFIG_MAPS, live, config_map(a="1"), "one")
    assert managers(after) == [("one", "Apply"), ("before-first-apply", "Update")]
    assert fields(after, "before-first-apply") == {"f:data": {".": {}, "f:a": {}, "f:b": {}}}


def test_kubectl_may_change_what_its_client_side_apply_set() -> None:
    live = config_map(a="1", b="1")
    live["metadata"]["annotations"] = {ANNOTATION: '{"data":{"a":"1"}}'}
    after = apply(CONFIG_MAPS, live, config_map(a="2"), "kubectl")
    assert after["data"] == {"a": "2", "b": "1"}
    assert '"a":"2"' in after["metadata"]["annotations"][ANNOTATION]
    with pytest.raises(ApplyConflict):  # b came from somewhere else
        apply(CONFIG_MAPS, live, config_map(b="2"), "kubectl")
    with pytest.raises(ApplyConflict):  # and others do not inherit
        apply(CONFIG_MAPS, live, config_map(a="2"), "someone")


def test_kubectl_takes_over_only_what_its_client_side_apply_set() -> None:
    live = config_map(a="1", b="1")
    live["metadata"]["annotations"] = {ANNOTATION: '{"data":{"a":"1"}}'}
    after = apply(CONFIG_MAPS, live, config_map(c="1"), "one")
    assert fields(after, "kubectl-client-side-apply") == {
        "f:metadata": {"f:annotations": {f"f:{ANNOTATION}": {}}},
        "f:data": {"f:a": {}},
    }
    assert "f:b" in fields(after, "before-first-apply")["f:data"]
    assert "f:a" not in fields(after, "before-first-apply")["f:data"]


def test_items_of_a_keyed_list_belong_to_their_managers() -> None:
    live = apply(DEPLOYMENTS, None, deployment(**containers({"name": "a", "image": "x"})), "one")
    live = apply(DEPLOYMENTS, live, deployment(**containers({"name": "side", "image": "y"})), "two")
    names = [item["name"] for item in live["spec"]["template"]["spec"]["containers"]]
    assert names == ["a", "side"]
    live = apply(DEPLOYMENTS, live, deployment(), "two")
    assert live["spec"]["template"]["spec"]["containers"] == [{"name": "a", "image": "x"}]


def test_a_list_key_has_its_default() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    live = apply(SERVICES, None, {**service, "spec": {"ports": [{"port": 80}]}}, "one")
    live["spec"]["ports"][0]["protocol"] = "TCP"
    applied = {**service, "spec": {"ports": [{"port": 80, "name": "http"}]}}
    after = apply(SERVICES, live, applied, "one")
    assert after["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "name": "http"}]


def test_members_of_a_set_belong_to_their_managers() -> None:
    def with_finalizers(*names: str) -> Object:
        obj = config_map()
        obj["metadata"]["finalizers"] = list(names)
        return obj

    live = apply(CONFIG_MAPS, None, with_finalizers("x/a", "x/b"), "one")
    live = apply(CONFIG_MAPS, live, with_finalizers("x/b", "x/c"), "two")
    assert live["metadata"]["finalizers"] == ["x/a", "x/b", "x/c"]
    live = apply(CONFIG_MAPS, live, with_finalizers(), "one")
    assert live["metadata"]["finalizers"] == ["x/b", "x/c"]


def test_an_atomic_list_is_one_field() -> None:
    live = apply(DEPLOYMENTS, None, deployment(**containers({"name": "a", "args": ["x"]})), "one")
    with pytest.raises(ApplyConflict, match=r'\.spec\.template\.spec\.containers\[name="a"\]\.args'):
        apply(DEPLOYMENTS, live, deployment(**containers({"name": "a", "args": ["y"]})), "two")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replica": 1}, ".spec.replica: field not declared in schema"),
        (
            containers({"name": "a"}, {"name": "a"}),
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
    ],
)
def test_what_does_not_fit_the_schema_is_refused_with_its_path(spec: Object, problem: str) -> None:
    with pytest.raises(ApiError) as refused:
        apply(DEPLOYMENTS, None, deployment(**spec), "one")
    start = "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): "
    assert refused.value.message == start + problem


def test_an_apply_may_not_carry_managed_fields() -> None:
    applied = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    with pytest.raises(ApiError, match=r"metadata\.managedFields must be nil"):
        apply(CONFIG_MAPS, None, applied, "one")


def test_status_belongs_to_its_subresource() -> None:
    live = apply(DEPLOYMENTS, None, {**deployment(replicas=1), "status": {"replicas": 9}}, "one")
    assert fields(live, "one") == {"f:spec": {"f:replicas": {}}}
    after = apply(DEPLOYMENTS, live, {**deployment(), "status": {"replicas": 1}}, "two", subresource="status")
    entry = next(entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "two")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:replicas": {}}}


def test_a_status_conflict_names_the_subresource() -> None:
    live = apply(DEPLOYMENTS, None, deployment(replicas=1), "one")
    live = update(DEPLOYMENTS, live, lambda new: new.update(status={"replicas": 1}), "controller", "status")
    status = {**deployment(), "status": {"replicas": 2}}
    with pytest.raises(
        ApplyConflict, match='conflict with "controller" with subresource "status" using apps/v1'
    ):
        apply(DEPLOYMENTS, live, status, "two", subresource="status")


def test_a_plain_update_takes_over_what_it_changes() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1", b="1"), "one")
    new = update(CONFIG_MAPS, live, lambda obj: obj["data"].update(a="2", c="1"), "editor")
    assert fields(new, "one") == {"f:data": {"f:b": {}}}
    assert fields(new, "editor") == {"f:data": {"f:a": {}, "f:c": {}}}


def test_an_item_that_an_update_adds_belongs_to_it() -> None:
    live = apply(DEPLOYMENTS, None, deployment(**containers({"name": "a"})), "one")

    def add(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "x"})

    new = update(DEPLOYMENTS, live, add, "injector")
    side: Object = {'k:{"name":"side"}': {".": {}, "f:image": {}, "f:name": {}}}
    assert fields(new, "injector") == {"f:spec": {"f:template": {"f:spec": {"f:containers": side}}}}
    assert apply(DEPLOYMENTS, new, deployment(**containers({"name": "a"})), "one") is new


def test_a_plain_update_takes_away_ownership_of_what_it_removes() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1", b="1"), "one")
    new = update(CONFIG_MAPS, live, lambda obj: obj["data"].pop("a"), "editor")
    assert managers(new) == [("one", "Apply")]
    assert fields(new, "one") == {"f:data": {"f:b": {}}}


def test_updates_of_objects_never_applied_are_not_tracked() -> None:
    new = update(CONFIG_MAPS, config_map(a="1"), lambda obj: obj["data"].update(a="2"), "editor")
    assert "managedFields" not in new["metadata"]


def test_a_client_may_reset_the_managed_fields() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    new = update(CONFIG_MAPS, live, lambda obj: obj["metadata"].update(managedFields=[{}]), "editor")
    assert "managedFields" not in new["metadata"]


@pytest.mark.parametrize(
    "fields_v1", [{"f:data": 1}, {"data": {}}, {"k:{": {}}, {"k:1": {}}, {"f:metadata": {"v:}": {}}}]
)
def test_managed_fields_that_are_malformed_are_passed_over(fields_v1: Object) -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    entry = {"manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    entries = [{**entry, "fieldsV1": fields_v1}]
    new = update(CONFIG_MAPS, live, lambda obj: obj["metadata"].update(managedFields=entries), "editor")
    assert managers(new) == [("one", "Apply")]


def test_a_client_may_write_the_managed_fields() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    entries = copy.deepcopy(live["metadata"]["managedFields"])
    entries[0]["manager"] = "renamed"
    new = update(CONFIG_MAPS, live, lambda obj: obj["metadata"].update(managedFields=entries), "editor")
    assert managers(new) == [("renamed", "Apply")]


@given(CONTAINERS)
def test_a_field_set_survives_its_form(items: list[Object]) -> None:
    fields_of = typed.field_set(deployment(**containers(*items)), schema_of(DEPLOYMENTS))
    assert from_fields_v1(to_fields_v1(fields_of)) == fields_of


def test_old_updates_are_folded_into_one_entry() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    for number in range(13):
        key = f"k{number}"
        live = update(CONFIG_MAPS, live, lambda obj, key=key: obj["data"].update({key: ""}), f"m{number:02}")
    updates = [name for name, operation in managers(live) if operation == "Update"]
    assert len(updates) == 10
    assert "ancient-changes" in updates


def test_a_uid_that_does_not_match_is_a_conflict() -> None:
    applied = config_map(a="1")
    applied["metadata"]["uid"] = "other"
    with pytest.raises(ApiError, match="no existing object was found"):
        apply(CONFIG_MAPS, None, applied, "one")


def test_what_the_server_set_stays() -> None:
    live = apply(CONFIG_MAPS, None, config_map(a="1"), "one")
    live["metadata"].update(uid="u1", creationTimestamp="2026-01-31T12:00:00Z")
    applied = config_map(a="2")
    applied["metadata"]["creationTimestamp"] = None  # as kubectl create --dry-run=client -o yaml prints it
    after = apply(CONFIG_MAPS, live, applied, "one")
    assert after["metadata"]["uid"] == "u1"
    assert after["metadata"]["creationTimestamp"] == "2026-01-31T12:00:00Z"


@given(DATA, DATA)
def test_after_an_apply_the_object_has_what_was_applied_and_keeps_nothing_of_before(
    first: dict[str, str], second: dict[str, str]
) -> None:
    live = apply(CONFIG_MAPS, None, config_map(**first), "one")
    assert apply(CONFIG_MAPS, live, config_map(**second), "one").get("data", {}) == second


@given(CONTAINERS, CONTAINERS.filter(bool), CONTAINERS)
def test_apply_is_idempotent(first: list[Object], second: list[Object], others: list[Object]) -> None:
    live = apply(DEPLOYMENTS, None, deployment(**containers(*first)), "one")
    live = apply(DEPLOYMENTS, live, deployment(**containers(*others)), "two", force=True)
    once = apply(DEPLOYMENTS, live, deployment(**containers(*second)), "one", force=True)
    assert apply(DEPLOYMENTS, once, deployment(**containers(*second)), "one") is once


@given(CONTAINERS, CONTAINERS)
def test_a_manager_that_applies_nothing_leaves_no_trace(mine: list[Object], theirs: list[Object]) -> None:
    alone = apply(DEPLOYMENTS, None, deployment(**containers(*theirs)), "two")
    mine = [item for item in mine if item["name"] not in {other["name"] for other in theirs}]
    both = apply(DEPLOYMENTS, alone, deployment(**containers(*mine)), "one")
    after = apply(DEPLOYMENTS, both, deployment(), "one")
    assert _named(after) == _named(alone)
    assert fields(after, "two") == fields(alone, "two") if theirs else True


@given(DATA, DATA, DATA)
def test_no_field_is_owned_that_is_not_there(
    first: dict[str, str], second: dict[str, str], third: dict[str, str]
) -> None:
    live = apply(CONFIG_MAPS, None, config_map(**first), "one")
    live = apply(CONFIG_MAPS, live, config_map(**second), "two", force=True)
    live = update(CONFIG_MAPS, live, lambda obj: obj.update(data=third), "three")
    owned = {
        key.removeprefix("f:")
        for entry in live["metadata"].get("managedFields", [])
        for key in entry["fieldsV1"].get("f:data", {})
        if key != "."
    }
    assert owned <= third.keys()


def _named(obj: Object) -> list[Object]:
    spec = obj.get("spec", {}).get("template", {}).get("spec", {})
    return sorted(spec.get("containers", []), key=lambda item: str(item["name"]))


def test_null_takes_a_map_away_and_nothing_beside_it() -> None:
    labelled, emptied = deployment(), deployment()
    labelled["metadata"]["labels"], emptied["metadata"]["labels"] = {"a": "b"}, None
    after = apply(DEPLOYMENTS, apply(DEPLOYMENTS, None, labelled, "one"), emptied, "one")
    assert after["metadata"]["name"] == "web"
    assert not after["metadata"].get("labels")
