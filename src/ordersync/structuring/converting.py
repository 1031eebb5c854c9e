"""The converter that structures documents strictly.

The defaults of cattrs are made for documents of one's own. At the border to somebody else's they would turn
2.9 into 2, True into 1, None into ``'None'`` and ``'abc'`` into three items; here each of these is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, get_args, get_origin

import attrs
from cattrs import (
    AttributeValidationNote,
    ClassValidationError,
    Converter,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from .explaining import MALFORMED
from .primitives import HOOKS, UnexpectedValueError

Hook = Callable[[object, object], object]


def camel_case(name: str) -> str:
    """Return ``placed_at`` as ``placedAt``, as most APIs write it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def strict_converter(*, names: Callable[[str], str] = str, forbid_extra_keys: bool = False) -> Converter:
    """Make a converter that structures what is right and coerces nothing.

    A ``Decimal`` is made from text or a whole number, never from a float; a ``datetime`` from ISO 8601 text
    with a zone, and is then in UTC; a list, tuple or set from a list alone. *names* turns the name of a field
    into the document's. A channel that writes something in another way registers a hook of its own for it.
    """
    converter = Converter(detailed_validation=True, forbid_extra_keys=forbid_extra_keys)
    for kind, hook in HOOKS.items():
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_hook(kind, converter))
    converter.register_structure_hook_factory(_is_mapping, lambda kind: _mapping_hook(kind, converter))
    converter.register_structure_hook_factory(attrs.has, lambda kind: _record_hook(kind, converter, names))
    return converter


_LISTS: Mapping[object, Callable[[Iterable[Any]], object]] = {
    list: list,
    Sequence: tuple,
    tuple: tuple,
    set: set,
    AbstractSet: frozenset,
    frozenset: frozenset,
}


def _is_list(kind: object) -> bool:
    return (get_origin(kind) or kind) in _LISTS


def _list_hook(kind: object, converter: Converter) -> Hook:
    build = _LISTS[get_origin(kind) or kind]
    element, *others = get_args(kind) or (Any,)
    if others not in ([], [...]):
        raise TypeError(f"{kind}: a list in a document holds items of one kind; write a class for a row")

    def structure(value: object, _kind: object) -> object:
        if not isinstance(value, list | tuple | set | frozenset):
            raise UnexpectedValueError("expected a list")
        return build(_each(enumerate(value), element, converter).values())

    return structure


def _is_mapping(kind: object) -> bool:
    return (get_origin(kind) or kind) in (dict, Mapping)


def _mapping_hook(kind: object, converter: Converter) -> Hook:
    _key, element = get_args(kind) or (str, Any)

    def structure(value: object, _kind: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise UnexpectedValueError("expected an object")
        return _each(value.items(), element, converter)

    return structure


def _each(items: Iterable[tuple[Any, object]], kind: Any, converter: Converter) -> dict[Any, object]:  # noqa: ANN401
    """Structure every item; all that is wrong is gathered before giving up."""
    done: dict[Any, object] = {}
    wrong: list[Exception] = []
    for index, item in items:
        try:
            done[index] = converter.structure(item, kind)
        except MALFORMED as error:
            place = index if isinstance(index, int) else "..."  # a key of a mapping is a value, and not told
            error.add_note(IterableValidationNote("", place, kind))
            wrong.append(error)
    if wrong:
        raise IterableValidationError("some items are wrong", wrong, kind)
    return done


def _record_hook(kind: type, converter: Converter, names: Callable[[str], str]) -> Hook:
    attrs.resolve_types(kind)
    options: dict[str, Any] = {field.name: override(rename=names(field.name)) for field in attrs.fields(kind)}
    options["_cattrs_forbid_extra_keys"] = converter.forbid_extra_keys
    options["_cattrs_detailed_validation"] = True
    structure_fields: Callable[[Mapping[str, Any], Any], object] = make_dict_structure_fn(kind, converter, **options)

    def structure(value: object, _kind: object) -> object:
        if not isinstance(value, Mapping):
            raise UnexpectedValueError("expected an object")
        try:
            return structure_fields(value, kind)
        except ClassValidationError as error:
            raise ClassValidationError(
                error.message, [_by_its_name(inner, names) for inner in error.exceptions], kind
            ) from None

    return structure


def _by_its_name(error: Exception, names: Callable[[str], str]) -> Exception:
    """Give an error the document's name of the field, and a missing field an error that says so."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            name = names(note.name)
            told = UnexpectedValueError("is missing") if error.args == (name,) else error
            told.__notes__ = [AttributeValidationNote("", name, note.type)]
            return told
    return error
