"""dev.py, the one command of a checkout."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "dev.py"

AS_PYTHON_3_9 = f"""
import runpy, sys
sys.version_info = (3, 9, 18, "final", 0)
sys.version = "3.9.18 (main)"
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""


@pytest.fixture
def dev(tmp_path: Path) -> ModuleType:
    """Load dev.py for a checkout of its own that holds nothing but a pyproject.toml."""
    spec = spec_from_file_location("dev", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "PROGRAMS": tmp_path / ".venv/bin"}
    vars(module).update(names)
    (tmp_path / "pyproject.toml").write_text('[dependency-groups]\ndev = ["pytest>=8"]\n')
    return module


@pytest.fixture
def installed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the groups that dev.py installs, instead of installing them."""
    groups: list[str] = []
    monkeypatch.setattr(dev, "install", groups.append)
    return groups


def write_program(dev: ModuleType, name: str, text: str) -> None:
    """Put a shell script among the programs of dev.py's environment."""
    dev.PROGRAMS.mkdir(parents=True, exist_ok=True)
    program = dev.PROGRAMS / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_older_python() -> None:
    """An older Python gets one sentence that names what is needed and what it is."""
    done = subprocess.run([sys.executable, "-c", AS_PYTHON_3_9], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert "needs Python 3.11 or newer" in done.stderr
    assert "is 3.9.18" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_older_python_can_read_it() -> None:
    """Python 3.6 can parse the whole file, and nothing but sys is imported above the version check."""
    body = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6)).body

    assert isinstance(body[1], ast.Import)
    assert [name.name for name in body[1].names] == ["sys"]
    assert isinstance(body[2], ast.If)


def test_unknown_task(dev: ModuleType) -> None:
    """A task that does not exist is answered with those that do."""
    assert dev.main(["tset"]) == "dev.py has no task 'tset'; it has demo, test, check, docs"


def test_no_task(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a task it explains itself."""
    assert dev.main([]) == 0
    assert "test    the test suite" in capsys.readouterr().out


def test_second_time_is_free(dev: ModuleType, installed: list[str]) -> None:
    """What was installed once is not installed again."""
    dev.prepare(["project", "dev"])
    dev.prepare(["project", "dev"])

    assert installed == ["project", "dev"]


def test_changed_project_is_installed_again(dev: ModuleType, installed: list[str]) -> None:
    """A changed pyproject.toml is installed into the environment that is there."""
    dev.prepare(["project"])
    (dev.VENV / "mark").touch()
    (dev.ROOT / "pyproject.toml").write_text("[dependency-groups]\ndev = []\n")
    dev.prepare(["project"])

    assert installed == ["project", "project"]
    assert (dev.VENV / "mark").exists()


def test_other_python_starts_anew(dev: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Python gets a new environment."""
    dev.prepare(["project"])
    (dev.VENV / "mark").touch()
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    dev.prepare(["project"])

    assert installed == ["project", "project"]
    assert not (dev.VENV / "mark").exists()


def test_half_made_environment(dev: ModuleType, installed: list[str]) -> None:
    """An environment that something else left half made is made anew."""
    dev.PROGRAMS.mkdir(parents=True)
    (dev.PROGRAMS / "python").write_text("broken")
    dev.prepare(["project"])

    assert installed == ["project"]
    subprocess.run([dev.PROGRAMS / "python", "-c", "import sys"], check=True)


def test_needs_no_ensurepip(dev: ModuleType, installed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is made where ensurepip is not installed, as on Debian."""
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    dev.prepare(["project"])

    assert installed == ["project"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, subprocess.CalledProcessError(1, ["pip"])])
def test_cut_installation(dev: ModuleType, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """An installation that was cut short is done again, also where an earlier one had ended well."""

    def cut(_group: str) -> None:
        raise error

    first = (dev.ROOT / "pyproject.toml").read_text()
    monkeypatch.setattr(dev, "install", [].append)
    dev.prepare(["project"])
    (dev.ROOT / "pyproject.toml").write_text("")
    monkeypatch.setattr(dev, "install", cut)
    assert dev.main(["demo"])
    (dev.ROOT / "pyproject.toml").write_text(first)
    groups: list[str] = []
    monkeypatch.setattr(dev, "install", groups.append)
    dev.prepare(["project"])

    assert groups == ["project"]


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (lambda _name: "/bin/uv", ["/bin/uv", "pip", "install", "--quiet", "--python"]),
        (lambda _name: None, [sys.executable, "-m", "pip", "--python"]),
    ],
)
def test_installer(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, found: Callable[[str], str | None], command: list[str]
) -> None:
    """Where uv is found it installs, else the pip of the calling Python."""
    monkeypatch.setattr(dev.shutil, "which", found)
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda _name: object())

    assert dev.installer()[: len(command)] == command


def test_requirements(dev: ModuleType) -> None:
    """The project is installed from the checkout, a group from its list in pyproject.toml."""
    assert dev.requirements("project") == ["--editable", str(dev.ROOT)]
    assert dev.requirements("dev") == ["pytest>=8"]


def test_arguments_reach_the_program(dev: ModuleType, installed: list[str]) -> None:
    """What follows the task is handed on as it stands, and the program's exit code comes back."""
    dev.prepare(["project", "dev"])
    write_program(dev, "pytest", 'printf "%s\\n" "$@" > told; exit 5')

    assert dev.main(["test", "-k", "two words"]) == 5
    assert (dev.ROOT / "told").read_text() == "-n\nauto\n--maxprocesses\n8\n--dist\nworksteal\n-k\ntwo words\n"
    assert installed == ["project", "dev"]


def test_first_failure_ends_the_task(dev: ModuleType, installed: list[str]) -> None:
    """Of several programs the first that fails is the last that runs."""
    dev.prepare(["project", "dev", "lint"])
    write_program(dev, "ruff", 'echo "$@" >> told; [ "$1" != check ]')

    assert dev.main(["check"]) == 1
    assert (dev.ROOT / "told").read_text() == "format --check\ncheck\n"
    assert dev.main(["check", "src"]) == "'check' runs several programs and takes no arguments"
    assert installed == ["project", "dev", "lint"]


def test_lost_program(dev: ModuleType, installed: list[str]) -> None:
    """A program that another tool removed from the environment is named, with the way out."""
    dev.prepare(["project"])

    assert dev.main(["demo"]) == f"ordersync is gone from {dev.VENV}; remove that folder and try again"
    assert installed == ["project"]
