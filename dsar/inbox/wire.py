"""
UIDs, sizes, dates <-> the text of IMAP.

Effects: none.
"""

import email.policy
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import mktime_tz, parsedate_tz

from imapclient.response_parser import parse_response  # type: ignore[import-untyped]

_HEADER_BYTES = 64 << 10  # how far the last resort for the time of arrival looks
_LONGEST_SET = 100_000

#: The items of one mail: {name in upper case: value}.
Items = dict[bytes, object]


def compact_set(uids: Sequence[int]) -> str:
    """
    Ascending UIDs as an IMAP sequence-set: 1, 2, 3, 7 -> "1:3,7".

    Source: RFC 9051 section 9, sequence-set. imapclient sends one number per mail, which servers refuse as too long.
    """
    spans: list[list[int]] = []
    for uid in uids:
        if spans and uid == spans[-1][1] + 1:
            spans[-1][1] = uid
        else:
            spans.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in spans)


def expanded_set(text: str) -> list[int]:
    """
    UIDs of an IMAP sequence-set in the order in which it names them: "7,1:3" -> 7, 1, 2, 3.

    Raises: ValueError if it is none, or names more than a server moves at once.
    """
    spans = [[int(end) for end in span.split(":")] for span in text.split(",")]
    if any(len(span) > 2 for span in spans) or sum(abs(span[-1] - span[0]) + 1 for span in spans) > _LONGEST_SET:
        raise ValueError("no sequence-set of UIDs")
    return [uid for span in spans for uid in range(min(span), max(span) + 1)]


def copied_uids(texts: Sequence[bytes | None]) -> dict[int, tuple[int, int]]:
    """
    {UID: (UIDVALIDITY, UID) of its copy} of COPYUID answers "88 5,7:9 901:904" (RFC 4315 section 3).

    Empty as soon as one makes no sense: where a mail went is nothing to guess.
    """
    found: dict[int, tuple[int, int]] = {}
    for text in texts:
        try:
            epoch, source, target = (text or b"").decode("ascii").split()
            pairs = zip(expanded_set(source), expanded_set(target), strict=True)
            found |= {old: (int(epoch), new) for old, new in pairs}
        except ValueError:
            return {}
    return found


def quoted(text: str) -> str:
    """
    An IMAP quoted string (RFC 9051 section 4.3).

    Raises: ValueError if *text* holds anything but printable ASCII.
    """
    if re.search(r"[^\x20-\x7e]", text):
        raise ValueError("not printable ASCII")
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def found_uids(lines: Sequence[bytes | None]) -> list[int]:
    """
    UIDs of the SEARCH lines that imaplib collected, ascending; some servers answer in several lines with stray blanks.

    Raises: ValueError for what is not a number.
    """
    words = b" ".join(line for line in lines if line).partition(b"(")[0].split()  # "(MODSEQ n)" may follow
    return sorted({int(word) for word in words})


#: What almost every FETCH line is made of: names, each with a number or a string without escapes.
_PAIR = rb'[A-Z0-9.]{2,40} (?:\d{1,20}|"[^"\\\r\n]*")'
_PAIRS = re.compile(rb'([A-Z0-9.]+) (?:(\d+)|"([^"]*)")')
_PLAIN_LINE = re.compile(rb"\d+ \((" + _PAIR + rb"(?: " + _PAIR + rb")*)\)")
_BEFORE_BODY = re.compile(rb"\d+ \(((?:" + _PAIR + rb" )*)(BODY\[\](?:<\d+>)?) \{\d+\}")
_AFTER_BODY = re.compile(rb"((?: " + _PAIR + rb")*)\)")


def fetched_items(lines: Sequence[bytes | tuple[bytes, bytes] | None]) -> dict[int, Items]:
    """
    {UID: items} of the FETCH lines that imaplib collected.

    Lines without a UID are dropped: they tell of other mails, numbered by position (RFC 9051 section 7.5.2).
    Raises: ValueError, imaplib.IMAP4.error if the lines cannot be read.
    """
    found: dict[int, Items] = {}
    told = [line for line in lines if line is not None]
    for items in _plain_items(told) or _parsed_items(told):
        if isinstance(uid := items.get(b"UID"), int):
            found.setdefault(uid, {}).update(items)
    return found


def _plain_items(lines: Sequence[bytes | tuple[bytes, bytes]]) -> list[Items]:
    """Items of lines that are all as plain as servers write them; empty if one is not. Ten times as fast as parsing."""
    found: list[Items] = []
    following = iter(lines)
    for line in following:
        if isinstance(line, bytes):
            plain = _PLAIN_LINE.fullmatch(line)
            if plain is None:
                return []
            found.append(_pairs(plain[1]))
            continue
        before, after = _BEFORE_BODY.fullmatch(line[0]), next(following, None)
        closed = _AFTER_BODY.fullmatch(after) if isinstance(after, bytes) else None
        if before is None or closed is None:
            return []
        found.append({**_pairs(before[1]), before[2]: line[1], **_pairs(closed[1])})
    return found


def _pairs(text: bytes) -> Items:
    return {name: int(number) if number else words for name, number, words in _PAIRS.findall(text)}


def _parsed_items(lines: Sequence[bytes | tuple[bytes, bytes]]) -> Iterator[Items]:
    for values in parse_response(lines):
        if isinstance(values, tuple):
            pairs = zip(values[::2], values[1::2], strict=False)
            yield {name.upper(): value for name, value in pairs if isinstance(name, bytes)}


def packed(uids: Sequence[int], items: Mapping[int, Items], *, limit_bytes: int) -> Iterator[list[int]]:
    """Runs of UIDs within the limit by RFC822.SIZE, which may be wrong or missing and serves nothing else."""
    pack: list[int] = []
    total = 0
    for uid in uids:
        size = stated_size(items.get(uid, {}))
        if pack and total + size > limit_bytes:
            yield pack
            pack, total = [], 0
        pack.append(uid)
        total += size
    if pack:
        yield pack


def stated_size(items: Items) -> int:
    """RFC822.SIZE, 0 if the server does not say."""
    size = items.get(b"RFC822.SIZE")
    return size if isinstance(size, int) else 0


def arrival(internal_date: object, content: bytes, *, seen_at: datetime) -> datetime:
    """
    When the mail reached the mail server: INTERNALDATE, else the topmost Received header, else *seen_at*; aware UTC.

    Never the Date header, which the sender writes, and never later than *seen_at*: the legal clock runs from receipt.
    """
    stated = internal_date.decode("ascii", "replace") if isinstance(internal_date, bytes) else ""
    known = _instant(stated) or _instant(_topmost_received(content).rpartition(";")[2])
    return min(known, seen_at) if known else seen_at


def _topmost_received(content: bytes) -> str:
    header = BytesHeaderParser(policy=email.policy.compat32).parsebytes(content[:_HEADER_BYTES])
    return str(header.get("Received", ""))


def _instant(text: str) -> datetime | None:
    """Aware UTC time of an INTERNALDATE or RFC 5322 date; None if it is not one."""
    try:
        parts = parsedate_tz(" ".join(text.split()))
        return datetime.fromtimestamp(mktime_tz(parts), UTC) if parts else None
    except (ValueError, OverflowError, OSError, LookupError, TypeError):
        return None
