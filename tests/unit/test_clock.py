from datetime import UTC, datetime

import pytest

from kubelab.clock import parse_rfc3339, rfc3339, rfc3339_micro

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)


def test_times_are_written_as_kubernetes_writes_them() -> None:
    assert rfc3339(MOMENT) == "2026-01-31T12:00:00Z"
    assert rfc3339_micro(MOMENT) == "2026-01-31T12:00:00.250000Z"


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00.25Z", "2026-01-31T13:00:00.250000000+01:00"])
def test_any_fraction_and_offset_is_read(text: str) -> None:
    assert parse_rfc3339(text) == MOMENT
