"""The cases that ever failed: kept in a file, one a line as JSON, and played for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ....errors import ConfigurationError
from .runs import Case


def kept_cases(file: Path) -> Sequence[Case]:
    """Return the cases of a file; empty lines and those that begin with ``#`` are for people.

    Raises:
        ConfigurationError: the file cannot be read, or a line is no JSON object with a seed.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise ConfigurationError(f"the kept cases in {file} cannot be read; name the file that has them") from exc
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return [read_case(line, f"{file}, line {number}") for number, line in numbered if line and line[0] != "#"]


def read_case(text: str, where: str) -> Case:
    """Return the options that a text holds as JSON.

    Raises:
        ConfigurationError: it is no JSON object with a whole number as its seed.
    """
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ConfigurationError(f"{where} is no JSON; write the options as one JSON object") from exc
    if not isinstance(found, dict) or type(found.get("seed")) is not int:
        raise ConfigurationError(f"{where} is no JSON object with a seed; write the options as one JSON object")
    return found
