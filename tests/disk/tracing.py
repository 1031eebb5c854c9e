"""The program under strace: killed at its n-th call of the operating system, or told that the call failed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL

import attrs

PROGRAM = Path(__file__).with_name("program.py")
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "link")
"""All calls by which Python and SQLite change what is on a disk, but those that open, and those of the logs."""

TIMEOUT = 60
ALONE = ("-f", "-qq")
QUICK = (*ALONE, "--seccomp-bpf")
"""Only the calls that are asked for stop the program; strace 6.1 does not inject what it counts that way."""


@attrs.frozen
class Point:
    """One moment at which something goes wrong: the n-th time that the database's thread makes a call.

    *fault* is ``SIGKILL``, which comes in place of the call, or the error that the call returns in place of its
    effect; with *lasting*, every further one does, too.
    """

    call: str
    number: int
    fault: str = "SIGKILL"
    lasting: bool = False

    @property
    def kills(self) -> bool:
        """Say whether the process ends there."""
        return self.fault == "SIGKILL"

    def __str__(self) -> str:
        """Return it as strace wants it."""
        what = "signal" if self.kills else "error"
        return f"{self.call}:{what}={self.fault}:when={self.number}{'+' if self.lasting else ''}"


@attrs.frozen
class Outcome:
    """How a start of the program ended: its exit code, and what it told."""

    code: int
    told: str
    complained: str

    @property
    def killed(self) -> bool:
        """Say whether it was killed."""
        return self.code in (-SIGKILL, 128 + SIGKILL)

    @property
    def errors(self) -> Sequence[tuple[str, str]]:
        """Return class and sentence of the storage errors that ended it."""
        return [(name, sentence) for name, sentence in json.loads(self.told)] if self.told else []


def why_not() -> str | None:
    """Return why no process can be traced here; None when one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", *ALONE, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else "strace may not trace here: " + tried.stderr.strip().splitlines()[-1]


def start(folder: Path, scenario: str, *options: str, under: Sequence[str] = ()) -> Outcome:
    """Start the program and wait for its end."""
    paths = [path for path in sys.path if path] + [str(PROGRAM.parents[1])]
    ended = subprocess.run(
        [*under, sys.executable, str(PROGRAM), str(folder), scenario, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def start_cut(folder: Path, scenario: str, point: Point) -> Outcome:
    """Start the program, and let it go wrong at *point*."""
    inject = ("-e", f"trace={point.call}", "-e", f"inject={point}")
    return start(folder, scenario, under=("strace", *ALONE, *inject, "-o", os.devnull))


def record(folder: Path, scenario: str, *options: str, log: Path) -> None:
    """Start the program and record what it writes, where, and with which bytes."""
    calls = ",".join(
        (*CALLS, "openat", "write", "close", "rename", "unlinkat", "linkat", "mmap", "pwritev", "fallocate")
    )
    under = ("strace", *QUICK, "-y", "-xx", "-s", "1000000", "-e", f"trace={calls}", "-o", str(log))
    ended = start(folder, scenario, *options, under=under)
    if ended.code != 0:
        raise RuntimeError(f"the program ended with {ended.code}: {ended.told}{ended.complained}")


def counted(folder: Path, scenario: str) -> Mapping[str, int]:
    """Return how often the database's thread makes each call in a run that nothing cuts."""
    log = folder / "calls"
    ended = start(folder, scenario, under=("strace", *QUICK, "-e", f"trace={','.join(CALLS)}", "-o", str(log)))
    if ended.code != 0:
        raise RuntimeError(f"the program ended with {ended.code}: {ended.told}{ended.complained}")
    lines = (line.split(maxsplit=1) for line in log.read_text().splitlines())
    calls = Counter((thread, call.partition("(")[0]) for thread, call in lines if "(" in call)
    return {name: max((n for (_, call), n in calls.items() if call == name), default=0) for name in CALLS}
