"""Cards of an address book are read in a child process: whatever one of them does there, it costs that card only."""

import resource

from connectors import confined
from connectors.confined import each_card_in

CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo Ek\r\nTEL:070-174 06 05\r\nEND:VCARD\r\n"
SAID = [("VERSION", "3.0"), ("FN", "Bo Ek"), ("TEL", "070-174 06 05")]


def test_every_card_is_told_in_its_place() -> None:
    assert each_card_in([CARD, CARD.replace(b"Bo Ek", b"Eva Ek")])[1] == [("VERSION", "3.0"), ("FN", "Eva Ek"), SAID[2]]
    assert each_card_in([]) == []


def test_more_cards_than_one_child_takes_are_all_read() -> None:
    count = confined._CARDS_AT_ONCE + 1
    assert each_card_in([CARD] * count) == [SAID] * count


def test_a_torn_card_is_unread_and_the_others_are_not() -> None:
    assert each_card_in([CARD, CARD[:40], b"", b"\xff\xfe\x00", CARD + CARD, CARD]) == [SAID, *[None] * 4, SAID]


def test_a_card_that_ends_its_reader_costs_that_card_only() -> None:
    """Three million lines, which no reader of cards bears; the worker neither waits for hours nor grows."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    endless = CARD[:26] + b"NOTE:x\r\n" * 3_000_000 + CARD[26:]
    assert each_card_in([CARD, endless, CARD]) == [SAID, None, SAID]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB
