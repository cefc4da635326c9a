"""Who says who sent a mail, and what a sender does to be taken for somebody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.identity import TOPMOST, authenticate, believable
from dsar.mime import read_mail
from dsar.model import SenderAuthentication, Triage
from dsar.resemblance import mixes_scripts, nearly_same, resembles, skeleton
from dsar.triage import triage

PASS, FAIL, NONE = SenderAuthentication.PASS, SenderAuthentication.FAIL, SenderAuthentication.NONE

OURS = ("mx.xelent.example",)
GOOD = "Authentication-Results: mx.xelent.example; dmarc=pass header.from=kund.example"
BAD = "Authentication-Results: mx.xelent.example; dmarc=fail header.from=kund.example"
EXCHANGE = (
    "Authentication-Results: spf=pass smtp.mailfrom=kund.example; dmarc=pass action=none header.from=kund.example"
)
STORE = "Received: from mx.xelent.example by imap-7.internal with LMTP id 1; Tue, 3 Mar 2026 10:00:02 +0100"
EDGE = "Received: from out.kund.example by mx.xelent.example with ESMTPS; Tue, 3 Mar 2026 10:00:01 +0100"
FOREIGN = "Received: from pc.kund.example by out.kund.example with ESMTPS; Tue, 3 Mar 2026 10:00:00 +0100"
OUTLOOK = "Received: from a.prod.outlook.com by b.prod.outlook.com with HTTPS; Tue, 3 Mar 2026 10:00:02 +0100"


# --------------------------------------------------------------------------------------------- whose word is believed


def verdict(*headers: str, own_servers: tuple[str, ...] = OURS, sender: str = "anna@kund.example") -> str:
    """What is believed of a mail with these headers, topmost first."""
    mail = read_mail("\r\n".join((*headers, f"From: {sender}", "", "Hej")).encode())
    results = believable(mail.authentication_results, mail.hops_above, hops=mail.hops, own_servers=own_servers)
    return authenticate(results, trusted=own_servers, sender=mail.sender)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((GOOD, EDGE, FOREIGN), PASS),  # written above our own Received
        ((EDGE, GOOD, FOREIGN), PASS),  # or, as milters do, right below it
        ((STORE, GOOD, EDGE, FOREIGN), PASS),  # the server that fills the mailbox is ours, whatever its name
        ((EDGE, FOREIGN, GOOD), NONE),  # below the first foreign Received: the sender wrote it
        ((STORE, EDGE, FOREIGN, GOOD), NONE),
        ((BAD, EDGE, FOREIGN, GOOD), FAIL),  # ours says no, the sender says yes
        ((BAD, EDGE, GOOD, FOREIGN), FAIL),  # of two that may be ours the topmost counts
        ((EDGE, FOREIGN, BAD), NONE),  # a sender's own "fail" is as little worth
    ],
)
def test_only_what_our_own_servers_wrote_counts(headers: tuple[str, ...], expected: str) -> None:
    """RFC 8601 s. 5 and 7.1: a header below somebody else's Received may be anybody's."""
    assert verdict(*headers) == expected


def test_exchange_online_writes_no_name_and_is_believed_on_top_only() -> None:
    """There "topmost" is the anchor; what the sender wrote lies below the first foreign server."""
    topmost = (TOPMOST,)
    assert verdict(OUTLOOK, OUTLOOK, EXCHANGE, FOREIGN, own_servers=topmost) == PASS
    assert verdict(OUTLOOK, FOREIGN, EXCHANGE, own_servers=topmost) == NONE


def test_a_server_named_in_a_comment_took_no_mail() -> None:
    """Two parsers read each Received; a hop that they read differently is nobody's."""
    posing = (
        "Received: from pc.evil.example (relayed by mx.xelent.example) by out.evil.example; "
        + FOREIGN.partition("; ")[2]
    )
    assert verdict(STORE, posing, GOOD) == NONE
    assert verdict(STORE, EDGE, GOOD) == PASS


@given(st.lists(st.sampled_from([STORE, EDGE, FOREIGN, GOOD, BAD]), max_size=8))
def test_nothing_below_a_foreign_server_counts(headers: list[str]) -> None:
    """Whatever stands below the first foreign Received (other than the topmost one) changes nothing."""
    received = [at for at, header in enumerate(headers) if header.startswith("Received")]
    foreign = [at for at in received[1:] if headers[at] != EDGE]
    kept = headers[: foreign[0]] if foreign else headers
    assert verdict(*headers) == verdict(*kept)


# ------------------------------------------------------------------------------------------------- who pretends what


