"""The limits and habits of this house, checked by reading the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400
LONGEST_FUNCTION = 40

SOURCES = ("src/ordersync",)
TESTS = ("tests", "src/ordersync/testing")
EVERYTHING = ("src", "tests", "examples", "benchmarks", "dev.py")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Complaint = tuple[int, str]
Rule = Callable[[str, ast.Module], Iterator[Complaint]]

AMBIENT = re.compile(
    r"(\w+\.)?datetime\.(now|utcnow|today)|(\w+\.)?date\.today|time\.(time|monotonic|perf_counter)(_ns)?"
    r"|uuid\.uuid[14]|secrets\.\w+|os\.urandom|random\.(?!Random$)\w+"
)


def functions(tree: ast.Module) -> Iterator[Function]:
    """Find every function, methods and inner ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def docstring_length(function: Function) -> int:
    """Count the lines of a docstring; none has none."""
    if ast.get_docstring(function) is None:
        return 0
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def is_short_file(text: str, _tree: ast.Module) -> Iterator[Complaint]:
    """A file is short."""
    length = len(text.splitlines())
    if length > LONGEST_FILE:
        yield LONGEST_FILE, f"the file has {length} lines, {LONGEST_FILE} are allowed"


def has_short_functions(_text: str, tree: ast.Module) -> Iterator[Complaint]:
    """A function is short, its docstring aside."""
    for function in functions(tree):
        length = (function.end_lineno or 0) - function.lineno + 1 - docstring_length(function)
        if length > LONGEST_FUNCTION:
            yield function.lineno, f"{function.name} has {length} lines, {LONGEST_FUNCTION} are allowed"


def has_told_tests(_text: str, tree: ast.Module) -> Iterator[Complaint]:
    """A test says in one sentence which fact it shows."""
    for function in functions(tree):
        if not function.name.startswith("test_"):
            continue
        sentence = " ".join((ast.get_docstring(function) or "").split())
        if not sentence.endswith((".", "?", "!")) or re.search(r"[.?!] [A-Z]", sentence):
            yield function.lineno, f"{function.name} needs a docstring of one sentence"


def does_not_print(_text: str, tree: ast.Module) -> Iterator[Complaint]:
    """A library prints nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, "prints"


def takes_time_and_chance(_text: str, tree: ast.Module) -> Iterator[Complaint]:
    """Time and chance are passed in, never taken from the surroundings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and AMBIENT.fullmatch(ast.unparse(node)):
            yield node.lineno, f"uses {ast.unparse(node)}; have it passed in"
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                if AMBIENT.fullmatch(f"{node.module}.{name.name}"):
                    yield node.lineno, f"imports {name.name}; have it passed in"
        elif isinstance(node, ast.Call) and not node.args and re.search(r"\bRandom$", ast.unparse(node.func)):
            yield node.lineno, "makes a Random without a seed; have it passed in"


RULES: dict[Rule, tuple[str, ...]] = {
    is_short_file: EVERYTHING,
    has_short_functions: EVERYTHING,
    has_told_tests: TESTS,
    does_not_print: SOURCES,
    takes_time_and_chance: SOURCES,
}

EXEMPT: dict[tuple[Rule, str], str] = {
    (does_not_print, "src/ordersync/__main__.py"): "a command line prints for a person",
    (does_not_print, "src/ordersync/testing/simulator/__main__.py"): "a command line prints for a person",
    (takes_time_and_chance, "src/ordersync/clock.py"): "it is the clock that is passed in",
}

BAD: dict[Rule, tuple[int, str]] = {
    is_short_file: (1, "\n" * (LONGEST_FILE + 1)),
    has_short_functions: (1, "def f():\n" + "    pass\n" * LONGEST_FUNCTION),
    has_told_tests: (2, 'def test_a():\n    pass\ndef test_b():\n    """One. Two."""\n'),
    does_not_print: (1, "print('x')\n"),
    takes_time_and_chance: (
        4,
        "from uuid import uuid4\nat = datetime.now(UTC)\nx = random.random()\ny = random.Random()\n",
    ),
}

GOOD: dict[Rule, str] = {
    is_short_file: "\n" * LONGEST_FILE,
    has_short_functions: 'def f():\n    """Say\n\n    more."""\n' + "    pass\n" * (LONGEST_FUNCTION - 1),
    has_told_tests: 'async def test_a():\n    """One sentence, e.g. this."""\n',
    does_not_print: "log.info('x')\n",
    takes_time_and_chance: "from uuid import UUID\nat = clock.now()\nchance = random.Random(7).random()\n",
}

rules = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def python_files(places: tuple[str, ...]) -> Iterator[Path]:
    """Find the Python files in these places; a place that is not there has none."""
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def complaints(rule: Rule, path: Path) -> list[str]:
    """List what a rule has to say about a file."""
    where = path.relative_to(ROOT).as_posix()
    return [f"{where}:{line}: {complaint}" for line, complaint in rule(*read(path))]


@cache
def read(path: Path) -> tuple[str, ast.Module]:
    """Read a file once for all rules."""
    text = path.read_text(encoding="utf-8")
    return text, ast.parse(text)


@rules
def test_house_keeps(rule: Rule) -> None:
    """The rule holds in every file that is not exempt."""
    exempt = {ROOT / place for exempted, place in EXEMPT if exempted is rule}
    files = [path for path in python_files(RULES[rule]) if path not in exempt]

    assert files
    assert [complaint for path in files for complaint in complaints(rule, path)] == []


@rules
def test_rule_can_fail(rule: Rule) -> None:
    """The rule finds what it forbids, and lets pass what it allows."""
    expected, bad = BAD[rule]
    good = GOOD[rule]

    assert len(list(rule(bad, ast.parse(bad)))) == expected
    assert list(rule(good, ast.parse(good))) == []


@pytest.mark.parametrize(("rule", "place"), EXEMPT)
def test_exemption_is_needed(rule: Rule, place: str) -> None:
    """An exempt file would break its rule; once it would not, the exemption goes."""
    assert complaints(rule, ROOT / place)
