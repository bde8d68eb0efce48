from __future__ import annotations

import io
import sys
import threading

import pytest

from kubelab.training.progress_line import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_last_text_and_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    before = threading.active_count()
    with ProgressLine() as line:
        line.update("Pending")
        line.update("Running")  # too soon after the first to be shown
        line.update("Succeeded", last=True)
        assert threading.active_count() == before
    assert "Succeeded" in screen.getvalue()
    assert "Running" not in screen.getvalue()


def test_a_terminal_shows_a_bar_where_it_is_known_how_much_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressLine() as line:
        line.update("step 150/300", done=0.5, last=True)
    drawn = screen.getvalue()
    assert "step 150/300" in drawn
    assert "m" + 12 * "━" + "\x1b[0m" in drawn  # half of the bar is filled


@pytest.mark.parametrize("shown", [True, False])
def test_a_pipe_shows_nothing(shown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine(shown=shown) as line:
        line.update("Running", last=True)
    assert capsys.readouterr().out == ""
