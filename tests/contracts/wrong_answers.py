"""Ports that ignore one argument of a verb, or answer one verb wrongly, and the law that must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from contracts.wrong_journals import WrongJournal
from ordersync.model.orders import Order
from ordersync.storage.memory import MemoryListingBook, MemoryOrderStore, MemoryStockLedger
from ordersync.testing.contracts import ListingBookContract, OrderStoreContract, StockLedgerContract
from ordersync.testing.contracts.journal import JournalContract

MANY = 1000
FOR_EVER = datetime.max.replace(tzinfo=UTC)


def ignoring(port: type, verb: str, **arguments: object) -> type:
    """Return a port whose verb always takes these arguments for what they are not."""

    async def wrong(self: object, *positional: object, **named: object) -> object:
        return await getattr(port, verb)(self, *positional, **named | arguments)

    return type(f"{verb} ignores {', '.join(arguments)}", (port,), {verb: wrong})


def answering(port: type, verb: str, spoil: Callable[[Any], object]) -> type:
    """Return a port whose verb answers something else."""

    async def wrong(self: object, *positional: object, **named: object) -> object:
        return spoil(await getattr(port, verb)(self, *positional, **named))

    return type(f"{verb} answers otherwise", (port,), {verb: wrong})


def refusing(port: type, verb: str) -> type:
    """Return a port whose verb does nothing, and says that it did."""

    async def wrong(self: object, *positional: object, **named: object) -> bool:
        return True

    return type(f"{verb} does nothing", (port,), {verb: wrong})


def without_microseconds(order: Order) -> Order:
    """Round the time at which an order was placed."""
    return attrs.evolve(order, placed_at=order.placed_at.replace(microsecond=0))


def without_digits(order: Order) -> Order:
    """Round an order's total as a float would."""
    total = order.total
    return order if total is None else attrs.evolve(order, total=attrs.evolve(total, amount=abs(total.amount)))


def without_empty_components(order: Order) -> Order:
    """Take lines that are linked to nothing for lines that are not linked."""
    lines = tuple(attrs.evolve(line, components=line.components or None) for line in order.lines)
    return attrs.evolve(order, lines=lines)


def reversed_lines(order: Order) -> Order:
    """Turn an order's lines round."""
    return attrs.evolve(order, lines=order.lines[::-1])


def empty_texts(order: Order) -> Order:
    """Take None for empty text."""
    return attrs.evolve(order, shipping_service=order.shipping_service or "")


def turned(answer: Any) -> object:  # noqa: ANN401 - whatever the verb answers
    """Turn a list round."""
    return list(answer)[::-1]


def halved(answer: Any) -> object:  # noqa: ANN401 - whatever the verb answers
    """Leave out all but the first."""
    return dict(list(answer.items())[:1]) if isinstance(answer, Mapping) else list(answer)[:1]


def one_more(number: int) -> int:
    """Count one too many."""
    return number + 1


STORE, LEDGER, BOOK, JOURNAL = MemoryOrderStore, MemoryStockLedger, MemoryListingBook, WrongJournal

WRONG_STORE_ANSWERS = [
    (ignoring(STORE, "due", limit=MANY), "test_due_comes_in_order_of_keys"),
    (ignoring(STORE, "due", after=None), "test_due_comes_in_order_of_keys"),
    (ignoring(STORE, "due", key=None), "test_one_order_can_be_asked_for"),
    (ignoring(STORE, "waiting", limit=MANY), "test_waiting_parcels_come_oldest_claim_first"),
    (ignoring(STORE, "waiting", key=None), "test_waiting_parcels_come_oldest_claim_first"),
    (ignoring(STORE, "notes_due", limit=MANY), "test_notes_due_come_by_id"),
    (ignoring(STORE, "notes_due", after=None), "test_notes_due_come_by_id"),
    (
        ignoring(STORE, "notes_due", at=FOR_EVER),
        "test_notes_due_are_queued_or_to_be_looked_after",
    ),
    (ignoring(STORE, "unlinked", limit=MANY), "test_unlinked_orders_are_limited"),
    (ignoring(STORE, "unlinked", before=MANY), "test_unlinked_orders_are_live_and_resolved_earlier"),
    (ignoring(STORE, "doubts", limit=MANY), "test_doubts_are_limited"),
    (ignoring(STORE, "decisions", limit=MANY), "test_decisions_are_newest_sighting_first"),
    (ignoring(STORE, "decisions", admitted=None), "test_decisions_are_newest_sighting_first"),
    (ignoring(STORE, "quarantined", limit=MANY), "test_quarantine_is_oldest_first_and_limited"),
    (ignoring(STORE, "find", states=None), "test_find_looks_in_every_state_and_channel"),
    (ignoring(STORE, "find", channel=None), "test_find_looks_in_every_state_and_channel"),
    (answering(STORE, "get", without_microseconds), "test_order_comes_back_equal"),
    (answering(STORE, "get", without_digits), "test_order_comes_back_equal"),
    (answering(STORE, "get", without_empty_components), "test_line_linked_to_nothing_is_linked"),
    (answering(STORE, "get", reversed_lines), "test_lines_keep_their_order"),
    (answering(STORE, "get", empty_texts), "test_empty_order_comes_back_equal"),
    (answering(STORE, "due", turned), "test_due_comes_in_order_of_keys"),
    (answering(STORE, "notes", turned), "test_notes_of_an_order_are_oldest_first"),
    (answering(STORE, "quarantined", turned), "test_quarantine_is_oldest_first_and_limited"),
    (answering(STORE, "decisions", turned), "test_decisions_are_newest_sighting_first"),
    (answering(STORE, "known", halved), "test_known_tells_everything"),
    (answering(STORE, "load", halved), "test_load_returns_the_stored_ones"),
    (answering(STORE, "note_counts", halved), "test_notes_are_counted"),
    (refusing(STORE, "doubted"), "test_doubt_stays_until_it_is_told"),
    (refusing(STORE, "set_progress"), "test_progress_is_replaced_whole"),
    (refusing(STORE, "rewant_all"), "test_rewant_all_makes_everything_due"),
    (refusing(STORE, "write_note"), "test_note_comes_back_equal"),
    (refusing(STORE, "save_page"), "test_page_is_written_together"),
]

