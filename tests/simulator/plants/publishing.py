"""Rules 16 to 20 and 24 to 25 taken out: what sales, marks and rules do to what a channel is believed to show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ordersync import Channel, ChannelOrder, Listing, Storage, beliefs, changes, conflicts
from ordersync.model.ids import Fence
from ordersync.model.listings import ListingId, Push
from ordersync.model.orders import Order
from ordersync.model.stock import Due, Sale, StockRule
from ordersync.storage.memory import MemoryListingBook, MemoryStockLedger
from ordersync.storage.sqlite import stock as ledger_tables
from ordersync.sync import channel_lines, channel_task, edits, new_orders, publish, sightings, watch
from ordersync.sync.channel_run import ChannelRun

from .registry import MEMORY, Patch, plant

SALES = "tests/protocols/test_beliefs_and_sales.py"
WANTED = "tests/protocols/test_wanted.py"
TOGETHER = "tests/protocols/test_channels_together.py"

Found = Mapping[ListingId, Listing]


@plant(
    "rule 16: a push counts from its beginning",
    law="L6",
    source="PROTOCOLS 16",
    directed=f"{SALES}::test_rule_16_sale_before_the_answer_of_a_push_is_doubted",
)
def push_counts_from_its_beginning() -> Sequence[Patch]:
    """Take a sale during a push for one that came after it."""
    real = beliefs._accepted

    def accepted(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
        return attrs.evolve(real(listing, push, began=began, at=at), accepted_at=began)

    return [(beliefs, "_accepted", accepted)]


@plant(
    "rule 16: a read-back is no accepted push",
    law="L6",
    source="PROTOCOLS 16",
    directed=f"{SALES}::test_rule_16_read_back_counts_like_an_accepted_push",
)
def read_back_counts_for_nothing() -> Sequence[Patch]:
    """Lower the belief by a sale that the read-back had shown."""
    real = beliefs.shown

    def shown(listing: Listing, quantity: int, *, wanted: int, at: datetime) -> Listing:
        return attrs.evolve(real(listing, quantity, wanted=wanted, at=at), accepted_at=listing.accepted_at)

    return [(beliefs, "shown", shown)]


@plant(
    "rule 16: a sale is as old as its stamp says",
    law="L6",
    source="PROTOCOLS 16",
    directed="tests/simulator/test_directed_pushes.py::test_sale_with_a_stamp_from_a_clock_ahead_is_doubted",
)
def stamps_are_exact() -> Sequence[Patch]:
    """Count neither skew nor whole seconds when a sale is held against a push."""

    def taken_at(_channel: Channel, seen: ChannelOrder) -> datetime:
        return seen.placed_at

    return [(new_orders, "taken_at", taken_at), (sightings, "taken_at", taken_at)]


@plant(
    "origin channel never re-pushed",
    law="L6",
    source="reliability 3.5 and 4.3",
    directed=f"{SALES}::test_rule_16_sale_before_the_answer_of_a_push_is_doubted",
)
def origin_is_never_doubted() -> Sequence[Patch]:
    """Believe that the channel took every sale off what it was told last."""

    def sold(listing: Listing, quantity: int, *, taken_at: datetime) -> Listing:
        lower = None if listing.believed is None else listing.believed - quantity
        return attrs.evolve(beliefs.marked(listing), believed=lower)

    return [(beliefs, "sold", sold)]


@plant(
    "rule 17: each revision of an order lowers the belief",
    law="L6",
    source="PROTOCOLS 17",
    directed=f"{SALES}::test_rule_17_order_lowers_the_belief_once",
)
def every_revision_lowers() -> Sequence[Patch]:
    """Take an order off the belief again whenever people do something to it."""
    real = beliefs.account

    def account(sale: Sale, accounted: int | None, listings: Found) -> Found:
        return real(sale, None if sale.revision > (accounted or 0) else accounted, listings)

    return [(beliefs, "account", account)]


@plant(
    "a sale is counted twice into the belief",
    law="L6",
    source="issue 5, point 5",
    directed="tests/simulator/test_directed_pushes.py::test_sale_that_is_told_twice_counts_once",
)
def sale_counts_twice() -> Sequence[Patch]:
    """Take an order off the belief again when the same revision is told again."""
    real = beliefs.account

    def account(sale: Sale, accounted: int | None, listings: Found) -> Found:
        return real(sale, None if sale.revision == accounted else accounted, listings)

    return [(beliefs, "account", account)]


@plant(
    "rule 17: a sale goes by SKUs of ours",
    law="L6",
    source="PROTOCOLS 17",
    directed=f"{SALES}::test_rule_17_sale_at_a_place_we_do_not_list_lowers_no_other",
)
def sale_by_sku() -> Sequence[Patch]:
    """Forget at which of the channel's locations a sale was."""
    real = beliefs.account

    def account(sale: Sale, accounted: int | None, listings: Found) -> Found:
        nowhere = {(channel_sku, None): quantity for (channel_sku, _), quantity in sale.sold.items()}
        return real(attrs.evolve(sale, sold=nowhere), accounted, listings)

    return [(beliefs, "account", account)]


