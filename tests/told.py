"""What tests tell at the end of a run, such as how many requests they sent; also from xdist's workers."""

from __future__ import annotations

import pytest

TOLD: pytest.StashKey[dict[str, object]] = pytest.StashKey()


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["told"] = {name: str(each) for name, each in config.stash.get(TOLD, {}).items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    config, output = node.config, getattr(node, "workeroutput", {})  # type: ignore[attr-defined]
    config.stash.setdefault(TOLD, {}).update(output.get("told", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, each in sorted(terminalreporter.config.stash.get(TOLD, {}).items()):
        terminalreporter.write_line(f"{name}: {each}")
