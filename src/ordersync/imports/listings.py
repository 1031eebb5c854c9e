"""Listings from CSV text: what each is linked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..model.fields import count, frozen_mapping, text
from ..model.ids import ChannelId
from ..model.listings import Listing, ListingId
from ..ports import Storage
from .cells import BadRow, Row, by_line, read_rows, table

Key = tuple[ChannelId, ListingId]


@attrs.frozen(kw_only=True)
class ListingRow:
    """One listing to be linked: what its rows say together, and on which lines they stand."""

    lines: tuple[int, ...]
    channel: ChannelId
    id: ListingId
    components: Mapping[str, int] = attrs.field(converter=frozen_mapping)


@attrs.frozen(kw_only=True)
class ListingsApplied:
    """What became of the listings of an import.

    ``refused``: those that kits which are defined in the storage make too large.
    """

    new: tuple[ListingRow, ...] = ()
    changed: tuple[ListingRow, ...] = ()
    same: tuple[ListingRow, ...] = ()
    refused: tuple[BadRow, ...] = ()

    def __str__(self) -> str:
        """Return the counts, and every refusal."""
        counts = f"listings: {len(self.new)} new, {len(self.changed)} changed, {len(self.same)} as before"
        return "\n".join([f"{counts}, {len(self.refused)} refused", *map(str, self.refused)])


@attrs.frozen(kw_only=True)
class ListingImport:
    """A preview of listings: ``rows`` are good, one a listing; the lines of ``bad`` are left out."""

    rows: tuple[ListingRow, ...]
    bad: tuple[BadRow, ...] = ()

    def __str__(self) -> str:
        """Return a short table of what would be linked and of what is wrong."""
        return table("listings to link", [_cells(row) for row in self.rows], self.bad)

    async def apply(self, storage: Storage) -> ListingsApplied:
        """Link the good rows' listings, and say which of them were new.

        One that is linked otherwise is linked anew, and one that was unlinked is linked again. A listing's own
        rule stays.
        """
        known: dict[Key, Listing] = {}
        for channel in dict.fromkeys(row.channel for row in self.rows):
            known.update(((channel, one.id), one) for one in await storage.listings.of_channel(channel))
        new: list[ListingRow] = []
        changed: list[ListingRow] = []
        same: list[ListingRow] = []
        refused: list[BadRow] = []
        for row in self.rows:
            before = known.get((row.channel, row.id))
            if before is not None and before.linked_to == row.components:
                same.append(row)
                continue
            try:
                await _link(storage, row, before)
            except ValueError as error:
                refused.append(BadRow(line=row.lines[0], column="", problem=str(error)))
            else:
                (new if before is None else changed).append(row)
        return ListingsApplied(new=tuple(new), changed=tuple(changed), same=tuple(same), refused=tuple(refused))


def read_listings(text: str) -> ListingImport:
    """Read what listings are linked to; several rows of one listing make it a kit.

    Columns: ``source``, ``subsource``, ``channel_sku`` and ``sku``; also ``channel_location`` (blank: none) and
    ``quantity`` (blank: 1). A listing of which one row is wrong, or that names a SKU twice, is left out as a whole:
    linked to the rest it would take too little from stock.
    """
    optional = ("channel_location", "quantity")
    rows, bad = read_rows(text, required=("source", "subsource", "channel_sku", "sku"), optional=optional)
    found: dict[Key, dict[str, tuple[Row, int]]] = {}
    lines: dict[Key, list[Row]] = {}
    broken: dict[Key, int] = {}
    for row in rows:
        problems = list(row.problems)
        key, part = _listing_of(row, problems), _part_of(row, problems)
        if key is not None:
            parts = found.setdefault(key, {})
            lines.setdefault(key, []).append(row)
            if part is not None and part.sku in parts:
                before, _ = parts[part.sku]
                problems.append(row.bad("sku", f"stands on line {before.line} for the same listing already"))
            elif part is not None:
                parts[part.sku] = (row, part.quantity)
            if problems:
                broken.setdefault(key, row.line)
        bad += problems
    bad += _left_out(lines, broken, bad)
    good = [_row(key, parts) for key, parts in found.items() if key not in broken]
    return ListingImport(rows=tuple(good), bad=by_line(bad))


@attrs.frozen(kw_only=True)
class _Part:
    """What one row says that a listing takes from stock."""

    sku: str = text()
    quantity: int = count(least=1)


def _listing_of(row: Row, problems: list[BadRow]) -> Key | None:
    channel = row.make(problems, lambda: ChannelId(row["source"], row["subsource"]))
    listing = row.make(problems, lambda: ListingId(row["channel_sku"], row["channel_location"] or None))
    return None if channel is None or listing is None else (channel, listing)


def _part_of(row: Row, problems: list[BadRow]) -> _Part | None:
    return row.make(problems, lambda: _Part(sku=row["sku"], quantity=row.whole("quantity", default="1")))


def _left_out(lines: Mapping[Key, Sequence[Row]], broken: Mapping[Key, int], bad: Sequence[BadRow]) -> list[BadRow]:
    """Name the rows with nothing wrong about them that are left out for another one of their listing."""
    named = {one.line for one in bad}
    return [
        row.bad("channel_sku", f"left out, because line {line} of the same listing is wrong")
        for key, line in broken.items()
        for row in lines[key]
        if row.line not in named
    ]


def _row(key: Key, parts: Mapping[str, tuple[Row, int]]) -> ListingRow:
    channel, listing = key
    return ListingRow(
        lines=tuple(row.line for row, _ in parts.values()),
        channel=channel,
        id=listing,
        components={sku: quantity for sku, (_, quantity) in parts.items()},
    )


def _cells(row: ListingRow) -> Sequence[str]:
    return str(row.channel), str(row.id), ", ".join(f"{quantity} x {sku}" for sku, quantity in row.components.items())


async def _link(storage: Storage, row: ListingRow, before: Listing | None) -> None:
    await storage.listings.link(
        row.channel,
        row.id.channel_sku,
        row.components,
        channel_location=row.id.channel_location,
        rule=None if before is None else before.rule,
    )