@plant(
    "rule 17: the belief is lowered by what the order wants",
    law="L6",
    source="PROTOCOLS 17",
    directed="tests/simulator/test_directed_pushes.py::test_sale_counts_gross",
)
def sale_goes_by_what_is_open() -> Sequence[Patch]:
    """Take off what is still open, and not what the channel took off."""

    def sold_by_listing(seen: ChannelOrder) -> Mapping[tuple[str, str | None], int]:
        gross = channel_lines.sold_by_listing(seen)
        gone = {(line.channel_sku, seen.channel_location): line.cancelled + line.shipped for line in seen.lines}
        return {listing: quantity - gone.get(listing, 0) for listing, quantity in gross.items()}

    return [(module, "sold_by_listing", sold_by_listing) for module in (new_orders, edits)]


@plant(
    "rule 17: a change by the channel raises no doubt",
    law="L6",
    source="PROTOCOLS 17",
    directed=f"{SALES}::test_rule_17_change_by_the_channel_makes_the_belief_unknown",
)
def channel_changes_are_not_seen() -> Sequence[Patch]:
    """Leave the belief alone when the channel edits, cancels or revives an order."""
    real = beliefs.account

    def account(sale: Sale, accounted: int | None, listings: Found) -> Found:
        return real(attrs.evolve(sale, channel_revision=0), accounted, listings)

    return [(beliefs, "account", account)]


@plant(
    "rule 17: an ended order's pieces stay where they were",
    law="L6",
    source="PROTOCOLS 17",
    directed=f"{SALES}::test_rule_17_change_by_the_channel_counts_in_any_state",
)
def ended_orders_move_nothing() -> Sequence[Patch]:
    """Doubt nothing when an order that has ended here is cancelled on the channel, too."""
    return [(edits, "moved_pieces", lambda *_args, **_facts: False)]


@plant(
    "rule 17: an order that vanished raises no doubt",
    law="L6",
    source="PROTOCOLS 17",
    directed=f"{SALES}::test_rule_17_order_that_vanished_doubts_its_listing",
)
def vanished_orders_move_nothing() -> Sequence[Patch]:
    """Believe that the channel keeps the pieces of an order that it does not show any more."""
    real = conflicts.vanished

    def vanished(order: Order, *, at: datetime) -> Order:
        return attrs.evolve(real(order, at=at), channel_revision=order.channel_revision)

    return [(watch, "vanished", vanished)]


@plant(
    "rule 18: a sale raises no want",
    law="L6",
    source="PROTOCOLS 18",
    directed=f"{WANTED}::test_rule_18_sale_that_changes_no_level_makes_its_listing_due",
)
def sold_in_silence() -> Sequence[Patch]:
    """Lower the belief and make nothing due."""
    real = beliefs.sold

    def sold(listing: Listing, quantity: int, *, taken_at: datetime) -> Listing:
        return attrs.evolve(real(listing, quantity, taken_at=taken_at), wanted=listing.wanted)

    return [(beliefs, "sold", sold)]


@plant(
    "rule 18: a changed link raises no want",
    law="L6",
    source="PROTOCOLS 18",
    directed=f"{WANTED}::test_rule_18_link_and_rule_make_their_listings_due",
)
def linked_in_silence() -> Sequence[Patch]:
    """Let a listing mean something else and make nothing due."""
    real = beliefs.linked

    def linked(
        listing: Listing, linked_to: Mapping[str, int], components: Mapping[str, int], *, rule: StockRule | None
    ) -> Listing:
        return attrs.evolve(real(listing, linked_to, components, rule=rule), wanted=listing.wanted)

    return [(beliefs, "linked", linked)]


@plant(
    "rule 18: a changed rule of the channel raises no want",
    law="L6",
    source="PROTOCOLS 18",
    directed=f"{WANTED}::test_rule_18_link_and_rule_make_their_listings_due",
)
def rule_changes_in_silence() -> Sequence[Patch]:
    """Adopt whatever rule a runner has, and mark no listing."""

    async def ours(_run: ChannelRun) -> bool:
        return True

    return [(publish, "_rule_is_ours", ours)]


