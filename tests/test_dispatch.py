"""How a letter becomes the bytes that are sent, and what an SMTP reply means."""

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsar.dispatch import Verdict, build_mime, classify, deliverable_address, new_message_id, retry_delay
from dsar.errors import UndeliverableAddressError
from dsar.model import Annex, Letter, LetterKind

MESSAGE_ID = "<dsar-D-2026-00042-k3j5@xelent.example>"
PDF = Annex(filename="D-2026-00042.pdf", content_type="application/pdf", content=b"%PDF-1.7\r\n\x00\xff\n.\n")
ARGUMENTS: dict[str, Any] = {
    "sender": "gdpr@xelent.example",
    "sender_name": "Xelent Office Sweden AB",
    "recipient": "anna@example.org",
    "message_id": MESSAGE_ID,
    "date": datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
    "in_reply_to": "<her-mail@example.org>",
    "references": ("<first@example.org>", "<her-mail@example.org>"),
    "auto_submitted": "no",
    "boundary_seed": "D-2026-00042 letter 1",
}
#: Also what no letter should hold: any text, whatever a person managed to get into it.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def letter(**changes: Any) -> Letter:
    values: dict[str, Any] = {
        "kind": LetterKind.ACCESS_ANSWER,
        "language": "sv",
        "subject": "Ditt ärende D-2026-00042",
        "text": "Hej Åsa,\n\nhär är svaret.\n.\nFrån oss\n",
        "html": "<p>Hej Åsa</p>",
        "template_sha256": "0" * 64,
    }
    return Letter(**(values | changes))


def built(a_letter: Letter | None = None, **changes: Any) -> bytes:
    return build_mime(a_letter or letter(), **(ARGUMENTS | changes))


