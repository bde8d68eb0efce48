"""What the db manager's pod runs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from kubelab.client import Client
from kubelab.engine.katib.db_manager.histories import TrialHistories
from kubelab.engine.katib.db_manager.service import PORT, DbManager, serve
from kubelab.http import HttpTransport, Kubeconfig

logger = logging.getLogger(__name__)
_GRACE_S = 2.0


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="kubelab.engine.katib.db_manager")
    parser.add_argument("--address", required=True, help="where to listen")
    parser.add_argument("--server", required=True, help="the API server's URL")
    parser.add_argument("--account", required=True, type=Path, help="the folder with token and ca.crt")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(_run(options.address, options.server, options.account))


async def _run(address: str, url: str, account: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    token, ca_pem = ((account / name).read_text() for name in ("token", "ca.crt"))
    client = Client(HttpTransport(Kubeconfig(url, token=token, ca_pem=ca_pem)))
    server, port = await serve(DbManager(TrialHistories(client)), f"{address}:{PORT}")
    logger.info("katib-db-manager listens at %s:%d", address, port)
    await stop.wait()
    await server.stop(_GRACE_S)
    await client.close()


if __name__ == "__main__":
    main()
