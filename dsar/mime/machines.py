"""
Signs that a machine sent a mail, bounces, and references to our own letters.

Effects: none. Sources: RFC 3834 (Auto-Submitted), RFC 3464 (delivery status), RFC 2919 (List-Id).
X-Auto-Response-Suppress is on purpose no sign: ordinary Exchange mail from people carries it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from flufl.bounce import all_failures

from dsar.identifiers import normalise
from dsar.mime.headers import Headers
from dsar.model import IdentifierType

_NO_REPLY = re.compile(
    r"(?:do[-_.]?)?not?[-_.]?reply|noreply|svara?[-_.]?ej|ej[-_.]?svar|inget[-_.]?svar", re.IGNORECASE
)
_DAEMONS = ("mailer-daemon", "postmaster")
#: Only with one of these do we believe that a text which looks like a bounce is one, and not a person's forward.
_BOUNCE_SIGNS = frozenset({"null-return-path", "mailer-daemon", "report", "failed-recipients"})


def machine_signs(message: Message, headers: Headers, own_domain: str) -> tuple[str, ...]:
    """Names of the signs, in a fixed order; while there is one, no machine answer may go out."""
    local = (headers.sender()[1] or _first_address(headers)).partition("@")[0].lower()
    own_id = any(_own_id(own_domain).fullmatch(value.strip().encode()) for value in headers.message_ids("message-id"))
    signs = {
        # RFC 3834 s. 5: any value but "no" means that no person sent it.
        "auto-submitted": _first_word(headers, "auto-submitted") not in ("", "no"),
        "auto-replied": _first_word(headers, "auto-submitted") == "auto-replied"
        or any(headers.raw(name) for name in ("x-autoreply", "x-autorespond", "x-auto-reply"))
        or _first_word(headers, "precedence") == "auto_reply",
        "null-return-path": headers.text("return-path").replace(" ", "") == "<>",
        "precedence": _first_word(headers, "precedence") in ("bulk", "list", "junk", "auto_reply"),
        "list-id": bool(headers.raw("list-id")),
        "list-unsubscribe": bool(headers.raw("list-unsubscribe")),
        "report": message.get_content_type() == "multipart/report",
        "failed-recipients": bool(headers.raw("x-failed-recipients")),
        "mailer-daemon": local.startswith(_DAEMONS),
        "no-reply": bool(_NO_REPLY.match(local)),
        "own-message": own_id,
    }
    return tuple(name for name, holds in signs.items() if holds)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a bounce says about the mail that it reports; all empty if the mail is no bounce."""

    is_permanent: bool = False  #: It will never be delivered.
    is_temporary: bool = False  #: It is late.
    recipients: tuple[str, ...] = ()  #: Addresses that were not reached for good.


def failure_of(message: Message, signs: Sequence[str]) -> Failure:
    """What the mail reports about another one that could not be delivered."""
    if not _BOUNCE_SIGNS & set(signs):
        return Failure()
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  # thirty heuristics over hostile input; none may fail the mail
        temporary, permanent = frozenset(), frozenset()
    actions = _report_actions(message)
    is_permanent = "failed" in actions or (bool(permanent) and not temporary)
    return Failure(
        is_permanent=is_permanent,
        is_temporary=not is_permanent and ("delayed" in actions or bool(temporary)),
        recipients=tuple(sorted(filter(None, map(_address_of, permanent)))) if is_permanent else (),
    )


def _address_of(written: bytes) -> str | None:
    address = normalise(IdentifierType.EMAIL, written.decode("utf-8", "replace"))
    return address.value if address else None


def own_message_ids(texts: Sequence[bytes], own_domain: str) -> tuple[str, ...]:
    """Message-IDs of our own letters in any of *texts*, raw or decoded, each once."""
    pattern = _own_id(own_domain)
    return tuple(dict.fromkeys(found.decode("ascii") for text in texts for found in pattern.findall(text)))


def _own_id(own_domain: str) -> re.Pattern[bytes]:
    return re.compile(rb"<dsar-[A-Za-z0-9._-]{1,120}@" + re.escape(own_domain.encode()) + rb">")


def _report_actions(message: Message) -> list[str]:
    """RFC 3464 s. 2.3.3: the Action of each recipient of a delivery status report."""
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return []
    blocks = [
        block
        for part in message.walk()
        if part.get_content_type() == "message/delivery-status" and part.is_multipart()
        for block in part.get_payload()
    ]
    return [str(block.get("action", "")).strip().lower() for block in blocks if isinstance(block, Message)]


def _first_word(headers: Headers, name: str) -> str:
    return headers.text(name).lower().partition(";")[0].strip()


def _first_address(headers: Headers) -> str:
    return next(iter(headers.addresses("from")), headers.text("from"))