def seen(sender: str, *headers: str) -> Triage:
    """Triage of a request from *sender*."""
    head = "\r\n".join((f"From: {sender}", "Message-ID: <1@x>", *headers))
    text = "Jag vill veta vilka uppgifter ni har om mig."
    mail = read_mail(f"{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode())
    return triage(
        mail,
        sender_authentication=NONE,
        staff_domain="xelent.example",
        staff_names=("Anna Berg",),
        known_domains=("kundbolaget.example",),
    )


PRETENDED = [
    ("Eva <eva@a.example>", ("From: Eva <eva@b.example>",), "sender_mismatch", "several From headers"),
    ("eva@a.example, eva@b.example", (), "sender_mismatch", "names no one address"),
    ("Eva <eva@a.example>", ("Reply-To: eva@b.example",), "sender_mismatch", "another address"),
    ('"eva@bank.example" <eva@a.example>', (), "sender_mismatch", "display name shows another address"),
    ("Anna Berg <anna@a.example>", (), "poses_as_staff", "member of staff"),
    ("BERG ANNA <anna@a.example>", (), "poses_as_staff", "member of staff"),
    ("Eva <eva@xe1ent.example>", (), "look_alike", "looks like ours"),
    ("Eva <eva@xelent-support.example>", (), "look_alike", "looks like ours"),
    ("Eva <eva@xelent.elsewhere.example>", (), "look_alike", "looks like ours"),
    ("Eva <eva@kundbolagett.example>", (), "look_alike", "known customer's"),
    ("Eva <eva@kundbo1aget.example>", (), "look_alike", "known customer's"),
    ("Eva <eva@kundbolagеt.example>", (), "look_alike", "mixes scripts"),  # a Cyrillic e
    ("Eva <eva@xn--kundbolagt-ssi.example>", (), "look_alike", "mixes scripts"),  # the same, in its ASCII form
    ("xelent.example <eva@a.example>", (), "look_alike", "names us"),
    ("Polisen <eva@a.example>", (), "look_alike", "authority"),
    ("Eva <eva@a.example>", ("List-Id: <all.a.example>",), "list_relay", "mailing list"),
]


@pytest.mark.parametrize(("sender", "headers", "flag", "words"), PRETENDED)
def test_a_doubtful_sender_is_flagged_explained_and_left_to_a_person(
    sender: str, headers: tuple[str, ...], flag: str, words: str
) -> None:
    result = seen(sender, *headers)
    assert flag in result.flags
    assert any(words in line for line in result.sender_evidence)
    assert result.needs_person


@pytest.mark.parametrize(
    "sender",
    [
        "Eva Ek <eva.ek@example.org>",
        "Eva Ek <eva@kundbolaget.example>",
        "Eva Ek <eva@post.kundbolaget.example>",
        "Anna Berg <anna@xelent.example>",
        "Åsa Öberg <åsa@småföretag.example>",
        '"eva.ek@example.org" <eva.ek@example.org>',
    ],
)
def test_an_ordinary_sender_is_not_flagged(sender: str) -> None:
    result = seen(sender)
    assert (result.flags, result.sender_evidence, result.needs_person) == ((), (), False)


def test_arc_is_told_and_not_believed() -> None:
    """RFC 8617: a seal is worth what its sealer is worth, and nobody has said that this one is trusted."""
    result = seen(
        "Eva <eva@a.example>", "ARC-Seal: i=1; cv=none; d=relay.example", "ARC-Authentication-Results: i=1; x"
    )
    assert any("ARC" in line for line in result.sender_evidence)
    assert (result.flags, result.sender_authentication) == ((), NONE)


# -------------------------------------------------------------------------------------------------------- resemblance


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("maria.oberg@example.se", "maria.öberg@example.se"),
        ("maria.oberg@exarnple.se", "maria.oberg@example.se"),
        ("maria.oberq@example.se", "maria.oberg@example.se"),
        ("maria.oberg@example.se", "mаria.oberg@example.se"),  # a Cyrillic a
    ],
)
def test_addresses_that_could_be_taken_for_each_other(address: str, other: str) -> None:
    assert resembles(address, other)
    assert resembles(other, address)


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("maria.oberg@example.se", "maria.oberg@example.se"),
        ("maria.oberg@example.se", "MARIA.OBERG@example.se"),
        ("maria.oberg@example.se", "karin.holm@example.se"),
        ("eva@a.example", "eva@b.se"),
        ("bo@example.se", "bi@example.se"),
    ],
)
def test_addresses_that_are_the_same_or_plainly_others(address: str, other: str) -> None:
    assert not resembles(address, other)


@given(st.text(max_size=40), st.text(max_size=40))
def test_resemblance_is_mutual(one: str, other: str) -> None:
    assert nearly_same(one, one)
    assert nearly_same(one, other) == nearly_same(other, one)


@given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=40))
def test_latin_letters_are_one_script(text: str) -> None:
    letters = "".join(each for each in text if skeleton(each).isascii())
    assert not mixes_scripts(letters.replace("µ", "").replace("ª", "").replace("º", ""))