@plant(
    "rule 19: the desk settles without telling of the sale",
    law="L6",
    source="PROTOCOLS 19",
    directed=f"{WANTED}::test_rule_19_desk_accounts_for_the_sale_it_settles",
)
def desk_forgets_the_sale() -> Sequence[Patch]:
    """Settle an order at the desk before the listing book has heard of it."""

    async def settle(storage: Storage, dues: Sequence[Due], *, at: datetime, fence: Fence | None = None) -> None:
        held = await storage.stock.reserve([due.claim for due in dues], at=at)
        revisions = {due.claim.order_key: due.claim.revision for due in dues}
        await storage.orders.reserved(revisions, held=held, fence=fence)

    return [(changes, "settle", settle)]


@plant(
    "rule 20: an order that never wanted stock doubts nothing",
    law="L6",
    source="PROTOCOLS 20",
    directed=f"{WANTED}::test_rule_20_order_that_never_wants_stock_doubts_its_listing",
)
def unseen_orders_move_nothing() -> Sequence[Patch]:
    """Forget orders that were bought and cancelled before they could be downloaded."""
    return [(sightings, "_doubt", lambda *_: None)]


@plant(
    "rule 24: a runner marks only the channel that it holds",
    law="L6",
    source="PROTOCOLS 24",
    storages=MEMORY,
    directed=f"{TOGETHER}::test_rule_24_disabled_channel_of_another_runner_is_marked",
)
def marks_one_channel() -> Sequence[Patch]:
    """Mark the listings of the first channel there is, and acknowledge for all."""

    async def mark(book: MemoryListingBook, skus: Collection[str]) -> None:
        for channel in sorted(book._listings)[:1]:
            book._change(channel, beliefs.marked, where=lambda one: not set(skus).isdisjoint(one.components))

    return [(MemoryListingBook, "mark", mark)]


@plant(
    "an acknowledgement eats another channel's debt",
    law="L6",
    source="issue 5, point 5",
    directed=f"{TOGETHER}::test_rule_24_disabled_channel_of_another_runner_is_marked",
)
def acknowledges_for_all() -> Sequence[Patch]:
    """Mark the listings of the run's own channel, then acknowledge the change for all."""

    async def announce(run: ChannelRun) -> None:
        while versions := await run.storage.stock.changed(limit=publish.ANNOUNCE_BATCH):
            await run.storage.listings.mark_channel(run.id)
            await run.storage.stock.acknowledge(versions)

    return [(publish, "announce", announce), (channel_task, "announce", announce)]


@plant(
    "rule 24: an acknowledgement goes by no version",
    law="L6",
    source="PROTOCOLS 24",
    directed=f"{TOGETHER}::test_rule_24_acknowledging_is_conditional_on_the_version",
)
def acknowledges_blindly() -> Sequence[Patch]:
    """Forget whatever changed until now."""

    async def acknowledge(ledger: MemoryStockLedger, versions: Mapping[str, int]) -> None:
        for sku in versions:
            ledger._acknowledged[sku] = ledger._versions[sku]

    blindly = """
    UPDATE sku_versions SET acknowledged = version WHERE ? IS NOT NULL AND sku = ? AND ? IS NOT NULL
    """
    return [(MemoryStockLedger, "acknowledge", acknowledge), (ledger_tables, "ACKNOWLEDGE", blindly)]


@plant(
    "rule 24: an acknowledgement comes before the marks",
    law="L6",
    source="PROTOCOLS 24",
    directed=f"{TOGETHER}::test_rule_24_acknowledging_comes_after_every_mark",
)
def acknowledges_too_early() -> Sequence[Patch]:
    """Forget a change before the listings know of it."""

    async def announce(run: ChannelRun) -> None:
        while versions := await run.storage.stock.changed(limit=publish.ANNOUNCE_BATCH):
            await run.storage.stock.acknowledge(versions)
            await run.storage.listings.mark(sorted(versions))

    return [(publish, "announce", announce), (channel_task, "announce", announce)]


@plant(
    "rule 25: two configurations push each other's values",
    law="L6",
    source="PROTOCOLS 25",
    directed=f"{TOGETHER}::test_rule_25_two_configurations_do_not_fight",
)
def configurations_fight() -> Sequence[Patch]:
    """Let a rule flip back at any time."""
    return [(publish, "RULE_HOLD", timedelta(0))]
