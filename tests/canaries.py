"""Words that must never be said, and a guard that listens to all that a test says.

Every order of a fake marketplace is bought by the same person, and every secret of a test begins with ``SECRET``.
Whatever a test lets its loggers say, down to DEBUG, and whatever it prints is searched for them after the test.
"""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Generator, Iterable, Mapping

import pytest

SECRET = "CANARY"  # noqa: S105 - it is none; it marks what stands for one
"""Begins every secret that a test plants."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "secret": (SECRET,),
    "buyer": ("Grete", "Findewirth"),
    "phone": ("5550199",),
    "address": ("Verborgene",),
}
"""What must not be said, by kind: letters and digits only, so that no quoting and no percent-encoding changes them."""

LOGGERS = (
    "ordersync",
    "asyncio",
    "aiosqlite",
    "aiohttp.access",
    "aiohttp.client",
    "aiohttp.internal",
    "aiohttp.server",
    "aiohttp.web",
    "aiohttp.websocket",
)
"""Who is listened to; a filter hears its own logger alone, and no child of it."""

FINEST = logging.DEBUG - 1
"""The level of a logger that no test has set: every record reaches the guard, and others what they got before."""

TIRED = logging.INFO - 1
"""The level of a logger that has said enough at DEBUG in one test."""

CHATTY = {"aiosqlite": 40}
"""Who says the same at DEBUG for every call, and how often in a test that is heard unless the test sets its level."""

ENOUGH = 1_000_000
"""So many characters are searched at once."""

PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
"""What every log record has once it is formatted; all else is extra."""

PLAIN_FIELDS = len(logging.makeLogRecord({}).__dict__)


def forms(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the forms of a word: those to find in a text in lower case, and those that keep their case.

    A word in capitals keeps its own: in small letters it is an everyday word, of which names and paths are made.
    """
    plain, exact = frozenset({word, word[::-1]}), frozenset(_in_base64(word))
    if word.isupper():
        return frozenset({word.encode().hex()}), exact | plain
    return frozenset(map(str.lower, plain)) | {word.encode().hex()}, exact


def _in_base64(word: str) -> Iterable[str]:
    """Return what base64 makes of a word behind any text, without the characters that its neighbours decide."""
    for before in range(3):
        code = base64.b64encode(b"\x00" * before + word.encode()).decode().rstrip("=")
        whole = (before + len(word)) * 8 // 6
        yield code[-(-before * 8 // 6) : whole]


class Words:
    """Words to search for, each of some kind."""

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        self._forms = {kind: [forms(word) for word in words] for kind, words in kinds.items()}

    def found(self, text: str) -> list[str]:
        """Return the kinds of which *text* holds a word in any form."""
        lower = text.lower()
        return [
            kind
            for kind, words in self._forms.items()
            if any(
                any(form in lower for form in small) or any(form in text for form in exact) for small, exact in words
            )
        ]


def words_of(record: logging.LogRecord) -> str:
    """Return all that a log record may say: message, arguments, extra fields, and the error with its causes."""
    said = [record.getMessage()]
    if isinstance(record.args, tuple):
        said += [repr(value) for value in record.args if type(value).__str__ is not object.__str__]
    else:
        said.append(repr(record.args))
    if len(record.__dict__) > PLAIN_FIELDS:
        said += [repr(value) for name, value in record.__dict__.items() if name not in PLAIN]
    if record.exc_info:
        said += traceback.format_exception(record.exc_info[1])
    return "\n".join(said)


class Ear(logging.Filter):
    """Hears every record of one logger, and lets pass what would have passed without it."""

    def __init__(self, logger: logging.Logger, guard: Guard) -> None:
        super().__init__()
        self._logger, self._guard = logger, guard
        self.rest()

    def rest(self) -> None:
        """Hear all there is again."""
        self._left = CHATTY.get(self._logger.name)
        if self._logger.level != FINEST:
            self._logger.setLevel(FINEST)

    def filter(self, record: logging.LogRecord) -> bool:
        """Hear a record."""
        self._guard.hear(f"the logger {record.name}", words_of(record))
        ours = self._logger.level in (FINEST, TIRED)
        if ours and self._left is not None and record.levelno <= logging.DEBUG:
            self._left -= 1
            if self._left == 0:
                self._logger.setLevel(TIRED)
        return not ours or record.levelno >= logging.root.level


class Guard:
    """Fails a test in which a canary was logged or printed, and says where, but not which."""

    def __init__(self) -> None:
        self._words = Words(KINDS)
        self._said: list[tuple[str, str]] = []
        self._size = 0
        self._leaks: dict[str, list[str]] = {}
        self._ears: list[Ear] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """Begin to listen."""
        config.addinivalue_line("markers", "speaks(reason): says canaries, and should, for the reason that is given")
        for logger in map(logging.getLogger, LOGGERS):
            self._ears.append(Ear(logger, self))
            logger.addFilter(self._ears[-1])

    def pytest_runtest_setup(self) -> None:
        """Let all loggers say all they can."""
        for ear in self._ears:
            ear.rest()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail the test if anything leaked until now."""
        report = yield
        if call.when == "setup":
            return report  # what it said is searched with what the test itself says
        leaking = [
            (name, text)
            for name, text in report.sections
            if (call.when == "call" or name.endswith("teardown")) and self._leaked(name, text)
        ]
        leaks = self.leaks()
        if leaks and not _may_speak(item):
            report.outcome = "failed"
            report.longrepr = "\n".join(f"{where} holds a canary of kind {', '.join(kinds)}" for where, kinds in leaks)
            report.sections = [section for section in report.sections if section not in leaking]
        return report

    def hear(self, where: str, text: str) -> None:
        """Take in what somebody says."""
        self._said.append((where, text))
        self._size += len(text)
        if self._size > ENOUGH:
            self._search()

    def leaks(self) -> list[tuple[str, list[str]]]:
        """Return where which kinds of canaries were heard, and forget it."""
        self._search()
        leaks, self._leaks = self._leaks, {}
        return list(leaks.items())

    def _search(self) -> None:
        said, self._said, self._size = self._said, [], 0
        if self._words.found("\n".join(text for _, text in said)):
            for where, text in said:
                self._leaked(where, text)

    def _leaked(self, where: str, text: str) -> list[str]:
        kinds = self._words.found(text)
        if kinds:
            self._leaks[where] = kinds
        return kinds


def _may_speak(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("speaks")
    return marker is not None and bool("".join(marker.args).strip())
