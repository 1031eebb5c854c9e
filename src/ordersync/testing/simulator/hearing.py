"""What the library logs while a simulation lasts, record by record and whole."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LIBRARY = "ordersync"
"""The logger of the library."""

ORDINARY = frozenset(vars(logging.makeLogRecord({})))
"""What every record has; all else is ``extra``."""


class Ear(logging.Handler):
    """Tells of every record: its message, its arguments, what is extra, and the exception with its causes."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell, self._formatter = tell, logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record."""
        self._tell(self._whole(record))

    def _whole(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in ORDINARY}
        trace = self._formatter.formatException(record.exc_info) if record.exc_info else ""
        return f"{record.getMessage()}\n{record.args!r}\n{extra!r}\n{trace}\n{record.stack_info}"


@contextmanager
def listening(tell: Callable[[str], None]) -> Iterator[None]:
    """Hear whatever the library logs, at every level, and let nobody else hear it; afterwards all is as it was."""
    logger, ear = logging.getLogger(LIBRARY), Ear(tell)
    before = logger.level, logger.propagate, logger.disabled
    logger.setLevel(logging.DEBUG)
    logger.propagate = logger.disabled = False
    logger.addHandler(ear)
    try:
        yield
    finally:
        logger.removeHandler(ear)
        logger.setLevel(before[0])
        logger.propagate, logger.disabled = before[1:]
