"""Which commit runs, and the seeds that hang on it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ordersync.testing.simulator.campaigns import origin
from ordersync.testing.simulator.campaigns.origin import NO_COMMIT, commit, first_seed_of


def test_commit() -> None:
    """A commit is a full hash, or said not to be there."""
    found = commit()

    assert found == NO_COMMIT or (len(found) == 40 and int(found, 16) > 0)


def test_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is no commit, and that has seeds of its own as well."""
    monkeypatch.setenv("PATH", "")

    assert commit() == NO_COMMIT
    assert first_seed_of(NO_COMMIT) > 1_000_000


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_foreign_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package has the commit of the checkout that it is part of, and none where it only lies in one."""
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", str(tmp_path)]
    monkeypatch.setattr(origin, "HERE", tmp_path / "origin.py")
    (tmp_path / "origin.py").touch()
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    assert commit() == NO_COMMIT

    subprocess.run([*git, "add", "origin.py"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert commit() == head


def test_seeds_of_a_commit() -> None:
    """Another commit has other seeds, and the same one always the same."""
    assert first_seed_of("a" * 40) == first_seed_of("a" * 40)
    assert abs(first_seed_of("a" * 40) - first_seed_of("b" * 40)) > 10_000
