"""What a run leaves, and whether it may be removed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from kubelab.limits.trace import Holder, is_left, mark

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def marked(holder: Holder, *, until: datetime) -> dict[str, object]:
    return {"metadata": mark({"name": "kubelab-limits-1"}, "1", holder, until)}


def test_what_a_living_process_holds_is_not_left() -> None:
    assert not is_left(marked(Holder.own(), until=NOW + timedelta(minutes=1)), NOW)


def test_what_a_killed_process_held_is_left_at_once() -> None:
    code = "from kubelab.limits.trace import Holder; print(Holder.own(), end='')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    holder = Holder.read(said)
    assert holder is not None
    assert holder.host == socket.gethostname()
    assert is_left(marked(holder, until=NOW + timedelta(minutes=1)), NOW)


def test_a_number_that_another_process_has_since_does_not_hold() -> None:
    reused = Holder(socket.gethostname(), os.getpid(), "1")
    assert is_left(marked(reused, until=NOW + timedelta(minutes=1)), NOW)


def test_what_another_machine_holds_is_left_once_its_time_has_passed() -> None:
    far = Holder("elsewhere", os.getpid(), "1")
    assert not is_left(marked(far, until=NOW + timedelta(minutes=1)), NOW)
    assert is_left(marked(far, until=NOW - timedelta(minutes=1)), NOW)


def test_what_has_no_holder_is_never_removed() -> None:
    assert not is_left({"metadata": {"name": "kubelab-limits-mine"}}, NOW)
    assert not is_left({"metadata": {"annotations": {"limits.kubelab.dev/holder": "me"}}}, NOW)
