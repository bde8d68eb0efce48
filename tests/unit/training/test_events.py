from __future__ import annotations

from kubelab.training.events import event_rows, events_of


def event(name: str, **fields: object) -> dict[str, object]:
    return {"metadata": {}, "involvedObject": {"kind": "Pod", "name": name}, **fields}


def test_events_of_other_jobs_are_left_out() -> None:
    ours = ["digits", "digits-node-0-1-abcde", "digits-node-0", "digits-worker-1", "digits-checkpoints"]
    others = ["digits2", "digits-2", "digits-2-node-0-1-abcde", "digits-codes", "other", "di"]
    own = events_of("digits", [event(name) for name in [*ours, *others]])
    assert [each["involvedObject"]["name"] for each in own] == ours


def test_rows_are_ordered_by_time_in_any_form() -> None:
    rows = event_rows(
        [
            event("c", lastTimestamp="2026-08-01T10:00:02Z", count=3),
            event("b", eventTime="2026-08-01T10:00:01.500000Z", reason="Started", type="Normal"),
            event("a", eventTime="2026-08-01T12:00:01.250000+02:00", message="first"),
        ]
    )
    assert [row["object"] for row in rows] == ["Pod/a", "Pod/b", "Pod/c"]
    assert rows[0] == {
        "time": "2026-08-01T10:00:01Z",
        "type": "",
        "object": "Pod/a",
        "reason": "",
        "message": "first",
        "count": 1,
    }
    assert rows[2]["count"] == 3