def mail(a_letter: Letter | None = None, **changes: Any) -> EmailMessage:
    parsed = email.message_from_bytes(built(a_letter, **changes), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def structure(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


# ----------------------------------------------------------------------------------------------------------- shape


def test_without_annexes_text_and_html_are_alternatives() -> None:
    assert structure(mail()) == ["multipart/alternative", "text/plain", "text/html"]


def test_annexes_lie_beside_the_letter() -> None:
    assert structure(mail(letter(annexes=(PDF,)))) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]


def test_an_annex_arrives_byte_for_byte_under_its_name() -> None:
    (annex,) = mail(letter(annexes=(PDF,))).iter_attachments()
    assert (annex.get_filename(), annex.get_content()) == (PDF.filename, PDF.content)


def test_a_text_annex_is_not_recoded() -> None:
    csv = Annex(filename="D-2026-00042.csv", content_type="text/csv", content="fält;värde\n1;å\n".encode())
    (annex,) = mail(letter(annexes=(csv,))).iter_attachments()
    assert (annex.get_content_type(), annex.get_payload(decode=True)) == ("text/csv", csv.content)


def test_headers_of_an_approved_letter() -> None:
    message = mail()
    assert {name: str(value) for name, value in message.items() if not name.startswith(("Content", "MIME"))} == {
        "From": "Xelent Office Sweden AB <gdpr@xelent.example>",
        "To": "anna@example.org",
        "Subject": "Ditt ärende D-2026-00042",
        "Date": "Wed, 25 Nov 2026 09:30:00 +0000",
        "Message-ID": MESSAGE_ID,
        "In-Reply-To": "<her-mail@example.org>",
        "References": "<first@example.org> <her-mail@example.org>",
        "X-DSAR-Letter": "dsar-D-2026-00042-k3j5",
        "Auto-Submitted": "no",
    }


def test_an_automatic_mail_says_so_and_asks_machines_not_to_answer() -> None:
    message = mail(auto_submitted="auto-replied")
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-replied", "All")


def test_a_first_mail_belongs_to_no_thread() -> None:
    message = mail(in_reply_to=None, references=())
    assert (message["In-Reply-To"], message["References"]) == (None, None)


def test_a_very_long_thread_keeps_its_beginning_and_its_end() -> None:
    ids = tuple(f"<{number}@example.org>" for number in range(500))
    kept = str(mail(in_reply_to=ids[-1], references=ids)["References"]).split()
    assert (kept[0], kept[-1], len(kept)) == (ids[0], ids[-1], 21)


def test_a_message_id_names_case_and_letter() -> None:
    assert new_message_id("D-2026-00042", "k3j5", "xelent.example") == MESSAGE_ID


# ------------------------------------------------------------------------------------------------------- the bytes


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert built(letter(annexes=(PDF,))) == built(letter(annexes=(PDF,)))


def test_another_seed_gives_other_boundaries() -> None:
    assert built() != built(boundary_seed="D-2026-00042 letter 2")


@given(text=ANY_TEXT, html=ANY_TEXT, annex=st.binary(max_size=200))
@example(text=".\n.\r\n\r.\r", html="--=_", annex=b"\n.\n")
@example(text="x" * 2000, html="å" * 2000, annex=b"")
def test_whatever_a_letter_says_the_mail_is_ascii_in_short_lines_that_end_in_crlf(
    text: str, html: str, annex: bytes
) -> None:
    """Nothing on the way has a reason to change it, and no server can take part of it for a command."""
    content = built(letter(text=text, html=html, annexes=(Annex(filename="a", content_type="a/b", content=annex),)))
    assert content.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert max(len(line) for line in content.split(b"\r\n")) <= 998


@given(text=ANY_TEXT)
def test_the_text_arrives_as_it_was_approved(text: str) -> None:
    """Apart from line ends: a mail has one kind only, and always one at its end."""
    part = mail(letter(text=text)).get_body(("plain",))
    assert part is not None
    lines = [line.decode() for line in text.encode().splitlines()]  # splits at CR and LF only
    assert part.get_content().split("\r\n")[:-1] == (lines or [""])


# -------------------------------------------------------------------------------------------------------- injection


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example("x\r\nBcc: evil@example.org", 'A "B" <c@d>\n', "<a@b>\r\nBcc: evil@example.org")
@example("\r\n\r\nbody", "\x00\x1b[2J\u202e", "<a b@c>")
def test_no_text_can_add_a_header_or_a_recipient(subject: str, name: str, reference: str) -> None:
    message = mail(letter(subject=subject), sender_name=name, in_reply_to=reference, references=(reference,))
    known = {"from", "to", "subject", "date", "message-id", "in-reply-to", "references", "x-dsar-letter"}
    assert {header.lower() for header in message} <= known | {"auto-submitted", "mime-version", "content-type"}
    assert [address.addr_spec for address in message["To"].addresses] == ["anna@example.org"]
    assert [address.addr_spec for address in message["From"].addresses] == ["gdpr@xelent.example"]
    assert structure(message) == ["multipart/alternative", "text/plain", "text/html"]


@given(st.from_regex(r"<[a-z0-9.=+_-]{1,200}@[a-z0-9.-]{1,30}>", fullmatch=True))
def test_a_thread_is_kept_however_long_its_ids_are(reference: str) -> None:
    raw = built(in_reply_to=reference, references=(reference,)).partition(b"\r\n\r\n")[0].decode()
    unfolded = raw.replace("\r\n ", " ").split("\r\n")
    assert [line.split()[1:] for line in unfolded if line.startswith(("In-Reply-To", "References"))] == [
        [reference]
    ] * 2


def test_invisible_characters_do_not_reach_a_subject_or_a_name() -> None:
    message = mail(letter(subject="D-2026-00042\u202e\x1b[31m\x00 svar"), sender_name="Xelent\u200b AB")
    assert (str(message["Subject"]), message["From"].addresses[0].display_name) == (
        "D-2026-00042 [31m svar",
        "Xelent AB",
    )


# -------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "carried"),
    [
        ("anna.berg+dsar@example.org", "anna.berg+dsar@example.org"),
        ("Anna@Example.org", "Anna@example.org"),  # the local part belongs to its server, RFC 5321 section 2.4
        ("anna@räksmörgås.se", "anna@xn--rksmrgs-5wao1o.se"),
        ("anna@xn--rksmrgs-5wao1o.se", "anna@xn--rksmrgs-5wao1o.se"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_is_carried_unchanged_but_for_its_domains_ascii_form(address: str, carried: str) -> None:
    assert deliverable_address(address) == carried
    assert mail(recipient=address)["To"].addresses[0].addr_spec == carried


@pytest.mark.parametrize(
    "address",
    [
        "åsa@example.org",
        "anna@straße.de",  # strasse.de is somebody else
        "anna",
        "@example.org",
        "anna@",
        "anna@example..org",
        "anna@example.org\r\nBcc: evil@example.org",
        "anna@example.org, evil@example.org",
        '"a b"@example.org',
        "anna@[127.0.0.1]",
        "anna@-example.org",
        ".anna@example.org",
        "a" * 65 + "@example.org",
        "anna@" + "a" * 64 + ".org",
        "anna@" + "a.b" * 90 + ".org",
    ],
)
def test_an_address_that_cannot_be_carried_is_refused_before_approval(address: str) -> None:
    with pytest.raises(UndeliverableAddressError) as caught:
        built(recipient=address)
    assert "anna" not in str(caught.value)


@given(ANY_TEXT)
def test_every_text_is_one_plain_address_or_none(text: str) -> None:
    try:
        address = deliverable_address(text)
    except UndeliverableAddressError:
        return
    assert re.fullmatch(r"[!-~]+@[a-z0-9.-]+", address)


# ---------------------------------------------------------------------------------------------------------- replies


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (250, Verdict.SENT),
        (251, Verdict.SENT),
        (421, Verdict.RETRY),
        (451, Verdict.RETRY),
        (550, Verdict.FAILED),
        (554, Verdict.FAILED),
        (530, Verdict.RETRY),  # "Authentication required" is about us, not about the letter
        (535, Verdict.RETRY),
        (354, None),
        (-1, None),
        (600, None),
    ],
)
def test_what_a_reply_means(code: int, verdict: Verdict | None) -> None:
    assert classify(code) is verdict


def test_retries_grow_rarer_and_stop_after_four_days() -> None:
    delays: list[timedelta] = []
    while (delay := retry_delay(len(delays) + 1)) is not None:
        delays.append(delay)
    assert delays == sorted(delays)
    assert timedelta(days=3) < sum(delays, timedelta()) < timedelta(days=5)


def test_a_date_keeps_its_zone() -> None:
    stockholm = datetime(2026, 11, 25, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert str(mail(date=stockholm)["Date"]) == "Wed, 25 Nov 2026 09:30:00 +0100"
