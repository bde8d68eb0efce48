from __future__ import annotations

from kubelab.rightsizing.amounts import WholeAmounts
from kubelab.rightsizing.policies import ContainerPolicy

VPA = {
    "spec": {
        "resourcePolicy": {
            "containerPolicies": [
                {"containerName": "*", "minAllowed": {"cpu": "50m"}, "controlledValues": "RequestsOnly"},
                {
                    "containerName": "app",
                    "maxAllowed": {"memory": "1Gi"},
                    "controlledResources": ["memory"],
                    "oomBumpUpRatio": "1.5",
                    "oomMinBumpUp": "200Mi",
                },
                {"containerName": "proxy", "mode": "Off"},
            ]
        }
    }
}


def test_container_has_its_own_policy() -> None:
    policy = ContainerPolicy.of(VPA, "app")
    assert policy.most == WholeAmounts(memory=2**30)
    assert policy.controlled == {"memory"}
    assert (policy.oom_ratio, policy.oom_least) == (1.5, 200 * 2**20)
    assert not policy.keeps_limits
    assert ContainerPolicy.of(VPA, "proxy").off


def test_other_containers_have_that_of_the_star() -> None:
    policy = ContainerPolicy.of(VPA, "sidecar")
    assert policy.least == WholeAmounts(cpu=50)
    assert policy.keeps_limits


def test_without_a_policy_all_is_recommended() -> None:
    assert ContainerPolicy.of({"spec": {}}, "app") == ContainerPolicy()


def test_most_wins_over_least() -> None:
    policy = ContainerPolicy(least=WholeAmounts(cpu=200), most=WholeAmounts(cpu=100))
    assert policy.capped(WholeAmounts(cpu=50)) == WholeAmounts(cpu=100)
