#!/usr/bin/env python3
"""Run a task of this checkout.

python3 dev.py TASK [arguments for the program behind it]

  demo    two marketplaces and a database on this machine, the seven steps one by one
  test    the test suite; for example: python3 dev.py test -k parcel
  check   formatting, lint, types and import floors: the gate, without the tests
  docs    the documentation, into build/docs

Needs Python 3.11 with pip or uv. What a task uses is installed once, into .venv.
"""

import sys

if sys.version_info < (3, 11):  # stands above everything that an older Python cannot import
    found = f"{sys.executable} is {sys.version.split()[0]}"
    sys.exit(f"ordersync needs Python 3.11 or newer, and {found}; try python3.11 dev.py or uv run ordersync")

import importlib.util
import os
import pathlib
import shutil
import subprocess
import time
import tomllib
import venv
from collections.abc import Callable
from functools import partial

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")
PROJECT = "project"  # this checkout itself; the other names are dependency groups of pyproject.toml

TASKS = {
    "demo": ([PROJECT], ["ordersync demo"]),
    "test": ([PROJECT, "dev"], ["pytest -n auto --maxprocesses 8 --dist worksteal"]),
    "check": ([PROJECT, "dev", "lint"], ["ruff format --check", "ruff check", "mypy", "lint-imports"]),
    "docs": ([PROJECT, "docs"], ["sphinx-build -W --keep-going -b html docs build/docs"]),
}


def main(arguments: list[str]) -> int | str:
    """Do one task and return its exit code, or the sentence that says why it could not start."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    task, *rest = arguments
    if task not in TASKS:
        return f"dev.py has no task {task!r}; it has {', '.join(TASKS)}"
    groups, commands = TASKS[task]
    if rest and len(commands) > 1:
        return f"'{task}' runs several programs and takes no arguments"
    try:
        prepare(groups)
        return run(commands, rest)
    except subprocess.CalledProcessError as error:
        return f"could not install into {VENV} (exit code {error.returncode}); the reason stands above"
    except KeyboardInterrupt:
        return 130


def prepare(groups: list[str]) -> None:
    """Bring .venv up to what *groups* need; costs nothing when it is."""
    once("python", f"{sys.version}\n{sys.base_prefix}\n{ROOT}", create)
    for group in groups:
        once(group, read_pyproject(), partial(install, group))


def once(step: str, state: str, action: Callable[[], None]) -> None:
    """Do *action* unless it ended well for the same *state* before; cut short, it leaves no stamp."""
    stamp = VENV / f".{step}-done"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    stamp.unlink(missing_ok=True)
    action()
    stamp.write_text(state, encoding="utf-8")


def create() -> None:
    """Make .venv anew and without pip, which Debian's Python does not bring for it."""
    venv.EnvBuilder(with_pip=False, clear=True, symlinks=os.name != "nt").create(VENV)


def install(group: str) -> None:
    """Install one group into .venv."""
    print(f"installing {group} into {VENV} ...", file=sys.stderr, flush=True)
    subprocess.run([*installer(), *requirements(group)], check=True)


def installer() -> list[str]:
    """Return the command that installs into .venv: uv, this Python's pip, or a pip put there for it."""
    python = str(PROGRAMS / "python")
    options = ["install", "--quiet", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", python, *options]
    subprocess.run([python, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    return [python, "-m", "pip", *options]


def requirements(group: str) -> list[str]:
    """Return what pip is to install; older pips cannot read dependency groups themselves."""
    if group == PROJECT:
        return ["--editable", str(ROOT)]
    found: list[str] = tomllib.loads(read_pyproject())["dependency-groups"][group]
    return found


def read_pyproject() -> str:
    """Return the text of pyproject.toml; it is also the stamp of what was installed from it."""
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def run(commands: list[str], rest: list[str]) -> int | str:
    """Run *commands* one after another up to the first that fails, and return its exit code."""
    for command in commands:
        name, *arguments = command.split()
        program = shutil.which(name, path=PROGRAMS)
        if program is None:
            return f"{name} is gone from {VENV}; remove that folder and try again"
        started = time.monotonic()
        code = subprocess.call([program, *arguments, *rest], cwd=ROOT)
        if len(commands) > 1:
            print(f"{command}: exit {code}, {time.monotonic() - started:.1f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
