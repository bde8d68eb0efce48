"""Where the embedded engine is allowed to differ from the real API server, each with its reason.

ARCHITECTURE.md lists the same. A test named here must fail on the engine ``binaries``.
"""

from __future__ import annotations

DIFFERENCES: dict[str, str] = {}
ANSWERS: dict[str, dict[int, str]] = {}
