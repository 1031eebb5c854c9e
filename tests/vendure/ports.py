"""Find a free loopback port, and wait until a child process listens on it."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

LOG_TAIL_CHARS = 3000


class NotStartedError(Exception):
    """A child process ended, or did not listen in time; the message holds the end of its log."""


def free_port() -> int:
    """Name a loopback port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], limit_s: float, log: Path) -> None:
    """Return when *port* accepts connections; raise when *process* ends or time is up."""
    deadline = time.monotonic() + limit_s
    while True:
        code = process.poll()
        if code is not None:
            raise NotStartedError(f"ended with {code} before it listened:\n{tail(log)}")
        if _accepts(port):
            return
        if time.monotonic() > deadline:
            raise NotStartedError(f"not listening after {limit_s:g} s:\n{tail(log)}")
        time.sleep(0.05)


def tail(log: Path) -> str:
    """Give the end of a log file."""
    return log.read_text(errors="replace")[-LOG_TAIL_CHARS:] if log.exists() else "(no log)"


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
