"""Install Vendure from npm into a cache folder outside the checkout."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SERVER_FOLDER = Path(__file__).parent / "server"
INSTALL_LIMIT_S = 900
NPM_INSTALL = (
    "npm",
    "install",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--no-update-notifier",
)


class InstallError(Exception):
    """npm could not install the server; the message holds the end of what it said."""


def missing_tools() -> str | None:
    """Say which programs a Vendure server needs and this machine lacks."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"a Vendure server needs {' and '.join(missing)}" if missing else None


def vendure_home() -> Path:
    """Give the folder that holds the installed server, and install it if need be."""
    missing = missing_tools()
    if missing is not None:
        raise InstallError(missing)
    package = (SERVER_FOLDER / "package.json").read_bytes()
    home = _cache_folder() / f"vendure-{hashlib.sha256(package).hexdigest()[:12]}"
    stamp = home / "complete"
    home.parent.mkdir(parents=True, exist_ok=True)
    # Two test runs at once must not install into each other.
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            (home / "package.json").write_bytes(package)
            _install(home)
            stamp.touch()
    return home


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ordersync-tests"


def _install(home: Path) -> None:
    log = home / "npm.log"
    with log.open("wb") as out:
        try:
            code = subprocess.run(
                NPM_INSTALL,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=INSTALL_LIMIT_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if code != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise InstallError(f"npm install in {home} ended with {code}:\n{tail}")
