"""Which commit of this checkout runs: part of the seeds hang on it, and a report names it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve()

NO_COMMIT = "no-commit"
"""Stands for the commit where there is none, as in an installed package."""


def commit() -> str:
    """Return the commit that is checked out, or ``no-commit`` where git or its history are not there."""
    git = shutil.which("git")
    if git is None or _asked(git, "ls-files", "--error-unmatch", HERE.name) is None:
        return NO_COMMIT
    return _asked(git, "rev-parse", "HEAD") or NO_COMMIT


def first_seed_of(name: str) -> int:
    """Return where the block of seeds begins that hangs on a commit: far above every fixed one."""
    return 1_000_000 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:5], "big")


def _asked(git: str, *arguments: str) -> str | None:
    done = subprocess.run(  # noqa: S603 - git itself, with words of this module
        [git, *arguments], cwd=HERE.parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
