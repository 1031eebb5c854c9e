"""Kill a real run at its n-th write, sync, truncation and unlink, or refuse the call; then look, and go on.

python tests/disk/kill.py [--points N] [--scenario NAME] [--faults SIGKILL EIO ENOSPC] [--lasting] [--part I/OF]

Prints each complaint and a summary; the exit code is 1 if there was any. Without ``--points`` every point is tried.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from disk.program import SCENARIOS
from disk.sweep import points, spread, sweep, uncut
from disk.tracing import why_not


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Try points of every scenario that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=0, help="so many of each scenario, evenly spread; 0: all")
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--faults", nargs="+", default=["SIGKILL"])
    parser.add_argument("--lasting", action="store_true", help="every further call fails, too")
    parser.add_argument("--part", default="1/1", help="of the points chosen, every OF-th from the I-th on")
    asked = parser.parse_args(arguments)
    reason = why_not()
    if reason is not None:
        tell(f"NOT RUN: {reason}")
        return 1
    part, of = map(int, asked.part.split("/"))
    failed = False
    for scenario in asked.scenario or SCENARIOS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ordersync-disk-") as folder:
            whole = asyncio.run(uncut(scenario, Path(folder)))
        every = points(whole, asked.faults, lasting=[asked.lasting])
        chosen = spread(every, asked.points)[part - 1 :: of]
        tally = sweep(whole, chosen, tell=tell)
        failed |= bool(tally.bad)
        calls = ", ".join(f"{number} {call}" for call, number in whole.calls.items())
        tell(f"{scenario} ({calls}): {tally}, {time.monotonic() - began:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
