"""Our emulator for ``benchmarks.peers_queries``: prints the port on which a generator is emulated, in the interpreter
that has us."""

from __future__ import annotations

import asyncio

from benchmarks.wires.ends import generator_bench
from sim.servers import TcpServer, serving_loop


async def run() -> None:
    """Until it is killed."""
    server = TcpServer(generator_bench(latency_s=0.0, baud=10**10).wires["gen"], 0)
    print(server.port, flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    serving_loop().run_until_complete(run())
