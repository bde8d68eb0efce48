import pytest

from kubelab.errors import KubelabError
from kubelab.netlab.services import make_services, one_more


def test_a_seed_fixes_the_order() -> None:
    assert make_services(20, seed=1) == make_services(20, seed=1) != make_services(20, seed=2)


def test_addresses_are_all_different() -> None:
    services = [*(first := make_services(300, 3)), one_more(first)]
    assert len({each.cluster_ip for each in services}) == 301
    assert len({endpoint for each in services for endpoint in each.endpoints}) == 903


def test_a_changed_endpoint_is_one_that_nobody_has() -> None:
    services = make_services(100, 2)
    changed = services[0].with_endpoint_changed()
    used = {endpoint for each in services for endpoint in each.endpoints}
    assert changed.endpoints[0] not in used
    assert changed.endpoints[1:] == services[0].endpoints[1:]


@pytest.mark.parametrize(("count", "endpoints"), [(0, 1), (600_000, 1), (100_000, 100), (1, -1)])
def test_what_addresses_do_not_reach_for_is_refused(count: int, endpoints: int) -> None:
    with pytest.raises(KubelabError, match="has room for"):
        make_services(count, endpoints)
