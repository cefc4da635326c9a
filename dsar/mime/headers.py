"""
Headers of a mail -> text, addresses and Message-IDs.

Effects: none. Sources: RFC 5322 s. 3.4 and 3.6.2, RFC 2047 s. 5 and 6.2, RFC 6532.
"""

import binascii
import re
from datetime import date
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from typing import NamedTuple

from mailparser.dates import parse_mail_date  # type: ignore[import-untyped]
from mailparser.utils import get_addresses, receiveds_parsing  # type: ignore[import-untyped]

from dsar.identifiers import normalise
from dsar.mime.words import decode_text, one_line
from dsar.model import IdentifierType

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,1000})\?=")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
#: Addresses of one header that are read; nobody asks about their data by mass mailing.
_MOST_ADDRESSES = 100
#: RFC 5321 s. 4.4: "by" names the server that took the mail.
_TAKEN_BY = re.compile(r"(?:^|\s)by\s{1,20}([\w.-]{1,255})", re.IGNORECASE)
#: RFC 5321 s. 6.3: a mail with more than a hundred has gone in circles.
_MOST_HOPS = 200
#: Headers that a second parser reads, too, and how many of each.
_TOLD_TWICE = {"from": 1, "reply-to": 1, "date": 1, "received": 10}
_LONGEST_TOLD_TWICE = 5000


