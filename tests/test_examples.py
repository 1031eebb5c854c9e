"""Every example in README.md, in docs/ and in examples/ runs, and prints what the page says it prints."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"^(?P<comment><!-- not run: .+ -->\n+)?```(?:\{code-block\} )?python\n(?P<code>.*?)^```\n"
    r"(?:\n*```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)

PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if FENCE.search(page.read_text(encoding="utf-8"))
]
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
VARYING = re.compile(r"run [0-9a-f]{8}(?:  \S+ \S+Z  [\d.]+ s)?")  # of a report, its whole first line


class Block(NamedTuple):
    """Python code on a page, and what it prints if the page shows that."""

    line: int
    code: str
    output: str | None


def blocks(page: str) -> Iterator[Block]:
    """Find the code of a page; a comment ``<!-- not run: why -->`` above a block leaves it out."""
    for found in FENCE.finditer(page):
        if not found["comment"]:
            yield Block(page.count("\n", 0, found.start("code")), found["code"], found["output"])


def run(block: Block, where: str, names: dict[str, Any], loop: asyncio.Runner) -> str:
    """Run a block, which may await, and return what it printed."""
    printed = StringIO()
    code = compile("\n" * block.line + block.code, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with redirect_stdout(printed):
        result = eval(code, names)  # noqa: S307 - our own pages
        if inspect.iscoroutine(result):
            loop.run(result)
    return printed.getvalue()


def run_page(page: str, where: str) -> None:
    """Run the blocks of a page one after another in one loop, as a reader would who pastes them into one prompt."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with asyncio.Runner() as loop:
        for block in blocks(page):
            printed = run(block, where, names, loop)
            if block.output is not None:
                expected, got = (VARYING.sub("run", text) for text in (block.output, printed))
                assert got == expected, f"{where}:{block.line} printed\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's code runs from top to bottom and prints what stands below it; it may use the examples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "examples")
    run_page(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_runs(program: Path, tmp_path: Path) -> None:
    """The program ends well without a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_wrong_output_is_seen() -> None:
    """A page whose output has drifted from its code fails."""
    page = "```python\nprint(1)\n```\n\n```text\n{}\n```\n"
    run_page(page.format("1"), "page")

    with pytest.raises(AssertionError, match="page:1 printed"):
        run_page(page.format("2"), "page")


def test_block_may_await() -> None:
    """A block may await, and sees the names of the blocks above it."""
    first = "```python\nimport asyncio\n```\n"
    second = "```python\nprint(await asyncio.sleep(0, 'done'))\n```\n```text\ndone\n```\n"
    run_page(first + second, "page")


def test_block_left_out() -> None:
    """Only a comment that says why leaves a block out."""
    block = "```python\n1 / 0\n```\n"
    run_page("<!-- not run: needs an account -->\n" + block, "page")

    with pytest.raises(ZeroDivisionError):
        run_page("<!-- not run -->\n" + block, "page")
