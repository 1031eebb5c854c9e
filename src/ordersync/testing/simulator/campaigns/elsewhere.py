"""The digest of a case from a fresh process with a PYTHONHASHSEED of its own.

What hangs on the order of a set, or on anything that an earlier case left behind, comes out different there.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any


def digest_elsewhere(play: Callable[[Mapping[str, Any]], Any], case: Mapping[str, Any], *, hash_seed: int) -> str:
    """Play a case in a new interpreter and return its digest, or one line that says why there is none."""
    told = pickle.dumps((play, dict(case)))
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(  # noqa: S603 - this interpreter and this module
        [sys.executable, "-m", __name__],
        input=told,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        return f"none (exit code {done.returncode}: {lines[-1] if lines else 'without a word'})"
    return done.stdout.decode().strip()


def main() -> None:
    """Play the case of the standard input."""
    play, case = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    sys.stdout.write(play(case).digest)


if __name__ == "__main__":
    main()
