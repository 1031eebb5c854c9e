"""A first download of many orders: ordersync beside a bare script, in pairs, each in a fresh process."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent


@contextmanager
def market(orders: int) -> Iterator[str]:
    """Serve a marketplace with that many orders, and yield its URL."""
    command = [sys.executable, str(HERE / "market.py"), str(orders)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def seconds(script: str, *arguments: str) -> float:
    """Run one of the scripts in a process of its own and return how long it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, str(HERE / script), *arguments], check=True, cwd=HERE)
    return time.perf_counter() - began


def pair(url: str, target: str, folder: Path) -> tuple[float, float]:
    """Measure the bare script and the library once each."""
    library, bare = str(folder / "library.db"), str(folder / "bare.db")
    seconds("library.py", url, target, library, "prepare")
    return seconds("bare.py", url, target, bare), seconds("library.py", url, target, library, "run")


def main() -> None:
    """Print each pair, then the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    with market(options.orders) as url, market(0) as target:
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                bare, library = pair(url, target, Path(folder))
            ratios.append(library / bare)
            rates = f"bare {options.orders / bare:,.0f} orders/s, ordersync {options.orders / library:,.0f} orders/s"
            print(f"{rates}, ordersync takes {library / bare:.2f} times as long")
    print(f"median of {options.rounds}: {median(ratios):.2f} times as long as the bare script")


if __name__ == "__main__":
    main()