WRONG_LEDGER_ANSWERS = [
    (ignoring(LEDGER, "changed", limit=MANY), "test_news_is_limited_and_nobody_starves"),
    (ignoring(LEDGER, "history", limit=MANY), "test_history_is_limited"),
    (ignoring(LEDGER, "history", location=None), "test_history_is_limited"),
    (ignoring(LEDGER, "set_on_hand", at=None), "test_history_tells_every_movement"),
    (answering(LEDGER, "history", turned), "test_history_tells_every_movement"),
    (answering(LEDGER, "levels", turned), "test_levels_come_by_sku_and_location"),
    (answering(LEDGER, "levels", halved), "test_reserved_is_the_sum_of_the_holds"),
    (answering(LEDGER, "reserve", halved), "test_batch_of_claims_adds_up"),
    (refusing(LEDGER, "acknowledge"), "test_changes_are_shown_until_acknowledged"),
    (refusing(LEDGER, "deduct"), "test_on_hand_may_turn_negative"),
]

WRONG_BOOK_ANSWERS = [
    (ignoring(BOOK, "due", limit=MANY), "test_due_is_paged_by_id"),
    (ignoring(BOOK, "due", after=None), "test_due_is_paged_by_id"),
    (ignoring(BOOK, "link", rule=None), "test_rule_comes_back_equal"),
    (ignoring(BOOK, "link", channel_location=None), "test_links_tell_what_skus_mean"),
    (answering(BOOK, "of_channel", turned), "test_listings_come_by_id"),
    (answering(BOOK, "due", turned), "test_due_is_paged_by_id"),
    (answering(BOOK, "observed", one_more), "test_read_back_corrects_the_belief"),
    (refusing(BOOK, "unlink"), "test_unlinked_listing_is_pushed_no_more"),
    (refusing(BOOK, "mark_channel"), "test_mark_channel_reaches_its_listings"),
    (refusing(BOOK, "adopt_rule"), "test_another_rule_marks_the_channel"),
]

WRONG_JOURNAL_ANSWERS = [
    *(
        (ignoring(JOURNAL, "entries", **{argument: value}), "test_entries_are_filtered")
        for argument, value in (
            ("channel", None),
            ("run_id", None),
            ("kinds", None),
            ("since", None),
            ("until", None),
            ("limit", MANY),
        )
    ),
    (ignoring(JOURNAL, "enable", by="somebody"), "test_switching_is_kept_with_its_reason"),
    (ignoring(JOURNAL, "entries", oldest_first=False), "test_entries_may_come_oldest_first"),
    (ignoring(JOURNAL, "entries", order=None), "test_entries_of_an_order"),
    (ignoring(JOURNAL, "set_health", paused_until=None), "test_health_is_kept_beside_the_state"),
    (ignoring(JOURNAL, "set_health", trouble=""), "test_trouble_of_a_new_channel_is_kept"),
    (answering(JOURNAL, "channels", halved), "test_channels_are_told_in_their_order"),
    (refusing(JOURNAL, "write"), "test_entry_comes_back_equal"),
]

WRONG_ANSWERS = [
    (OrderStoreContract, WRONG_STORE_ANSWERS),
    (StockLedgerContract, WRONG_LEDGER_ANSWERS),
    (ListingBookContract, WRONG_BOOK_ANSWERS),
    (JournalContract, WRONG_JOURNAL_ANSWERS),
]
