"""The architecture page names tests: they are there, and every rule between the ports has one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
TESTS = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "src/ordersync/testing").rglob("*.py")]


def all_tests() -> str:
    """Return the text of everything that is or may become a test."""
    return "\n".join(path.read_text(encoding="utf-8") for path in TESTS)


def test_named_files_are_there() -> None:
    """Every file and folder of tests that the page names exists."""
    named = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_named_tests_are_there() -> None:
    """Every single test that the page names is defined somewhere."""
    named = set(re.findall(r"`(?:\w+\.)?(test_\w+)`", PAGE))
    code = all_tests()
    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in code] == []


def test_every_law_is_guarded() -> None:
    """Each of the thirteen laws has a row with at least one test."""
    rows = dict(re.findall(r"^\| (L\d+) \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE))
    assert list(rows) == [f"L{number}" for number in range(1, 14)]
    assert all("`" in guards for guards in rows.values())


def test_every_rule_is_tested() -> None:
    """Each of the twenty-five rules between the ports has tests that carry its number."""
    rules = re.findall(r"^\| (\d+) \| ", PAGE, flags=re.MULTILINE)
    code = all_tests()
    assert rules == [str(number) for number in range(1, 26)]
    assert [rule for rule in rules if f"def test_rule_{int(rule):02}_" not in code] == []
