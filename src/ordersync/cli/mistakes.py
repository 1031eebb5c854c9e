"""What a command says of an error: our own sentences as they are, of anybody else's only its type and its place."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from types import FrameType

from ..columns import plain
from ..errors import OrderSyncError
from ..model.fields import FieldError

OURS = Path(__file__).parents[1]
LIBRARIES = tuple(map(Path, {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}))


def is_told(error: BaseException) -> bool:
    """Say whether the sentence of an error may be shown: it is one of ours, or names a file."""
    return isinstance(error, OrderSyncError | FieldError) or (isinstance(error, OSError) and error.filename is not None)


def said_of(error: BaseException) -> str:
    """Return one line about an error; the text of a channel's or program's own bug may quote a buyer or a secret."""
    if isinstance(error, FieldError):
        return plain(error.expected)
    if is_told(error):
        return plain(str(error))
    bug = alone(error)
    return f"{_place(bug)} raised {type(bug).__name__}, which is a bug there; see it with --debug"


def alone(error: BaseException) -> BaseException:
    """Return the error of a group of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _place(error: BaseException) -> str:
    """Return module and line of the last step outside of ordersync and libraries, or else of the last step at all."""
    steps = list(traceback.walk_tb(error.__traceback__))
    theirs = [step for step in steps if _is_theirs(step[0])]
    frame, line = (theirs or steps)[-1]
    return f"{frame.f_globals.get('__name__', '?')}:{line}"


def _is_theirs(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return not name.startswith("<") and not any(map(Path(name).is_relative_to, (OURS, *LIBRARIES)))
