"""What goes into one transaction."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kubelab.netlab.transactions import SENT_AT_ONCE, share_out


@given(st.lists(st.integers(1, 2 * SENT_AT_ONCE)))
def test_a_user_namespaces_transactions_hold_all_in_order_and_no_more_than_fits(sizes: list[int]) -> None:
    shared = share_out(sizes, lambda size: "x" * size, root=False)
    assert [size for each in shared for size in each] == sizes
    assert all(sum(each) <= SENT_AT_ONCE or len(each) == 1 for each in shared)
    assert all(sum(a) + b[0] > SENT_AT_ONCE for a, b in pairwise(shared))


def test_root_sends_all_at_once() -> None:
    assert share_out([SENT_AT_ONCE, SENT_AT_ONCE], lambda size: "x" * size, root=True) == [[SENT_AT_ONCE] * 2]