class Headers:
    """The headers of one mail, by lower-case name."""

    def __init__(self, message: Message) -> None:
        self._in_order = [(name.lower(), str(value)) for name, value in message.raw_items()]
        self._raw: dict[str, list[str]] = {}
        for name, value in self._in_order:
            self._raw.setdefault(name, []).append(value)

    def raw(self, name: str) -> list[str]:
        """Values of *name* as they stand in the mail, topmost first."""
        return self._raw.get(name, [])

    def text(self, name: str) -> str:
        """First value of *name*, decoded, on one line; "" if there is none."""
        return decode_words(self.raw(name)[0]) if name in self._raw else ""

    def all_texts(self, name: str) -> tuple[str, ...]:
        """All values of *name*, decoded, topmost first."""
        return tuple(decode_words(value) for value in self.raw(name))

    def message_ids(self, name: str) -> tuple[str, ...]:
        """Message-IDs of *name* with their angle brackets, in order."""
        return tuple(one_line(found) for value in self.raw(name) for found in _MESSAGE_ID.findall(value))

    def addresses(self, name: str) -> tuple[str, ...]:
        """Addresses of all headers of that *name*, in normal form, each once."""
        pairs = _mailboxes(self.raw(name))
        return tuple(dict.fromkeys(address for _, address in pairs if address))[:_MOST_ADDRESSES]

    def sender(self) -> tuple[str, str | None]:
        """Display name and address of who sent the mail, as `_sender` says."""
        return self._sender

    @cached_property
    def _sender(self) -> tuple[str, str | None]:
        """
        Display name and address of the one mailbox of the one From header.

        RFC 5322 s. 3.6: From occurs once. Several headers or mailboxes, or two parsers that read it differently, are
        how senders are forged: the address is None then and a person looks.
        """
        values = self.raw("from")
        pairs = _mailboxes(values[:1])
        name = next((name for name, _ in pairs if name), "")
        addresses = {address for _, address in pairs}
        if len(values) != 1 or len(addresses) != 1:
            return name, None
        (address,) = addresses
        second = self._second_opinion
        return name, address if second.failed or second.sender == address else None

    def trace(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """
        Servers that the Received headers say took the mail, and how many of those headers stand above each
        Authentication-Results; both topmost first.

        A server that two parsers do not read alike, e.g. because a comment names another one, is "": nobody's.
        """
        hops: list[str] = []
        above: list[int] = []
        for name, value in self._in_order:
            if name == "received":
                taken_by = _TAKEN_BY.search(value)
                hops.append(taken_by[1].lower().rstrip(".") if taken_by else "")
            elif name == "authentication-results":
                above.append(len(hops))
        second = self._second_opinion
        if not second.failed:
            told = (*second.taken_by, *[""] * len(hops))
            hops = [hop if hop == other else "" for hop, other in zip(hops, told, strict=False)]
        return tuple(hops[:_MOST_HOPS]), tuple(above)

    def written_on(self) -> date | None:
        """Day of the first Date header, None if it is missing or malformed."""
        try:
            return parsedate_to_datetime(self.text("date")).date()
        except (TypeError, ValueError, OverflowError):
            return None

    def arrived(self) -> str:
        """Date of the topmost Received header as written: when the last server took the mail; "" if there is none."""
        return one_line(self.raw("received")[0].rpartition(";")[2]) if self.raw("received") else ""

    def defects(self) -> list[str]:
        """What is wrong with the headers, in words without their content."""
        problems = {
            "several From headers": len(self.raw("from")) > 1,
            "no From header": not self.raw("from"),
            "the From header is ambiguous": len(self.raw("from")) == 1 and self.sender()[1] is None,
            "several Message-IDs": len(self.raw("message-id")) > 1,
            "no Message-ID": not self.raw("message-id"),
        }
        return [*(problem for problem, holds in problems.items() if holds), *self._second_opinion.defects]

    @cached_property
    def _second_opinion(self) -> "_Opinion":
        """What mail-parser reads in the headers that tell who sent the mail, and when; it must not fail the mail."""
        told = Message()
        for name, most in _TOLD_TWICE.items():
            for value in self.raw(name)[:most]:
                if len(value) <= _LONGEST_TOLD_TWICE:
                    told[name] = _unfolded(value)
        try:
            return _read_again(told)
        except Exception:  # noqa: BLE001  # it is known to raise outside its own exceptions
            return _Opinion()


class _Opinion(NamedTuple):
    sender: str | None = None  #: The one address of From, if it is one.
    defects: tuple[str, ...] = ()
    taken_by: tuple[str, ...] = ()  #: Server that each of the topmost Received headers says took the mail.
    failed: bool = True


def _read_again(told: Message) -> _Opinion:
    """
    What mail-parser's readers of single headers see in *told*.

    Its MailParser would read the same with them, and then walk the parts and render every header twice for nobody.
    """
    addresses: list[object] = []
    dates: list[object] = [reason for raw in _raw(told, "date") for reason in parse_mail_date(raw).reasons]
    receiveds: list[object] = []
    boxes = {
        name: get_addresses(value, defects=addresses, decode_names=True)
        for name in ("from", "reply-to")
        for value in told.get_all(name, [])
    }
    hops = receiveds_parsing(_raw(told, "received"), defects=receiveds, date_defects=dates)
    senders = {_address(address) for _, address in boxes.get("from", []) if address}
    defects = {
        "an address header is malformed": addresses,
        "a date is malformed": dates,
        "a Received header is malformed": receiveds,
    }
    return _Opinion(
        sender=senders.pop() if len(senders) == 1 else None,
        defects=tuple(words for words, found in defects.items() if found),
        taken_by=tuple(_host(hop.get("by")) for hop in reversed(hops)),  # they begin with the first
        failed=False,
    )


def _raw(told: Message, name: str) -> list[str]:
    return [value for each, value in told.raw_items() if each == name]


def _host(written: str | None) -> str:
    """The name of a server without what stands behind it, in lower case."""
    return next(iter((written or "").split()), "").lower().rstrip(".")


def decode_words(value: str) -> str:
    """
    *value* with its encoded words decoded, printable, on one line.

    RFC 2047 s. 6.2: white space between adjacent encoded words is ignored; the bytes of neighbours in one charset are
    joined before they are decoded, because real mailers split characters.
    """
    pieces: list[str] = []
    pending, pending_charset, end = b"", "", 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        charset, payload = match[1].partition("*")[0].lower(), _decoded_word(match[2], match[3])
        if between.strip() or end == 0 or charset != pending_charset:
            pieces.append(decode_text(pending, pending_charset)[0])
            pieces.append(between if between.strip() or end == 0 else "")
            pending = b""
            pieces[-1] = _eight_bit(pieces[-1])
        pending, pending_charset, end = pending + payload, charset, match.end()
    pieces.append(decode_text(pending, pending_charset)[0])
    pieces.append(_eight_bit(value[end:]))
    return one_line("".join(pieces))


def _decoded_word(encoding: str, encoded: str) -> bytes:
    raw = encoded.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def _eight_bit(raw: str) -> str:
    """Unencoded 8-bit text in a header (RFC 6532, or an old mailer's cp1252)."""
    if raw.isascii():
        return raw
    return decode_text(raw.encode("utf-8", "surrogateescape"), "")[0]


#: An address as its own display name, without quotes: common, and read as malformed by some versions of Python.
_REPEATED = re.compile(r"^\s*([^\s<>,;:\"()]+@[^\s<>,;:\"()]+)\s*<\s*\1\s*>\s*$", re.IGNORECASE)


def _mailboxes(values: list[str]) -> list[tuple[str, str | None]]:
    """(display name, address or None) of each mailbox; parsed before decoding, so that no encoded comma splits."""
    try:
        pairs = getaddresses([_REPEATED.sub(r"<\1>", _unfolded(value)) for value in values])
    except RecursionError:  # deeply nested comments
        return []
    return [(decode_words(name).strip("\"' "), _address(address)) for name, address in pairs if name or address]


def _address(written: str) -> str | None:
    address = one_line(_eight_bit(written))
    normal = normalise(IdentifierType.EMAIL, address)
    if normal is not None:
        return normal.value
    return address.lower() if _ADDRESS.fullmatch(address) else None


def _unfolded(value: str) -> str:
    return " ".join(value.replace("\0", " ").split())
