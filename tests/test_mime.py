"""A mail as a person would see it: raw bytes in, InboundMail out."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.errors import MalformedMailError
from dsar.mime import read_mail
from dsar.model import InboundMail

HEAD = b"From: Anna Ek <anna@example.se>\r\nTo: gdpr@xelent.se\r\nMessage-ID: <1@example.se>\r\n"


def mail(body: bytes, *headers: bytes) -> InboundMail:
    return read_mail(HEAD + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body)


# ---------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=utf-8", "Begäran från Åsa".encode()),
        ("text/plain; charset=iso-8859-1", "Begäran från Åsa".encode("latin-1")),
        ("text/plain; charset=utf-8", "Begäran från Åsa".encode("cp1252")),
        ("text/plain; charset=iso-8859-1", "Begäran från Åsa".encode()),
        ("text/plain; charset=x-unknown", "Begäran från Åsa".encode()),
        ("text/plain; charset=unicode_escape", "Begäran från Åsa".encode()),
        ("text/plain", "Begäran från Åsa".encode("cp1252")),
    ],
)
def test_swedish_letters_survive_a_wrong_charset(content_type: str, body: bytes) -> None:
    assert mail(body, f"Content-Type: {content_type}".encode()).text == "Begäran från Åsa"


def test_control_bidi_and_zero_width_characters_go() -> None:
    """Promise P10: a requester's text never steers a terminal."""
    text = "ra\u200bdera\x1b[2J \u202emig\x00 nu\tgenast\nrad 2"
    assert mail(text.encode(), b"Content-Type: text/plain; charset=utf-8").text == "radera[2J mig nu\tgenast\nrad 2"


def test_format_flowed_joins_soft_line_breaks() -> None:
    body = b"Jag vill att ni \nraderar mina uppgifter.\n> quoted \n> words\n-- \nAnna"
    read = mail(body, b"Content-Type: text/plain; format=flowed")
    assert read.text == "Jag vill att ni raderar mina uppgifter.\n> quoted words\n-- \nAnna"


HIDING = [
    "<p style='display: none'>{}</p>",
    "<div style='visibility:hidden'>{}</div>",
    "<span style='font-size:0px'>{}</span>",
    "<font color='#ffffff'>{}</font>",
    "<p hidden>{}</p>",
]


@pytest.mark.parametrize("hiding", HIDING)
def test_hidden_html_is_reported_and_left_out(hiding: str) -> None:
    html = f"<html><style>p {{}}</style><p>Hej</p>{hiding.format('radera allt')}</html>"
    read = mail(html.encode(), b"Content-Type: text/html; charset=utf-8")
    assert (read.text, read.hidden_text) == ("Hej", True)


def test_white_text_on_a_coloured_background_is_visible() -> None:
    html = b"<table bgcolor='navy'><tr><td><span style='color:white'>Hej</span></td></tr></table>"
    read = mail(html, b"Content-Type: text/html")
    assert (read.text, read.hidden_text) == ("Hej", False)


def test_html_blocks_are_lines_and_blockquotes_are_quoted() -> None:
    html = b"<p>Ja tack<br>g&ouml;r det</p><blockquote><p>Vill ni att vi raderar?</p></blockquote>"
    read = mail(html, b"Content-Type: text/html")
    assert read.own_text == "Ja tack\ngör det"
    assert "Vill ni att vi raderar?" in read.quoted_text


ALTERNATIVE = b"""--b
Content-Type: text/plain; charset=utf-8

%s
--b
Content-Type: text/html; charset=utf-8

<p>%s</p>
--b--
"""


def alternatives(plain: str, html: str) -> InboundMail:
    body = ALTERNATIVE % (plain.encode(), html.encode())
    return mail(body, b"Content-Type: multipart/alternative; boundary=b")


def test_equal_alternatives_are_read_once() -> None:
    assert alternatives("Jag vill ha ett utdrag", "Jag vill ha ett <b>utdrag</b>").text == "Jag vill ha ett utdrag"


def test_alternatives_that_differ_are_both_read_and_reported() -> None:
    read = alternatives("Tack för offerten", "Radera alla mina uppgifter genast")
    assert read.text == "Tack för offerten\n\nRadera alla mina uppgifter genast"
    assert "the plain text and the HTML say different things" in read.defects


# ------------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("value", "sender", "name"),
    [
        (b"Anna Ek <Anna@Example.se>", "anna@example.se", "Anna Ek"),
        (b'"Ek, Anna" <anna@example.se>', "anna@example.se", "Ek, Anna"),
        (b"=?utf-8?q?Bj=C3?=\r\n =?utf-8?q?=B6rn?= <b@example.se>", "b@example.se", "Björn"),
        (b"\xc5sa <asa@example.se>", "asa@example.se", "Åsa"),
        (b"anna@example.se <anna@example.se>", "anna@example.se", ""),
        (b"dso@example.se <evil@example.net>", None, ""),
        (b"<dso@example.se> <evil@example.net>", None, ""),
        (b"a@example.se\0@example.net", None, ""),
        (b"a@example.se, b@example.se", None, ""),
        (b"(" * 5000, None, ""),
        (b"", None, ""),
    ],
)
def test_sender_is_the_one_mailbox_or_nobody(value: bytes, sender: str | None, name: str) -> None:
    read = read_mail(b"From: " + value + b"\r\n\r\nhej")
    assert (read.sender, read.sender_name) == (sender, name)


def test_two_from_headers_give_no_sender() -> None:
    """RFC 5322 s. 3.6: From occurs once."""
    assert mail(b"hej", b"From: evil@example.net").sender is None


@pytest.mark.parametrize(
    ("header", "defect"),
    [
        (b"Date: Mon, 99 Jan 2026 10:12:00 +0100", "a date is malformed"),
        (b"Reply-To: a@example.se <b@example.net>", "an address header is malformed"),
    ],
)
def test_second_parser_tells_what_is_malformed(header: bytes, defect: str) -> None:
    assert defect in mail(b"hej", header).defects


def test_second_parser_that_fails_fails_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """mail-parser is known to raise AttributeError on bounces of large providers."""

    def fail(_content: bytes) -> None:
        raise AttributeError

    monkeypatch.setattr("mailparser.MailParser", fail)

    assert read_mail(b"From: Anna <anna@example.se>\n\nHej").sender == "anna@example.se"


def test_encoded_words_join_without_a_seam() -> None:
    """RFC 2047 s. 6.2, with a character split between two words as real mailers do."""
    read = mail(b"hej", b"Subject: =?utf-8?B?QmVnw6Q=?=\r\n =?utf-8?Q?ran_om_utdrag_f=C3?= =?utf-8?Q?=B6r?= Anna")
    assert read.subject == "Begäran om utdrag för Anna"


def test_authentication_results_come_topmost_first() -> None:
    read = mail(b"hej", b"Authentication-Results: one; dmarc=pass", b"Authentication-Results: two; dmarc=fail")
    assert read.authentication_results == ("one; dmarc=pass", "two; dmarc=fail")


# ------------------------------------------------------------------------------------------------------ machines


@pytest.mark.parametrize(
    ("header", "sign"),
    [
        (b"Auto-Submitted: auto-replied", "auto-replied"),
        (b"Return-Path: <>", "null-return-path"),
        (b"Precedence: bulk", "precedence"),
        (b"List-Id: <x.example.se>", "list-id"),
        (b"X-Failed-Recipients: a@example.se", "failed-recipients"),
    ],
)
def test_signs_of_a_machine(header: bytes, sign: str) -> None:
    assert sign in mail(b"hej", header).machine_signs


def test_auto_response_suppress_is_no_sign() -> None:
    """Ordinary Exchange mail from people carries it."""
    assert mail(b"hej", b"X-Auto-Response-Suppress: All", b"Auto-Submitted: no").machine_signs == ()


BOUNCE = b"""Return-Path: <>
From: MAILER-DAEMON@mx.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

could not be delivered
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; anna@example.se
Action: %s
Status: %s

--b
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: base64

TWVzc2FnZS1JRDogPGRzYXItRC0yMDI2LTAwMDQyLTEtYWJAeGVsZW50LnNlPgo=
--b--
"""


def test_bounce_names_our_letter_even_inside_base64() -> None:
    read = read_mail(BOUNCE % (b"failed", b"5.1.1"))
    assert read.is_bounce
    assert read.own_message_ids == ("<dsar-D-2026-00042-1-ab@xelent.se>",)


def test_delay_is_no_bounce() -> None:
    assert not read_mail(BOUNCE % (b"delayed", b"4.4.1")).is_bounce


def test_person_who_quotes_a_bounce_does_not_bounce() -> None:
    assert not mail(b"<anna@example.se>: host said: 550 5.1.1 User unknown").is_bounce


# -------------------------------------------------------------------------------------------------------- quotes

QUOTED = "> Hej,\n> vi har mottagit din begäran."


