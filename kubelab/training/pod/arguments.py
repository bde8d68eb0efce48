"""Arguments that stand in a worker's variables: all of them as JSON, and one at a time as texts.

The second form is for those that differ between the trials of a sweep, whose template is filled in by
replacing texts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from kubelab.values import read_value

ARGS = "KUBELAB_ARGS"
ARG = "KUBELAB_ARG_"
"""How a variable that holds one argument begins; its text is `kubelab.values', and empty for the default."""


def read_arguments(env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the arguments that stand in the variables."""
    found: dict[str, Any] = json.loads(env.get(ARGS, "{}"))
    texts = {name.removeprefix(ARG): text for name, text in env.items() if name.startswith(ARG) and text}
    return found | {name: read_value(text) for name, text in texts.items()}
