"""Listings: every level is right, none is overwritten in silence, and what is believed is what is shown (P1-P7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ....model.ids import ChannelId, OrderKey
from ....model.listings import Listing, ListingId, ListingState, StockUpdate
from ....model.orders import OrderState
from ....model.runs import ChannelState
from ....model.stock import Claim, Deduction, Sale
from ..trace import Violation
from .checker import Checker, Effect
from .commits import START_WINDOW, Commit, Started
from .listing_adoption import Adoptions
from .listing_facts import KnownListing, check_change, is_excused
from .listing_orders import OrderedPieces
from .listing_pushes import Verb, check_begun, check_finished, check_observed, check_sent_soon
from .listing_rule import Rights, parts_of, rule_for, shown_by, taken_apart
from .listing_sales import Accounts, check_sold
from .reader import Reader
from .world import AppliedLevelView, World

LIVE = frozenset({OrderState.NEW, OrderState.OPEN})

Pending = Callable[[], Mapping[str, int] | None]
"""The changed SKUs that a ledger has not had acknowledged yet; None where it keeps no such list."""

After = Mapping[ListingId, Listing]


class ListingsChecker(Checker):
    """Follows every listing of every market, and every level that it might rightly show."""

    def __init__(self, world: World, *, pending: Pending | None = None) -> None:
        """Begin; without *pending* it is not checked that a change is forgotten only once it is announced."""
        super().__init__(world)
        self._pending = pending
        self._known: dict[ChannelId, dict[ListingId, KnownListing]] = {}
        self._pieces = OrderedPieces(world)
        self._rights, self._accounts = Rights(), Accounts(world, self._pieces)
        self._claimed: dict[OrderKey, dict[str, None]] = {}
        self._adoptions = Adoptions()
        self._last_runs: dict[ChannelId, datetime] = {}
        self._tick, self._idle = 0, False

    def begin(self, reader: Reader) -> None:
        """Take over what is stored before anything happens."""
        self._notice_settings(reader)
        for channel in self._world.markets:
            known = self._known.setdefault(channel, {})
            for listing in reader.listings(channel):
                known[listing.id] = KnownListing(channel=channel, listing=listing)
                self._take(known[listing.id], listing, reader)

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Check one verb that was committed."""
        if not self._known:
            self.begin(reader)
        self._tick += 1
        if commit.refused is not None:
            return
        self._notice_settings(reader)
        if commit.port == "stock":
            self._stock(commit, reader)
        elif commit.port == "listings":
            for channel in self._touched(commit):
                self._listings(commit, channel, reader)
        elif commit.port == "orders":
            self._pieces.committed(commit)
            if commit.verb == "reserved":
                self._settled(commit)
        elif commit.verb == "lease" and commit.answer is not None:
            self._last_runs[commit.argument(0, "channel")] = commit.at

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:  # noqa: ARG002
        """Check a level that a market has just applied."""
        if isinstance(effect, AppliedLevelView):
            self._applied(channel, effect)

    def _applied(self, channel: ChannelId, effect: AppliedLevelView) -> None:
        known = self._listing_of(channel, effect.sku)
        number = _number(effect.attempt_id)
        begun = None if known is None or number is None else known.begun.get(number)
        if known is None or number is None or begun is None:
            raise Violation("P1", f"{channel} {effect.sku}: {effect.quantity} was applied and never recorded")
        if effect.quantity != begun.push.quantity:
            text = f"{effect.quantity} was applied for attempt {number}, which is of {begun.push.quantity}"
            raise Violation("P1", f"{known.name}: {text}")
        if number in known.disowned:
            raise Violation("P4", f"{known.name}: attempt {number} counts as never applied, and it was")
        known.landed.add(number)
        older = number < known.last_landed or begun.push.wanted < known.most_served
        if older and known.linked and not known.is_due and known.listing.believed != effect.quantity:
            text = f"attempt {number} ({effect.quantity}) has overwritten attempt {known.last_landed}"
            raise Violation("P4", f"{known.name}: {text}, and nobody will notice")
        known.last_landed = max(known.last_landed, number)
        known.most_served = max(known.most_served, begun.push.wanted)

    def started(self, call: Started, reader: Reader) -> None:  # noqa: ARG002
        """Check that a push is sent in time, and nothing while the world is idle but what was refused before."""
        if call.method == "push_stock":
            self._check_sent_soon(call)
        if self._idle and call.effect and not self._is_tried_again(call):
            raise Violation("P7", f"{call.channel}: {call.method} is called though nothing has changed anywhere")

    def _check_sent_soon(self, call: Started) -> None:
        updates: Sequence[StockUpdate] = call.request or ()
        for update in updates:
            known, number = self._known.get(call.channel, {}).get(update.listing_id), _number(update.attempt_id)
            if known is not None and number is not None:
                check_sent_soon(known, number, call.at)

    def idle(self) -> None:
        """Note that from now on nothing happens any more."""
        self._idle = True

    def ended(self, reader: Reader) -> None:
        """Check that every listing of a channel that is in order shows what it should, and is believed to."""
        for channel in self._world.markets:
            life = reader.life(channel)
            listings = reader.listings(channel)
            self._check_links(channel, listings, reader)
            if life.state is ChannelState.ENABLED and not life.failures:
                unseen = self._bought_unseen(channel, reader)
                for listing in listings:
                    self._check_end(channel, listing, reader, unseen)

    def _notice_settings(self, reader: Reader) -> None:
        for channel, settings in self._world.settings.items():
            if self._rights.take_settings(channel, settings):
                for known in self._known.get(channel, {}).values():
                    for parts, own in dict.fromkeys(known.meant.values()):
                        self._follow(known, parts, own, reader)

    def _take(self, known: KnownListing, after: Listing, reader: Reader) -> None:
        known.take(after, tick=self._tick)
        self._follow(known, *known.meant[after.wanted], reader)

    def _follow(self, known: KnownListing, parts: Any, own: Any, reader: Reader) -> None:  # noqa: ANN401
        new = [sku for sku, _ in parts if sku not in self._rights.available]
        if new:
            self._rights.take_levels(new, reader.levels(new), tick=self._tick)
        self._rights.follow(known.channel, known.id.channel_location, parts, own)

    def _stock(self, commit: Commit, reader: Reader) -> None:
        if commit.verb == "acknowledge":
            self._acknowledged(commit.argument(0, "versions"))
            return
        moved = self._moved(commit)
        skus = [sku for sku in moved if sku in self._rights.available]
        if skus:
            self._rights.take_levels(skus, reader.levels(skus), tick=self._tick)

    def _moved(self, commit: Commit) -> Collection[str]:
        """Return at least the SKUs whose levels a verb may have changed."""
        match commit.verb:
            case "reserve":
                claims: Sequence[Claim] = commit.argument(0, "claims")
                return dict.fromkeys(sku for claim in claims for sku in self._skus_of(claim))
            case "deduct":
                deduction: Deduction = commit.argument(0, "deduction")
                return {**dict.fromkeys(sku for sku, _ in deduction.taken), **self._skus_of(deduction.claim)}
            case "set_on_hand" | "adjust" | "transfer":
                return [commit.argument(0, "sku")]
        return list(self._rights.available)

    def _skus_of(self, claim: Claim) -> dict[str, None]:
        """Return every SKU that the order of a claim ever claimed."""
        skus = self._claimed.setdefault(claim.order_key, {})
        skus.update(dict.fromkeys(sku for sku, _ in claim.wanted))
        return skus

    def _acknowledged(self, versions: Mapping[str, int]) -> None:
        waiting = None if self._pending is None else self._pending()
        if waiting is None:
            return
        for sku in sorted(versions):
            for known in () if sku in waiting else self._everything():
                if sku in known.listing.components and known.last_raised < self._rights.moved_at[sku]:
                    raise Violation("R24", f"{known.name}: a change of {sku!r} is forgotten, and it was not marked")

    def _everything(self) -> Iterable[KnownListing]:
        return (known for every in self._known.values() for known in every.values() if known.linked)

    def _touched(self, commit: Commit) -> Sequence[ChannelId]:
        """Return the channels whose listings a verb may have changed."""
        match commit.verb:
            case "fence":
                return ()
            case "define_kit":
                return list(self._known)
            case "sold":
                return list(dict.fromkeys(sale.order_key.channel for sale in commit.argument(0, "sales")))
            case "mark":
                skus = set(commit.argument(0, "skus"))
                hit = (one.channel for one in self._everything() if not skus.isdisjoint(one.listing.components))
                return list(dict.fromkeys(hit))
        return [commit.argument(0, "channel")]

    def _listings(self, commit: Commit, channel: ChannelId, reader: Reader) -> None:
        known = self._known.setdefault(channel, {})
        after = {listing.id: listing for listing in reader.listings(channel)}
        accepted = self._check_verb(commit, channel, after, reader)
        for one, listing in after.items():
            before = known.get(one)
            if before is None:
                known[one] = before = KnownListing(channel=channel, listing=listing)
                if listing.wanted <= listing.settled or listing.believed is not None:
                    raise Violation("R18", f"{before.name}: a new listing is not due")
            elif before.listing is listing and before.linked:
                continue
            check_change(before, listing, commit.verb, accepted=one in accepted)
            if listing.believed is None and before.listing.believed is not None:
                before.doubted_at = self._tick
            self._take(before, listing, reader)
        for one, before in known.items():
            if before.linked and one not in after:
                before.linked, before.doubted_at = False, self._tick

    def _check_verb(self, commit: Commit, channel: ChannelId, after: After, reader: Reader) -> Collection[ListingId]:
        """Check what is said of one verb alone; return the listings of which an accept was taken in."""
        known = self._known[channel]
        window, at = self._window(channel, commit), commit.facts.get("at") or commit.at
        verb = Verb(known=known, after=after, window=window, at=at, now=commit.at, tick=self._tick)
        match commit.verb:
            case "begin":
                self._adoptions.check(commit, channel)
                check_begun(verb, commit.argument(1, "pushes"), commit.answer or (), self._rights)
            case "finish":
                return check_finished(verb, commit.argument(1, "answers"))
            case "observed":
                check_observed(verb, commit.argument(1, "shown"), commit.facts["wanted"])
            case "sold":
                self._sold(commit.argument(0, "sales"), channel, after)
            case "mark":
                skus = set(commit.argument(0, "skus"))
                self._see_raised(
                    [one for one in known.values() if not skus.isdisjoint(one.listing.components)], after, "R24"
                )
            case "mark_channel":
                self._see_raised(known.values(), after, "R24")
            case "adopt_rule" if self._adoptions.asked(commit):
                self._see_raised(known.values(), after, "R18")
            case "link" | "link_new" | "define_kit":
                _see_taken_apart(channel, after.values(), reader)
        return ()

    def _window(self, channel: ChannelId, commit: Commit) -> timedelta:
        """Return how long after its record a copy of a push may land: what the verb says of it, or more."""
        traits, told = self._world.markets[channel].traits, commit.facts.get("window")
        least = START_WINDOW + traits.call_timeout + traits.late_window
        return least if told is None else max(told, least)

    def _see_raised(self, known: Iterable[KnownListing], after: After, law: str) -> None:
        for one in known:
            if one.linked and one.id in after and after[one.id].wanted <= one.listing.wanted:
                raise Violation(law, f"{one.name}: something changed what it should show, and wanted did not rise")

    def _sold(self, sales: Sequence[Sale], channel: ChannelId, after: After) -> None:
        known = {one: listing for one, listing in self._known[channel].items() if listing.linked}
        ours = [sale for sale in sales if sale.order_key.channel == channel]
        expected = self._accounts.take(ours, {one: listing.listing for one, listing in known.items()})
        for one, listing in known.items():
            if one in after:
                check_sold(listing.name, listing.listing, after[one], expected.get(one))
            if one in expected and expected[one].doubted:
                listing.doubted_at = self._tick

    def _settled(self, commit: Commit) -> None:
        """See that whoever settles an order has told of its sale before."""
        revisions: Mapping[OrderKey, int] = commit.argument(0, "revisions")
        for key, revision in revisions.items():
            if revision > self._accounts.revision(key):
                raise Violation("R19", f"{key}: settled at revision {revision}, and its sale was not accounted for")

    def _listing_of(self, channel: ChannelId, sku: str) -> KnownListing | None:
        known = self._known.get(channel, {})
        return known.get(ListingId(sku)) or next((one for one in known.values() if str(one.id) == sku), None)

    def _is_tried_again(self, call: Started) -> bool:
        if call.method != "push_stock":
            return False
        updates: Sequence[StockUpdate] = call.request or ()
        known = [self._known.get(call.channel, {}).get(update.listing_id) for update in updates]
        return bool(known) and all(one is not None and one.listing.state is ListingState.FAILED for one in known)

    def _check_links(self, channel: ChannelId, listings: Sequence[Listing], reader: Reader) -> None:
        _see_taken_apart(channel, listings, reader)
        said, rules = self._world.links.get(channel, {}), self._world.rules.get(channel, {})
        found = {listing.id: listing for listing in listings}
        for one, parts in said.items():
            listing = found.get(one)
            if listing is None or parts_of(listing.linked_to) != parts_of(parts) or listing.rule != rules.get(one):
                raise Violation("P2", f"{channel} {one}: it does not mean what somebody said last")

    def _bought_unseen(self, channel: ChannelId, reader: Reader) -> frozenset[str]:
        """Return what was bought in orders of which nobody here can know how they stand.

        They are kept out of the store and may still come, so that it is on hold there; or they are over here, and
        their market has removed them since, or cancelled them, and shows only what is open. So it is with open ones
        where more than half of them are gone: no sweep that looks like that is believed. Nor can be known of those
        whose document or word nobody understands.
        """
        market = self._world.markets[channel]
        if not market.traits.decrements_on_sale:
            return frozenset()
        stored = {reference: reader.order(OrderKey(channel, reference)) for reference in market.orders}
        gone = {
            reference
            for reference, order in market.orders.items()
            if order.removed or (order.done and not market.traits.moves_stamps)
        }
        live = {reference for reference, order in stored.items() if order is not None and order.state in LIVE}
        incredible = 2 * len(live & gone) > len(live)
        skus: set[str] = set()
        for reference, order in market.orders.items():
            if stored[reference] is None:
                decision = reader.decision(OrderKey(channel, reference))
                hidden = decision is None or not decision.final
            else:
                unread = order.spoiled or order.word is not None
                hidden = unread or (reference in gone and (incredible or reference not in live))
            if hidden:
                kept = stored[reference]
                skus.update(line.sku for line in order.lines)
                skus.update(line.channel_sku for line in (kept.lines if kept is not None else ()))
        return frozenset(skus)

    def _check_end(self, channel: ChannelId, listing: Listing, reader: Reader, unseen: Collection[str]) -> None:
        if is_excused(listing, self._last_runs.get(channel)):
            return
        name = f"{channel} {listing.id}"
        available: dict[str, dict[str, int]] = {}
        for level in reader.levels(list(listing.components)):
            available.setdefault(level.sku, {})[level.location] = level.on_hand - level.reserved
        rule = rule_for(listing, self._world.settings[channel])
        should, shows = shown_by(parts_of(listing.components), rule, available), self._shows(channel, listing)
        if listing.channel_sku in unseen:
            shows = should
        if shows != should:
            raise Violation("P2", f"{name}: it shows {shows} and should show {should}, {listing.believed} is believed")
        if listing.believed != shows:
            raise Violation("P2", f"{name}: it shows {shows}, and {listing.believed} is believed")
        known = KnownListing(channel=channel, listing=attrs.evolve(listing))
        if known.is_due:
            raise Violation("P2", f"{name}: it is right and still due")

    def _shows(self, channel: ChannelId, listing: Listing) -> int | None:
        levels = self._world.markets[channel].levels
        return levels.get(str(listing.id), levels.get(listing.channel_sku))


def _see_taken_apart(channel: ChannelId, listings: Iterable[Listing], reader: Reader) -> None:
    kits = reader.kits()
    for listing in listings:
        if parts_of(listing.components) != taken_apart(listing.linked_to, kits):
            raise Violation("P1", f"{channel} {listing.id}: it does not take from stock what its kits are made of")


def _number(attempt_id: str) -> int | None:
    number = attempt_id.rpartition("/")[2]
    return int(number) if number.isdecimal() else None