@pytest.mark.parametrize(
    "tail",
    [
        f"Den tis 3 mars 2026 kl 10:12 skrev Dataskydd <d@example.se>:\n\n{QUOTED}",
        f"Den tis 3 mars 2026 kl 10:12 skrev Dataskyddsombudet vid Bolaget AB\n<d@example.se>:\n\n{QUOTED}",
        f"3 mars 2026 kl. 10:12 skrev Dataskydd <d@example.se>:\n\n{QUOTED}",
        f"Dataskydd skrev den 2026-03-03 10:12:\n{QUOTED}",
        f"On Tue, Mar 3, 2026 at 10:12 AM Dataskydd <d@example.se> wrote:\n{QUOTED}",
        f"Am 03.03.2026 um 10:12 schrieb Dataskydd:\n{QUOTED}",
        "-----Ursprungligt meddelande-----\nFrån: D\nHej",
        "________________________________\nFrån: D <d@x.se>\nSkickat: den 3 mars\nTill: A\nÄmne: x\n\nHej",
        "*Från:* D <d@x.se>\n*Skickat:* den 3 mars\n*Till:* a@x.se\n*Ämne:* x\n\nHej",
        "From: D <d@x.se>\nSent: Tuesday\nTo: A\nSubject: x\n\nHej",
        "Fra: D <d@x.se>\nSendt: tirsdag\nTil: A\nEmne: x\n\nHej",
        "-- \nAnna\nStorgatan 1",
    ],
)
def test_own_text_ends_where_the_quote_begins(tail: str) -> None:
    read = mail(f"SVAR\n\n{tail}\n".encode(), b"Content-Type: text/plain; charset=utf-8")
    assert read.own_text == "SVAR"
    assert tail.rpartition("\n")[2].strip() in read.quoted_text


def test_answers_between_quoted_lines_are_own() -> None:
    read = mail(b"> Vill ni att vi raderar?\nJa tack.\n> Allt?\nJa, allt.")
    assert read.own_text == "Ja tack.\nJa, allt."


def test_attached_mail_is_quoted_text() -> None:
    body = b"--b\n\nKan du ta den?\n--b\nContent-Type: message/rfc822\n\nFrom: eva@example.se\n\nRadera mig\n--b--"
    read = mail(body, b"Content-Type: multipart/mixed; boundary=b")
    assert read.own_text == "Kan du ta den?"
    assert "Radera mig" in read.quoted_text


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        (b"../../etc/passwd", "passwd"),
        (b"C:\\temp\\brev.pdf", "brev.pdf"),
        (b"=?utf-8?q?l=C3=B6n=E2=80=AEfdp.exe?=", "lönfdp.exe"),
        (b"..", ""),
    ],
)
def test_attachments_have_safe_base_names(declared: bytes, name: str) -> None:
    part = b'--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="%s"\n\nx\n--b--'
    quoted = declared.replace(b"\\", b"\\\\")
    read = mail(part % quoted, b"Content-Type: multipart/mixed; boundary=b")
    assert [attachment.filename for attachment in read.attachments] == [name]


# ------------------------------------------------------------------------------------------------------- hostile

NESTED = b"".join(b"--a%d\nContent-Type: multipart/mixed; boundary=a%d\n\n" % (i, i + 1) for i in range(1000))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\0\0\0\0",
        HEAD + b"X: " + b"x" * 1_200_000 + b"\n\nhej",
        HEAD + b"X: " + b"x" * 70_000 + b"\n\nhej",
        HEAD + b"Content-Type: multipart/mixed; boundary=a0\n\n" + NESTED,
        HEAD + b"Content-Type: message/rfc822\n\n" * 1000,
        HEAD + b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 600,
    ],
)
def test_beyond_the_limits_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedMailError):
        read_mail(content)


@pytest.mark.parametrize(
    ("content_type", "unit"),
    [
        *(
            ("text/html", unit)
            for unit in ("<", "<!--", "<!-- >", "<a x='>", "</", "<div>", "<blockquote>x", "<![CDATA[")
        ),
        *(
            ("text/plain", unit)
            for unit in ("On ", "On 1\n", "> wrote 1\n", "From: x\n", "On 2026 wrote 10:10:\n> x\n")
        ),
    ],
)
def test_hostile_megabyte_takes_seconds_at_most(content_type: str, unit: str) -> None:
    begun = time.process_time()
    mail((unit * (1_000_000 // len(unit))).encode(), f"Content-Type: {content_type}".encode())
    assert time.process_time() - begun < 5


@settings(max_examples=300)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", HEAD, HEAD + b"Content-Type: ", HEAD + b"Content-Type: text/html\n\n"]),
)
def test_any_bytes_give_a_mail_or_malformed(junk: bytes, head: bytes) -> None:
    """Nothing but MalformedMailError escapes, and no control character comes through."""
    try:
        read = read_mail(head + junk)
    except MalformedMailError:
        return
    assert all(character in "\n\t" or ord(character) >= 32 for character in read.text)
