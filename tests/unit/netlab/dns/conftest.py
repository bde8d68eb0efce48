from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab.netlab.dns import DnsLab, DnsLabError


@pytest.fixture(scope="package")
def lab() -> Iterator[DnsLab]:
    try:
        made = DnsLab()
    except DnsLabError as error:
        pytest.skip(str(error))
    with made:
        yield made
