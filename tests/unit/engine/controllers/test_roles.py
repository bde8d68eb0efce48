from kubelab.client import Object
from kubelab.engine.controllers.roles import aggregated_rules
from kubelab.engine.roles import CLUSTER_ROLES, label_of, roles
from tests.unit.engine.controllers.lab import Lab


def role(name: str, resource: str, **labels: str) -> Object:
    rule = {"apiGroups": ["example.com"], "resources": [resource], "verbs": ["get"]}
    return {
        "apiVersion": CLUSTER_ROLES.api_version,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels},
        "rules": [rule],
    }


def test_an_aggregated_role_has_each_rule_of_those_it_selects_once() -> None:
    whole = role("whole", "x", a="1")
    whole["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"a": "1"}}]}
    others = [whole, role("c", "foos", a="1"), role("b", "bars", a="1"), role("d", "foos", a="1")]
    found = aggregated_rules(whole, [*others, role("e", "bazs")])
    assert [rule["resources"] for rule in found] == [["bars"], ["foos"]]


def test_the_default_roles_hold_what_they_would_be_aggregated_to() -> None:
    made = {each["metadata"]["name"]: each for each in roles()}
    for name in ("admin", "edit", "view"):
        assert aggregated_rules(made[name], made.values()) == made[name]["rules"]


async def test_a_new_role_with_the_label_of_view_is_part_of_view(lab: Lab) -> None:
    await lab.client.create(CLUSTER_ROLES, role("more", "foos", **{label_of("view"): "true"}))
    for name in ("view", "edit", "admin"):
        await lab.until(CLUSTER_ROLES, lambda found, name=name: "foos" in str(found[name]["rules"]))
    await lab.client.delete(CLUSTER_ROLES, "more")
    await lab.until(CLUSTER_ROLES, lambda found: "foos" not in str(found["admin"]["rules"]))
