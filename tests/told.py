"""What tests tell at the end of a run, such as how many requests they sent; also from xdist's workers."""

from __future__ import annotations

import pytest

Told = dict[str, object]
"""What is told, by what it is about; put into words at the end."""

_OWN: pytest.StashKey[Told] = pytest.StashKey()
_OF_WORKERS: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.fixture(scope="session")
def told(pytestconfig: pytest.Config) -> Told:
    """Where a test puts what is told at the end."""
    return pytestconfig.stash.setdefault(_OWN, {})


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["told"] = _lines(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    config, output = node.config, getattr(node, "workeroutput", {})  # type: ignore[attr-defined]
    config.stash.setdefault(_OF_WORKERS, []).extend(output.get("told", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    for line in sorted([*_lines(config), *config.stash.get(_OF_WORKERS, [])]):
        terminalreporter.write_line(line)


def _lines(config: pytest.Config) -> list[str]:
    return [f"{name}: {each}" for name, each in config.stash.get(_OWN, {}).items()]
