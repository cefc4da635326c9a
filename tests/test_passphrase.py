"""Pass-phrases: strong enough for PDF's weak stretching, and fit to be read out and typed anywhere."""

import re
import secrets
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from dsar import dispatch, passphrase
from dsar.dispatch import build_mime
from dsar.model import Annex, Letter, LetterKind


def test_it_is_as_strong_as_it_says() -> None:
    """More than 70 bits: a million machines that try a million a second each need about forty years."""
    assert 74 < passphrase.ENTROPY_BITS < 75


def test_its_words_hold_letters_of_every_keyboard_only() -> None:
    assert re.fullmatch(r"[a-z]{4}(-[a-z]{4}){5}", passphrase.make(secrets.randbelow))


def test_two_are_never_the_same() -> None:
    assert len({passphrase.make(secrets.randbelow) for _ in range(1000)}) == 1000


def test_a_word_that_nobody_should_read_out_is_replaced() -> None:
    """ "ho" is syllable 23 and "ra" 55 of 75: the first word drawn would be one."""
    drawn = iter([23, 55, *[0] * 12])
    assert passphrase.make(lambda _: next(drawn)) == "-".join(["baba"] * 6)


# ------------------------------------------------------------------------------------------------- mails in parts


def letter(annexes: list[Annex]) -> Letter:
    return Letter(
        kind=LetterKind.ACCESS_ANSWER,
        language="sv",
        subject="Ärende D-2026-00042 (del 10 av 10)",
        text="å" * 5000,
        html="<p>å</p>" * 700,
        annexes=tuple(annexes),
        template_sha256="0" * 64,
    )


@settings(deadline=None)  # it may run beside much else
@given(st.lists(st.integers(0, 150_000), min_size=1, max_size=12))
def test_no_part_is_bigger_than_the_limit_and_no_file_is_lost(sizes: list[int]) -> None:
    limit = 300_000
    text = letter([])
    words = len(text.text.encode()) + len(text.html.encode())
    parts = dispatch.divide(sizes, letter=words, limit=limit)
    assert parts is not None
    assert [position for part in parts for position in part] == list(range(len(sizes)))
    for part in parts:
        files = [
            Annex(filename=f"D-2026-00042-bilaga-{each}.bin", content_type="application/octet-stream", content=bytes(n))
            for each, n in ((position, sizes[position]) for position in part)
        ]
        assert len(mime(letter(files))) <= limit


def test_a_file_that_no_mail_can_carry_is_told() -> None:
    assert dispatch.divide([10, 400_000], letter=1000, limit=300_000) is None


def mime(content: Letter) -> bytes:
    return build_mime(
        content,
        sender="gdpr@xelent.example",
        sender_name="Xelent",
        recipient="maria.oberg@example.se",
        message_id="<dsar-D-2026-00042-aaaa@xelent.example>",
        date=datetime(2026, 11, 25, tzinfo=UTC),
        in_reply_to=None,
        references=(),
        auto_submitted="no",
        boundary_seed="x",
    )
