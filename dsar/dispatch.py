"""
Letter -> the bytes that are approved and sent; SMTP reply code -> what happens next.

Effects: none. The same arguments give the same bytes: date, Message-ID and boundaries are arguments, so that what was
approved is what is sent (promise P3). Result is ASCII with CRLF throughout, lines within RFC 5322's 998 octets.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from typing import Literal

from dsar.errors import UndeliverableAddressError
from dsar.model import Letter

AutoSubmitted = Literal["no", "auto-replied"]

#: RFC 5322 section 3.2.3, dot-atom. Quoted local parts are legal, but many servers on the way break them.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,240}>")
_LOCAL_PART_OCTETS, _ADDRESS_OCTETS = 64, 254  # RFC 5321 section 4.5.3.1
_REFERENCES_KEPT = 20

# ------------------------------------------------------------------------------------------------------ addresses


def deliverable_address(address: str) -> str:
    """
    *address* as SMTP carries it: local part unchanged, domain in its ASCII form.

    Args: address: domain in Unicode or ASCII.
    Raises: UndeliverableAddressError if it cannot be carried unchanged; the letter must go another way.
    """
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > _LOCAL_PART_OCTETS:
        raise UndeliverableAddressError("the part before the @ needs an extension (SMTPUTF8) that few servers have")
    ascii_domain = _ascii_domain(domain)
    if len(local) + 1 + len(ascii_domain) > _ADDRESS_OCTETS:
        raise UndeliverableAddressError(f"it is longer than {_ADDRESS_OCTETS} octets")
    return f"{local}@{ascii_domain}"


def tagged(address: str, tag: str) -> str:
    """*address* with a tag that its server ignores when it delivers (RFC 5233, subaddressing)."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"


def tags_of(addresses: Sequence[str], address: str) -> tuple[str, ...]:
    """The tags under which *addresses* name *address*."""
    local, _, domain = address.rpartition("@")
    return tuple(
        each[len(local) + 1 : -len(domain) - 1]
        for each in addresses
        if each.startswith(f"{local}+") and each.endswith(f"@{domain}")
    )


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain.lower().encode("idna")
        same = encoded.decode("idna") == domain.lower() or encoded.decode("ascii") == domain.lower()
    except UnicodeError:
        raise UndeliverableAddressError("its domain is not valid") from None
    if not same:  # IDNA 2003 turns ß into ss, which may be somebody else's domain
        raise UndeliverableAddressError("its domain has more than one ASCII form")
    if not _DOMAIN.fullmatch(encoded.decode("ascii")):
        raise UndeliverableAddressError("its domain is not valid")
    return encoded.decode("ascii")


# ----------------------------------------------------------------------------------------------------------- mail


def new_message_id(case_reference: str, token: str, domain: str) -> str:
    """
    Message-ID of a letter, by which a bounce, a reply or a copy in the sent folder is known again.

    Args: token: random and unguessable, ASCII letters and digits; domain: our own.
    """
    return f"<dsar-{case_reference}-{token}@{domain}>"


def build_mime(
    letter: Letter,
    *,
    sender: str,
    sender_name: str,
    recipient: str,
    reply_to: str | None = None,
    message_id: str,
    date: datetime,
    in_reply_to: str | None,
    references: tuple[str, ...],
    auto_submitted: AutoSubmitted,
    boundary_seed: str,
) -> bytes:
    """
    The complete mail: text and HTML as alternatives, annexes beside them if there are any.

    Args: sender: our own address; sender_name: shown before it; reply_to: where answers go, if elsewhere; date: aware;
    in_reply_to, references: Message-IDs as the requester's mail states them, left out where they are not well-formed;
    auto_submitted: "no" for what a person approved, "auto-replied" for what was not; boundary_seed: any text, the same
    for the same bytes.
    Raises: UndeliverableAddressError for *sender* or *recipient*.
    """
    mail = EmailMessage(policy=SMTP)
    local, _, domain = deliverable_address(sender).rpartition("@")
    mail["From"] = Address(_one_line(sender_name).replace('"', ""), local, domain)
    mail["To"] = deliverable_address(recipient)
    if reply_to is not None:
        mail["Reply-To"] = deliverable_address(reply_to)
    mail["Subject"] = _one_line(letter.subject)
    mail["Date"] = date
    mail["Message-ID"] = message_id
    _add_thread(mail, in_reply_to, references)
    mail["X-DSAR-Letter"] = message_id.strip("<>").partition("@")[0]
    mail["Auto-Submitted"] = auto_submitted  # RFC 3834 section 5: anything but "no" is never answered by machines
    if auto_submitted != "no":
        mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for annex in letter.annexes:
        maintype, _, subtype = annex.content_type.partition("/")
        mail.add_attachment(annex.content, maintype=maintype, subtype=subtype, filename=_one_line(annex.filename))
    _set_boundaries(mail, boundary_seed)
    return mail.as_bytes()


