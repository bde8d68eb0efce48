"""What runs in an SDK's environment: calls functions of `calls/` that a test names, one JSON line each."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path


def main() -> None:
    """Answer calls until standard input ends."""
    sys.path.insert(0, str(Path(__file__).parent / "calls"))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a client prints is not an answer
    for line in sys.stdin:
        module, function, arguments = json.loads(line)
        try:
            called = getattr(importlib.import_module(module), function)
            answer = {"result": called(**arguments)}
        except Exception as error:  # noqa: BLE001 - whatever a client raises is the answer
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=str) + "\n")


if __name__ == "__main__":
    main()
