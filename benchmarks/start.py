"""Measures a start of nexio-radiusd: ``python -m benchmarks.start``.

Prints seconds from starting the program to its first accept, three times, and megabytes of a worker
then, with 1,000,000 visits on SQLite whose Wi-Fi is open (or as many as are named).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks import packets
from benchmarks.crowd import fill
from benchmarks.generator.load import Load
from benchmarks.interruptions import start
from benchmarks.packets import SOCKETS
from benchmarks.servers.lineup import add_access_points, radiusd
from nexio.configuration import Configuration
from nexio.store.creation import create_store

VISITS: Final = 1_000_000
STARTS: Final = 3


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else VISITS
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as name:
        folder = Path(name)
        configuration = Configuration.from_environment({"NEXIO_HOME": str(folder / "nexio")})
        create_store(configuration)
        visitors = fill(configuration, count)[:SOCKETS]
        add_access_points(configuration)
        logins = [packets.pap(n, each.email, each.pin, n) for n, each in enumerate(visitors)]
        load = Load.prepare(logins, packets.ACCESS_ACCEPT, folder / "accept")
        server = radiusd(folder, configuration.home)
        for _ in range(STARTS):
            seconds, megabytes = start(server, load)
            print(f"{count:,} visits: {seconds:.1f} s, {megabytes:.0f} MB for each worker")


if __name__ == "__main__":
    main()