def _add_thread(mail: EmailMessage, in_reply_to: str | None, references: Sequence[str]) -> None:
    """RFC 5322 section 3.6.4; a long thread keeps its first and its last mails."""
    known = [reference for reference in references if _MESSAGE_ID.fullmatch(reference)]
    kept = [*known[:1], *known[1:][-_REFERENCES_KEPT:]]
    if in_reply_to and _MESSAGE_ID.fullmatch(in_reply_to):
        mail["In-Reply-To"] = in_reply_to
        kept = [reference for reference in kept if reference != in_reply_to] + [in_reply_to]
    if kept:
        mail["References"] = " ".join(kept)


def _set_boundaries(mail: EmailMessage, seed: str) -> None:
    """Boundaries from *seed* alone; "=_" cannot occur in quoted-printable or base64 (RFC 2045 section 6.7)."""
    digest = hashlib.sha256(seed.encode()).hexdigest()[:32]
    multiparts = [part for part in mail.walk() if part.is_multipart()]
    for number, part in enumerate(multiparts, start=1):
        part.set_boundary(f"=_{digest}_{number}")


def _one_line(text: str) -> str:
    """*text* on one line, without control, bidi and other invisible characters: nothing that could start a header."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(visible.split())


# ---------------------------------------------------------------------------------------------------------- size

#: Base64 makes four characters of three octets, and breaks the line after 76 of them (RFC 2045 section 6.8).
_BASE64 = 4 / 3 * 78 / 76
#: Headers of a mail and of each of its parts, generously.
_HEADERS = 8_192


def divide(sizes: Sequence[int], *, letter: int, limit: int) -> list[list[int]] | None:
    """
    Which files travel in which mail, so that each mail is at most *limit* octets: the files in their order.

    Args: sizes: octets of each file; letter: octets of text and HTML, which every mail carries.
    Returns: positions per mail, at least one mail; None if a file alone is too big.
    """
    room = limit - letter * 3 - _HEADERS  # quoted-printable writes an octet as three characters at most
    parts: list[list[int]] = [[]]
    taken = 0
    for position, size in enumerate(sizes):
        needed = int(size * _BASE64) + 1024
        if needed > room:
            return None
        if parts[-1] and taken + needed > room:
            parts.append([])
            taken = 0
        parts[-1].append(position)
        taken += needed
    return parts


# --------------------------------------------------------------------------------------------------- SMTP replies


class Verdict(StrEnum):
    """What an SMTP reply means for a letter."""

    SENT = "sent"  #: The server has taken responsibility (RFC 5321 section 4.2.5).
    RETRY = "retry"  #: Not taken; the same bytes may be offered later.
    FAILED = "failed"  #: Refused for good; a person looks at the address.


#: First digit of a reply code -> verdict (RFC 5321 section 4.2.1). Others are not final answers.
_VERDICTS = {2: Verdict.SENT, 4: Verdict.RETRY, 5: Verdict.FAILED}

#: RFC 4954 section 6: 5yz codes about our log-in, which say nothing about the letter.
_LOGIN_CODES = frozenset({530, 534, 535, 538})

#: Wait after the first, second, ... attempt that was not taken; then a person looks. About 4 days (RFC 5321 section
#: 4.5.4.1: "the give-up time generally needs to be at least 4-5 days").
_RETRY_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=1),
    timedelta(days=1),
)


def classify(code: int) -> Verdict | None:
    """What the reply *code* means; None if it is no final answer."""
    return Verdict.RETRY if code in _LOGIN_CODES else _VERDICTS.get(code // 100)


def retry_delay(attempts: int) -> timedelta | None:
    """How long to wait after *attempts* attempts (1 or more) that were not taken; None: stop, a person looks."""
    return _RETRY_DELAYS[attempts - 1] if attempts <= len(_RETRY_DELAYS) else None
