"""The channels and the storage of a program, by the name of the function that makes them."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from ..channel import Channel, check_registered
from ..errors import ConfigurationError
from ..ports import Storage

SHAPE = "return (channels, storage), or an object with .channels and .storage"


async def load_app(name: str) -> tuple[Sequence[Channel], Storage]:
    """Call the function that *name* names as ``module:factory``, which may be async, and check what it returns.

    The module is looked for in the current folder as well. ``ConfigurationError`` says what is wrong; of an error
    that the program raises it tells the type alone, for the text may quote a secret.
    """
    module_name, colon, factory_name = name.partition(":")
    if not (module_name and colon and factory_name):
        raise ConfigurationError(f"--app {name} is not understood; write --app module:factory, such as --app shop:make")
    factory = getattr(_module(module_name), factory_name, None)
    if factory is None:
        raise ConfigurationError(f"--app {name}: the module {module_name} has no {factory_name}; name a function of it")
    if not callable(factory):
        raise ConfigurationError(f"--app {name}: {factory_name} is a {type(factory).__name__}; name a function")
    try:
        made = factory()
        made = await made if inspect.isawaitable(made) else made
    except SystemExit as exc:
        raise ConfigurationError(f"--app {name}: {factory_name}() called sys.exit; {SHAPE}") from exc
    except Exception as exc:
        raise ConfigurationError(
            f"--app {name}: {factory_name}() raised {type(exc).__name__}; see it with --debug"
        ) from exc
    return _checked(name, made)


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except SystemExit as exc:
        told = f"--app {name}: importing the module called sys.exit; do that only under if __name__ == '__main__'"
        raise ConfigurationError(told) from exc
    except Exception as exc:
        if isinstance(exc, ModuleNotFoundError) and exc.name and (name + ".").startswith(exc.name + "."):
            told = f"--app {name}: there is no module {exc.name} in {here} or on Python's path; change to its folder"
            raise ConfigurationError(told) from exc
        raise ConfigurationError(
            f"--app {name}: importing the module raised {type(exc).__name__}; see it with --debug"
        ) from exc


def _checked(name: str, made: object) -> tuple[Sequence[Channel], Storage]:
    """Return channels and storage if they are what they should be."""
    channels, storage = _parts(name, made)
    if not isinstance(storage, Storage):
        raise ConfigurationError(f"--app {name}: the storage is a {type(storage).__name__}, no Storage; {SHAPE}")
    if isinstance(channels, Channel) or not isinstance(channels, Sequence):
        raise ConfigurationError(f"--app {name}: channels is a {type(channels).__name__}; make it a list of channels")
    try:
        for channel in channels:
            check_registered(channel)
    except TypeError as exc:
        raise ConfigurationError(f"--app {name}: {exc}") from exc
    return channels, storage


def _parts(name: str, made: object) -> tuple[object, object]:
    if isinstance(made, tuple):
        if len(made) != 2:  # noqa: PLR2004 - channels and storage
            raise ConfigurationError(f"--app {name} returned a tuple of {len(made)}; {SHAPE}")
        return made
    if not hasattr(made, "channels") or not hasattr(made, "storage"):
        raise ConfigurationError(f"--app {name} returned a {type(made).__name__}; {SHAPE}")
    return made.channels, made.storage
