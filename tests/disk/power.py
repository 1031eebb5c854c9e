"""Cut the power of a real run: rebuild what its disk may hold then, open it, and look.

python tests/disk/power.py [--images N] [--seed N] [--scenario NAME] [--synchronous 0|1|2] [--go-on-each N]

Prints each complaint and a summary; the exit code is 1 if there was any.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from disk.kill import tell
from disk.powercut import cut, recorded
from disk.program import SCENARIOS
from disk.tracing import why_not


def main(arguments: list[str]) -> int:
    """Cut the power of every scenario that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000, help="so many of each scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--synchronous", type=int, choices=(0, 1, 2), help="another setting than the library's own")
    parser.add_argument("--go-on-each", type=int, default=25, help="run to the end after every N-th image; 0: none")
    parser.add_argument("--quiet", action="store_true", help="only the summary")
    asked = parser.parse_args(arguments)
    reason = why_not()
    if reason is not None:
        tell(f"NOT RUN: {reason}")
        return 1
    options = () if asked.synchronous is None else ("--synchronous", str(asked.synchronous))
    failed = False
    for scenario in asked.scenario or SCENARIOS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ordersync-disk-") as folder:
            recording = asyncio.run(recorded(scenario, Path(folder), *options))
        hear = (lambda _: None) if asked.quiet else tell
        cuts = cut(recording, asked.images, seed=asked.seed, go_on_each=asked.go_on_each, tell=hear)
        failed |= bool(cuts.bad)
        spent = time.monotonic() - began
        tell(f"{scenario}, SQLite {sqlite3.sqlite_version}: {cuts}, {len(cuts.bad)} complaints, {spent:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
