import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from kubelab.engine.json_log import JsonFormatter, explanation

PROGRAM = """
import logging, warnings
from kubelab.engine.json_log import log_as_json
log_as_json()
logging.getLogger("lab").info("two\\nlines of %s", "text", extra={"pod": "default/a", "path": object})
warnings.warn("old")
raise KeyError("no such thing")
"""


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return line


def test_a_record_is_its_time_level_logger_message_and_fields() -> None:
    record = logging.getLogger("lab").makeRecord(
        "lab", logging.WARNING, "f.py", 1, "%s is \N{SNOWMAN}", ("a",), None, extra={"pod": "default/a"}
    )
    record.created = 1_769_860_800.25
    assert line_of(record) == {
        "time": "2026-01-31T12:00:00.250Z",
        "level": "WARNING",
        "logger": "lab",
        "message": "a is \N{SNOWMAN}",
        "pod": "default/a",
    }


def test_everything_that_a_process_says_is_json_to_its_end() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], stderr=subprocess.PIPE, text=True, check=False)
    said, warned, ended = map(json.loads, done.stderr.splitlines())
    assert (said["level"], said["message"]) == ("INFO", "two\nlines of text")
    assert (said["pod"], said["path"]) == ("default/a", "<class 'object'>")
    assert warned["logger"] == "py.warnings"
    assert ended["level"] == "CRITICAL"
    assert ended["exception"].startswith("Traceback (most recent call last):")
    assert explanation(done.stderr) == "KeyError: 'no such thing'"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("", "it wrote nothing"),
        ('{"message": "first"}\n{"message": "last"}\n', "last"),
        ("plain\nModuleNotFoundError: No module named 'x'\n", "ModuleNotFoundError: No module named 'x'"),
        ('{"message": "m", "exception": "Traceback\\n  there\\nOSError: full"}', "OSError: full"),
        ("12", "12"),
    ],
)
def test_the_last_line_explains_the_end(log: str, why: str) -> None:
    assert explanation(log) == why
