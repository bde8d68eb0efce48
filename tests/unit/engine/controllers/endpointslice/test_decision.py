import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.controllers.endpointslice import SliceChanges, decide
from tests.unit.engine.controllers.objects import uid
from tests.unit.engine.controllers.test_endpoints import pod, service


def apply(slices: list[Object], changes: SliceChanges) -> list[Object]:
    """Return the slices after the changes, as the API server would hold them."""
    gone = {each["metadata"]["name"] for each in (*changes.update, *changes.delete)}
    made = []
    for each in changes.create:
        meta = {**each["metadata"], "name": f"{each['metadata']['generateName']}{uid()}"}
        made.append({**copy.deepcopy(each), "metadata": meta})
    kept = [each for each in slices if each["metadata"]["name"] not in gone]
    return [*kept, *copy.deepcopy(list(changes.update)), *made]


def names(slices: list[Object]) -> list[str]:
    return sorted(each["targetRef"]["name"] for one in slices for each in one["endpoints"])


def test_a_slice_tells_of_a_pod_what_upstream_tells() -> None:
    web = service(clusterIP="10.96.0.9", ports=[{"name": "http", "port": 80, "targetPort": "http"}])
    web["metadata"]["labels"] = {"team": "a", "kubernetes.io/service-name": "forged"}
    (made,) = decide(web, [pod("a")], [], {"node": "north"}).create
    assert made["metadata"]["generateName"] == "web-"
    assert made["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert made["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert made["endpoints"] == [
        {
            "addresses": ["127.1.0.1"],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {"kind": "Pod", "name": "a", "namespace": "default", "uid": "a"},
            "nodeName": "node",
            "zone": "north",
        }
    ]


def test_a_pod_that_is_going_serves_but_is_not_ready() -> None:
    going = pod("a")
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    (made,) = decide(service(), [going], [], {}).create
    assert made["endpoints"][0]["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_a_headless_service_may_publish_pods_that_are_not_ready_under_their_hostname() -> None:
    headless = service(clusterIP="None", publishNotReadyAddresses=True, ports=None)
    (made,) = decide(headless, [pod("a", ready=False, hostname="a-0", subdomain="web")], [], {}).create
    assert made["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    (endpoint,) = made["endpoints"]
    assert endpoint["hostname"] == "a-0"
    assert endpoint["conditions"] == {"ready": True, "serving": False, "terminating": False}


def test_pods_without_an_address_or_ended_are_left_out() -> None:
    ended = pod("a")
    ended["status"]["phase"] = "Succeeded"
    (made,) = decide(service(), [ended, pod("b", ip="")], [], {}).create
    assert (made["endpoints"], made["ports"]) == ([], [])


def test_pods_with_other_numbers_for_a_named_port_are_in_a_slice_of_their_own() -> None:
    other = pod("b")
    other["spec"]["containers"][0]["ports"][0]["containerPort"] = 9090
    created = decide(service(), [pod("a"), other], [], {}).create
    assert sorted(each["ports"][0]["port"] for each in created) == [8080, 9090]


def test_a_change_of_the_services_labels_is_a_change_of_its_slices() -> None:
    web = service()
    slices = apply([], decide(web, [pod("a")], [], {}))
    assert decide(web, [pod("a")], slices, {}) == SliceChanges((), (), ())
    web["metadata"]["labels"] = {"team": "a"}
    (updated,) = decide(web, [pod("a")], slices, {}).update
    assert updated["metadata"]["labels"]["team"] == "a"


def test_an_empty_service_keeps_one_empty_slice() -> None:
    slices = apply([], decide(service(), [], [], {}))
    assert len(slices) == 1
    assert decide(service(), [], slices, {}) == SliceChanges((), (), ())
    slices = apply(slices, decide(service(), [pod("a")], slices, {}))
    assert (len(slices), names(slices)) == (1, ["a"])
    slices = apply(slices, decide(service(), [], slices, {}))
    assert (len(slices), names(slices)) == (1, [])


def test_one_pod_more_is_one_write() -> None:
    pods = [pod(f"p{number:03}") for number in range(150)]
    slices = apply([], decide(service(), pods, [], {}))
    changes = decide(service(), [*pods, pod("new")], slices, {})
    assert (len(changes.create), len(changes.update), len(changes.delete)) == (0, 1, 0)


@settings(max_examples=80)
@given(st.lists(st.sets(st.integers(0, 24)), min_size=1, max_size=6))
def test_slices_hold_exactly_the_pods_and_never_too_many(steps: list[set[int]]) -> None:
    slices: list[Object] = []
    for numbers in steps:
        pods = [pod(f"p{number:02}") for number in numbers]
        slices = apply(slices, decide(service(), pods, slices, {}, most=4))
        assert names(slices) == [f"p{number:02}" for number in sorted(numbers)]
        assert all(len(each["endpoints"]) <= 4 for each in slices)
        assert decide(service(), pods, slices, {}, most=4) == SliceChanges((), (), ())
