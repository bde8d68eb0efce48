"""The Trainer's progress protocol: the newest status of a job, posted from a background thread.

`KEP-2779 <https://github.com/kubeflow/trainer/tree/master/docs/proposals/2779-trainjob-progress>`_:
POST ``{"trainerStatus": …}`` with the pod's own token to the URL in the environment.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)

MIN_INTERVAL_S = 1.0
"""At most one status a second leaves a pod; only the newest counts."""
_TIMEOUT_S = 5.0


class Progress:
    """Posts the newest status; never raises and never holds up training.

    Parameters
    ----------
    url : str
        Where to post, from ``KUBEFLOW_TRAINER_SERVER_URL``.
    ca_file, token_file : str
        Paths from ``KUBEFLOW_TRAINER_SERVER_CA_CERT`` and ``…_TOKEN``.
    """

    def __init__(self, url: str, ca_file: str, token_file: str) -> None:
        self.url = url
        self.ca_file = ca_file
        self.token_file = token_file
        self._newest: dict[str, Any] | None = None
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="kubelab-progress", daemon=True)
        self._thread.start()

    @staticmethod
    def from_environment(env: Mapping[str, str] = os.environ) -> Progress | None:
        """Return a poster where the cluster offers the protocol."""
        url = env.get("KUBEFLOW_TRAINER_SERVER_URL")
        token = env.get("KUBEFLOW_TRAINER_SERVER_TOKEN")
        if not url or not token:
            return None
        return Progress(url, env.get("KUBEFLOW_TRAINER_SERVER_CA_CERT", ""), token)

    def update(self, status: dict[str, Any]) -> None:
        """Replace what is to be posted next."""
        self._newest = status
        self._changed.set()

    def close(self) -> None:
        """Post what is left."""
        self._closing.set()
        self._changed.set()
        self._thread.join(_TIMEOUT_S)

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._changed.wait()
            self._changed.clear()
            status, self._newest = self._newest, None
            if status is not None:
                self._post(status)
                self._closing.wait(MIN_INTERVAL_S)
        if self._newest is not None:
            self._post(self._newest)

    def _post(self, status: dict[str, Any]) -> None:
        import ssl
        import urllib.request

        try:
            with open(self.token_file, encoding="utf-8") as file:  # noqa: PTH123 - pathlib adds nothing
                token = file.read().strip()
            request = urllib.request.Request(  # noqa: S310 - the platform's own URL
                self.url,
                data=json.dumps({"trainerStatus": status}).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                method="POST",
            )
            tls = ssl.create_default_context(cafile=self.ca_file or None)
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=tls):  # noqa: S310 - as above
                pass
        except (OSError, ValueError) as error:
            logger.debug("no status posted: %s", error)


def trainer_status(
    metrics: Mapping[str, str], now: str, *, step: int | None, steps: int | None, remaining_s: float | None
) -> dict[str, Any]:
    """Return a ``trainerStatus``; at most 256 metrics, as the CRD allows."""
    status: dict[str, Any] = {
        "metrics": [{"name": name[:64], "value": value[:64]} for name, value in list(metrics.items())[:256]],
        "lastUpdatedTime": now,
    }
    if step is not None and steps:
        status["progressPercentage"] = min(100, 100 * step // steps)
        if remaining_s is not None:
            status["estimatedRemainingSeconds"] = max(0, round(remaining_s))
    return status
