"""The laws of kits, and of listings that are linked because they were never heard of."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ...model.fields import MAX_QUANTITY
from ...model.ids import ChannelId, Fence
from ...model.listings import ListingId
from ...ports import ListingBook
from ..builders import NOON, SHOP
from .laws import Contract, law
from .linking import revision_of
from .shelf import SECOND, Shelf
from .steps import MARKET

FENCE = Fence(SHOP, 1)


async def all_there_is(book: ListingBook) -> object:
    """Return whatever a definition may have changed."""
    channels = (SHOP, MARKET)
    revisions = [(await book.links(channel, [])).revision for channel in channels]
    return [await book.of_channel(channel) for channel in channels], revisions, await book.kits()


async def components(book: ListingBook, channel_sku: str = "MUG-BLUE", channel: ChannelId = SHOP) -> Mapping[str, int]:
    """Return what a listing takes from stock."""
    return (await Shelf(book, channel_sku, channel=channel).listing()).components


class KitLaws(Contract[ListingBook]):
    """SKUs of ours that are made of others."""

    @law
    async def test_kit_in_a_link_is_taken_apart(self, book: ListingBook) -> None:
        """What is linked to a kit takes the kit's components from stock, multiplied, and the link stays as given."""
        await book.define_kit("SET 🎁", {"MUG": 2, "LID": 1})
        await Shelf(book).link({"SET 🎁": 3, "LID": 1})

        listing = await Shelf(book).listing()
        assert listing.components == {"MUG": 6, "LID": 4}
        assert listing.linked_to == {"SET 🎁": 3, "LID": 1}
        links = await book.links(SHOP, ["MUG-BLUE"])
        assert links.components == {ListingId("MUG-BLUE"): {"MUG": 6, "LID": 4}}

    @law
    async def test_nested_kits_are_taken_apart(self, book: ListingBook) -> None:
        """Kits within kits are taken apart down to what is stocked, and what several of them need is added up."""
        await book.define_kit("PAIR", {"MUG": 2})
        await book.define_kit("HAMPER", {"PAIR": 2, "TEA": 1, "MUG": 1})
        await Shelf(book).link("HAMPER")

        assert await components(book) == {"MUG": 5, "TEA": 1}

    @law
    async def test_kits_are_told_as_they_were_defined(self, book: ListingBook) -> None:
        """All kits are told by SKU, with what they were said to be made of; one that is forgotten is gone."""
        assert dict(await book.kits()) == {}
        await book.define_kit("PAIR", {"MUG": 2})
        await book.define_kit("HAMPER", {"PAIR": 2, "TEA": 1})
        assert list((await book.kits()).items()) == [("HAMPER", {"PAIR": 2, "TEA": 1}), ("PAIR", {"MUG": 2})]

        await book.define_kit("PAIR", {"MUG": 1, "CUP": 1})
        await book.define_kit("HAMPER", None)
        await book.define_kit("NEVER DEFINED", None)
        assert await book.kits() == {"PAIR": {"MUG": 1, "CUP": 1}}

    @law
    async def test_definition_reaches_every_listing_through_kits(self, book: ListingBook) -> None:
        """Defining a kit anew changes every listing through it, on every channel, and each is due at once."""
        await book.define_kit("PAIR", {"MUG": 2})
        await book.define_kit("HAMPER", {"PAIR": 1, "TEA": 1})
        direct, through = Shelf(book, "direct"), Shelf(book, "through", channel=MARKET)
        await direct.link({"PAIR": 1, "LID": 1})
        await through.link("HAMPER")
        for shelf in (direct, through):
            await shelf.show(5)
        before = [await revision_of(book), (await book.links(MARKET, [])).revision]

        await book.define_kit("PAIR", {"CUP": 2})

        assert await components(book, "direct") == {"CUP": 2, "LID": 1}
        assert await components(book, "through", MARKET) == {"CUP": 2, "TEA": 1}
        assert [await shelf.is_due(NOON) for shelf in (direct, through)] == [True, True]
        assert [await shelf.believed() for shelf in (direct, through)] == [5, 5]
        assert [await revision_of(book), (await book.links(MARKET, [])).revision] > before
        assert (await direct.listing()).linked_to == {"PAIR": 1, "LID": 1}

    @law
    async def test_each_channel_hears_of_a_definition(self, book: ListingBook) -> None:
        """The links revision rises on each channel of which a listing changed, and on no other."""
        await Shelf(book).link("PAIR")
        await Shelf(book, channel=MARKET).link("MUG")
        ours, theirs = await revision_of(book), (await book.links(MARKET, [])).revision

        await book.define_kit("PAIR", {"MUG": 2})

        assert await revision_of(book) > ours
        assert (await book.links(MARKET, [])).revision == theirs

    @law
    async def test_sku_that_becomes_a_kit(self, book: ListingBook) -> None:
        """What is linked to a SKU takes its components once it is a kit, and the SKU itself once it is none again."""
        shelf = Shelf(book)
        await shelf.link({"PAIR": 3})
        await book.define_kit("PAIR", {"MUG": 2})
        assert await components(book) == {"MUG": 6}

        await shelf.show(5)
        await book.define_kit("PAIR", None)
        assert await components(book) == {"PAIR": 3}
        assert await shelf.is_due(NOON)

    @law
    async def test_component_that_becomes_a_kit(self, book: ListingBook) -> None:
        """A component of a kit that becomes a kit itself is taken apart too, and put together again."""
        await book.define_kit("HAMPER", {"PAIR": 2, "TEA": 1})
        await Shelf(book).link("HAMPER")
        await book.define_kit("PAIR", {"MUG": 2})
        assert await components(book) == {"MUG": 4, "TEA": 1}

        await book.define_kit("PAIR", {"MUG": 2, "LID": 1})
        assert await components(book) == {"MUG": 4, "LID": 2, "TEA": 1}
        await book.define_kit("PAIR", None)
        assert await components(book) == {"PAIR": 2, "TEA": 1}
        await book.define_kit("HAMPER", None)
        assert await components(book) == {"HAMPER": 1}

    @law
    async def test_marks_follow_the_components(self, book: ListingBook) -> None:
        """A listing is marked by the SKUs that its kit is made of now, no longer by those that it was made of."""
        shelf = Shelf(book)
        await book.define_kit("PAIR", {"MUG": 2})
        await shelf.link("PAIR")
        await book.define_kit("PAIR", {"CUP": 2})
        await shelf.show(5)

        await book.mark(["MUG", "PAIR"])
        assert not await shelf.is_due(NOON)
        await book.mark(["CUP"])
        assert await shelf.is_due(NOON)

    @law
    async def test_definition_that_changes_no_components(self, book: ListingBook) -> None:
        """A kit that comes to what it was, or that nothing is linked to, makes nothing due and raises no revision."""
        shelf = Shelf(book)
        await book.define_kit("PAIR", {"MUG": 2})
        await shelf.link("PAIR")
        await shelf.show(5)
        before = await shelf.listing(), await revision_of(book)

        await book.define_kit("PAIR", {"MUG": 2})
        await book.define_kit("TWO MUGS", {"MUG": 2})
        await book.define_kit("PAIR", {"TWO MUGS": 1})
        await book.define_kit("NOBODY'S", {"MUG": 1})
        await book.define_kit("NOBODY'S", None)
        assert (await shelf.listing(), await revision_of(book)) == before

    @law
    async def test_link_that_says_the_same_otherwise(self, book: ListingBook) -> None:
        """A listing linked to a kit after it was linked to the same components follows the kit, and is not due."""
        shelf = Shelf(book)
        await book.define_kit("PAIR", {"MUG": 2})
        await shelf.link({"MUG": 2})
        await shelf.show(5)
        revision = await revision_of(book)

        await shelf.link("PAIR")
        assert (await shelf.is_due(NOON), await revision_of(book)) == (False, revision)
        assert (await shelf.listing()).linked_to == {"PAIR": 1}
        await book.define_kit("PAIR", {"MUG": 3})
        assert await components(book) == {"MUG": 3}

    @law
    async def test_relinked_listing_follows_its_old_kit_no_more(self, book: ListingBook) -> None:
        """A listing that was linked to something else, or unlinked, is left alone by its former kit."""
        relinked, unlinked = Shelf(book, "relinked"), Shelf(book, "unlinked")
        await book.define_kit("PAIR", {"MUG": 2})
        for shelf in (relinked, unlinked):
            await shelf.link("PAIR")
        await relinked.link({"CUP": 1})
        await unlinked.unlink()

        await book.define_kit("PAIR", {"MUG": 4})
        assert [(one.id, one.components) for one in await book.of_channel(SHOP)] == [(relinked.id, {"CUP": 1})]
        await unlinked.link("PAIR")
        assert await components(book, "unlinked") == {"MUG": 4}

    @law
    async def test_kit_that_contains_itself_is_refused(self, book: ListingBook) -> None:
        """A definition by which a kit would contain itself is refused with the whole path, and changes nothing."""
        await book.define_kit("A", {"B": 2})
        await book.define_kit("B", {"C": 1, "MUG": 1})
        await Shelf(book).link("A")
        before = await all_there_is(book)

        for sku, path in (("C", r"A -> B -> C -> A|B -> C -> A -> B|C -> A -> B -> C"), ("A", "A -> A")):
            with pytest.raises(ValueError, match=path):
                await book.define_kit(sku, {"A": 1})
            assert await all_there_is(book) == before

    @law
    async def test_definition_that_breaks_a_link_is_refused(self, book: ListingBook) -> None:
        """A definition by which a link or a kit would need a SKU more than a million times changes nothing."""
        await Shelf(book).link({"PAIR": MAX_QUANTITY // 2})
        await Shelf(book, "B").link({"PAIR": 1})
        await book.define_kit("HAMPER", {"CUP": MAX_QUANTITY // 2})

        for sku in ("PAIR", "CUP"):
            await book.define_kit(sku, {"MUG": 2})
            await book.define_kit(sku, {"LID": 1})
            before = await all_there_is(book)
            with pytest.raises(ValueError, match="MUG"):
                await book.define_kit(sku, {"MUG": 3})
            assert await all_there_is(book) == before

    @law
    async def test_link_that_needs_too_much_is_refused(self, book: ListingBook) -> None:
        """A link by which a SKU would be needed more than a million times is refused, and changes nothing."""
        await book.define_kit("PAIR", {"MUG": 2})
        await Shelf(book).link("PAIR")
        before = await all_there_is(book)

        with pytest.raises(ValueError, match="MUG"):
            await Shelf(book).link({"PAIR": MAX_QUANTITY // 2, "MUG": 1})
        assert await all_there_is(book) == before

    @law
    async def test_meaningless_kit_is_refused(self, book: ListingBook) -> None:
        """A kit without a SKU, of nothing, or of no pieces of something is refused."""
        for sku, parts in (("", {"MUG": 1}), (" ", None), ("A", {}), ("A", {"MUG": 0}), ("A", {"": 1})):
            with pytest.raises(ValueError, match=r"kit|components"):
                await book.define_kit(sku, parts)
        assert await book.kits() == {}

    @law
    async def test_what_was_told_stays(self, book: ListingBook) -> None:
        """Kits and listings that were returned are not changed by a later definition."""
        await book.define_kit("PAIR", {"MUG": 2})
        await Shelf(book).link("PAIR")
        kits, listing = await book.kits(), await Shelf(book).listing()

        await book.define_kit("PAIR", {"CUP": 1})
        assert kits == {"PAIR": {"MUG": 2}}
        assert listing.components == {"MUG": 2}


class NewLinkLaws(Contract[ListingBook]):
    """Listings that are linked because nobody has heard of them."""

    @law
    async def test_new_listings_are_linked(self, book: ListingBook) -> None:
        """Listings never heard of are linked to one SKU each, taken apart if it is a kit, and are due at once."""
        await book.define_kit("PAIR", {"MUG": 2})
        plain, placed, kit = ListingId("CUP ☕"), ListingId("CUP", "Norden"), ListingId("PAIR")
        linked = await book.link_new(SHOP, {plain: "CUP ☕", placed: "CUP", kit: "PAIR"}, fence=FENCE)

        assert set(linked) == {plain, placed, kit}
        found = {one.id: (one.components, one.linked_to) for one in await book.of_channel(SHOP)}
        assert found == {
            plain: ({"CUP ☕": 1}, {"CUP ☕": 1}),
            placed: ({"CUP": 1}, {"CUP": 1}),
            kit: ({"MUG": 2}, {"PAIR": 1}),
        }
        assert await Shelf(book, "PAIR").is_due(NOON)
        await book.define_kit("PAIR", {"MUG": 3})
        assert await components(book, "PAIR") == {"MUG": 3}
        for sku in ("MUG", "CUP"):
            before = [one.wanted for one in await book.of_channel(SHOP)]
            await book.mark([sku])
            assert [one.wanted for one in await book.of_channel(SHOP)] != before

    @law
    async def test_new_links_raise_the_revision(self, book: ListingBook) -> None:
        """The links revision rises when something was linked, so that orders are resolved again, and else not."""
        before = await revision_of(book)
        await book.link_new(SHOP, {ListingId("CUP"): "CUP"}, fence=FENCE)
        linked = await revision_of(book)
        assert linked > before

        assert list(await book.link_new(SHOP, {ListingId("CUP"): "CUP"}, fence=FENCE)) == []
        assert list(await book.link_new(SHOP, {}, fence=FENCE)) == []
        assert await revision_of(book) == linked

    @law
    async def test_known_listings_are_left_alone(self, book: ListingBook) -> None:
        """A listing that is linked already stays as it is, whatever it is linked to."""
        shelf = Shelf(book)
        await shelf.link({"MUG": 2})
        await shelf.show(5)
        before = await shelf.listing()

        new = ListingId("CUP")
        assert list(await book.link_new(SHOP, {shelf.id: "CUP", new: "CUP"}, fence=FENCE)) == [new]
        assert await shelf.listing() == before

    @law
    async def test_unlinked_sku_is_left_alone(self, book: ListingBook) -> None:
        """A channel SKU that a person has unlinked is not linked again unless a person says so, at no location."""
        await Shelf(book).link("MUG")
        await Shelf(book).unlink()
        await Shelf(book, "CUP", place="Norden").link("CUP")
        await Shelf(book, "CUP", place="Norden").unlink()
        await Shelf(book, "MUG-BLUE", channel=MARKET).link("MUG")

        links = {ListingId("MUG-BLUE"): "MUG", ListingId("MUG-BLUE", "Norden"): "MUG", ListingId("CUP"): "CUP"}
        assert list(await book.link_new(SHOP, links, fence=FENCE)) == []
        assert list(await book.of_channel(SHOP)) == []
        await Shelf(book).link("MUG")
        assert await components(book) == {"MUG": 1}

    @law
    async def test_other_location_of_a_linked_sku_is_new(self, book: ListingBook) -> None:
        """A channel SKU that is linked at one location is linked at another one too when that turns up."""
        await Shelf(book, place="Norden").link("MUG")
        south = ListingId("MUG-BLUE", "Süden")

        assert list(await book.link_new(SHOP, {south: "MUG"}, fence=FENCE)) == [south]

    @law
    async def test_meaningless_new_link_is_refused(self, book: ListingBook) -> None:
        """A new listing cannot be linked to a blank, and then none of them is linked."""
        with pytest.raises(ValueError, match="components"):
            await book.link_new(SHOP, {ListingId("CUP"): "CUP", ListingId("MUG"): " "}, fence=FENCE)
        assert list(await book.of_channel(SHOP)) == []

    @law
    async def test_sale_of_a_new_listing_makes_no_belief(self, book: ListingBook) -> None:
        """What a channel took off a listing before that was linked does not count for what it shows afterwards."""
        shelf = Shelf(book, "CUP")
        await shelf.sell("1001", 2, taken_at=NOON)
        await book.link_new(SHOP, {shelf.id: "CUP"}, fence=FENCE)
        assert await shelf.believed() is None

        await shelf.push(4, at=NOON + SECOND, answered=NOON + SECOND)
        assert await shelf.believed() == 4
