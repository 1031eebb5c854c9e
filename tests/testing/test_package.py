"""What importing the test kit costs a host."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pytest", "hypothesis", "aiohttp", "aiosqlite", "sqlite3")


def test_importing_it_loads_nothing_heavy() -> None:
    """A host that imports ordersync.testing loads no test framework, no network and no database."""
    code = f"import sys, ordersync.testing; print([name for name in {HEAVY} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
