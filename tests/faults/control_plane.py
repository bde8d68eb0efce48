"""A control plane with a process node, as a process that a test can kill: prints its URL when ready."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls, write_kubeconfig
from kubelab.engine.nodes import ProcessNode, ServerAddress
from kubelab.informer import Informers

NODE = "fault-node"


async def main(state_dir: Path) -> None:
    """Run until killed."""
    clock = RealClock()
    server = ApiServer(state_dir, clock, token="fault")
    await server.start()
    tls = ensure_tls(state_dir)
    served = await serve(server, port=0, tls=tls)
    url = f"https://127.0.0.1:{served.port}"
    write_kubeconfig(state_dir / "kubeconfig", name="fault", server=url, token="fault", tls=tls)
    node = ProcessNode(
        server.client(f"system:node:{NODE}"),
        Informers(server.client("system:informers")),
        clock,
        name=NODE,
        state_dir=state_dir,
        server=ServerAddress(url, tls.ca),
        warm="--warm" in sys.argv,
        back_off_s=0.4,
    )
    server.register_node(NODE, node)
    running = asyncio.create_task(node.run())
    await node.ready.wait()
    print(url, flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
