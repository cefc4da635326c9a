"""
Mail -> flags that make a person look.

Effects: none. Ordered literal tables; a flag is a fact about the mail, never a verdict about the person.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dsar.model import InboundMail, Requester
from dsar.resemblance import mixes_scripts, nearly_same, skeleton
from dsar.triage.letter import Letter
from dsar.triage.people import is_minor
from dsar.triage.vocabulary import fold, says

#: Authorities whose mail goes to management, and whose names others borrow.
AUTHORITY_DOMAINS = (
    "imy.se", "polisen.se", "domstol.se", "dom.se", "kronofogden.se", "aklagare.se", "jo.se",
    "edpb.europa.eu", "edps.europa.eu",
    "datatilsynet.no", "datatilsynet.dk", "politiet.no", "politi.dk", "skatteverket.se", "tietosuoja.fi",
)  # fmt: skip
_AUTHORITY_NAME = re.compile(
    r"(?<!\w)(?:integritetsskyddsmyndigheten|imy|polismyndigheten|polisen|kronofogden|kronofogdemyndigheten"
    r"|\w*tingsratt\w*|forvaltningsratt\w*)(?!\w)"
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Whom a sender could pretend to be."""

    staff_domain: str
    staff_names: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()  #: Of customers and partners.


class _Given(NamedTuple):
    mail: InboundMail
    letter: Letter
    folded: str  #: Text of the writer, folded.
    known: Known


class _Flag(NamedTuple):
    name: str
    holds: Callable[[_Given], bool]


class _Sign(NamedTuple):
    """Something about the sender that staff should see."""

    flag: str | None  #: None: it is told and raises no flag.
    words: str
    holds: Callable[[_Given], bool]


def find_flags(
    mail: InboundMail, letter: Letter, folded: str, *, known: Known
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the flags that hold, each once, in the order of the tables; and what is told about the sender."""
    given = _Given(mail, letter, folded, known)
    signs = [sign for sign in _SENDER if sign.holds(given)]
    flags = [flag.name for flag in _FLAGS if flag.holds(given)] + [sign.flag for sign in signs if sign.flag]
    return tuple(dict.fromkeys(flags)), tuple(sign.words for sign in signs)


def is_authority(address: str | None) -> bool:
    """Whether *address* is of an authority's domain or one below it."""
    domain = (address or "").rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in AUTHORITY_DOMAINS)


def _concept(name: str) -> Callable[[_Given], bool]:
    return lambda given: says(name, given.folded)


def _minor(given: _Given) -> bool:
    return given.letter.requester is Requester.PARENT or is_minor(given.letter.body) or says("minor", given.folded)


_FLAGS = (
    _Flag("breach", _concept("breach")),
    _Flag("complaint", _concept("complaint")),
    _Flag("protected_identity", _concept("protected")),
    _Flag("minor", _minor),
    _Flag("deceased", lambda given: given.letter.requester is Requester.ESTATE),
    _Flag("threat", lambda given: says("threat", given.folded) or says("legal_threat", given.folded)),
    _Flag("agent", lambda given: given.letter.requester is Requester.AGENT),
    _Flag("legal_person", _concept("company")),
    _Flag("hidden_text", lambda given: given.mail.hidden_text),
    _Flag("withdrawn", _concept("withdrawn")),
)


# ------------------------------------------------------------------------------------------------------ the sender


def _is_direct(given: _Given) -> bool:
    """Whether the sender of the mail is who asks: a form sends for everybody, and lets answers go elsewhere."""
    return given.letter.requester is not Requester.WEB_FORM


def _shows_other_address(given: _Given) -> bool:
    shown = re.search(r"[\w.+-]{1,64}@[\w.-]{1,255}", given.mail.sender_name)
    return shown is not None and shown[0].lower() != given.mail.sender


def _poses_as_staff(given: _Given) -> bool:
    """The display name is of a member of staff, and the address is not ours."""
    words = skeleton(given.mail.sender_name).split()
    names = (skeleton(name).split() for name in given.known.staff_names)
    return not _is_ours(given) and bool(words) and any(sorted(words) == sorted(name) for name in names)


def _is_ours(given: _Given) -> bool:
    domain, ours = (given.mail.sender or "").rpartition("@")[2], given.known.staff_domain
    return domain == ours or domain.endswith(f".{ours}")


def _resembles_us(given: _Given) -> bool:
    """Our name, or nearly, in somebody else's domain: xe1ent.se, xelent.evil.example, xelent-support.example."""
    domain, ours = (given.mail.sender or "").rpartition("@")[2], given.known.staff_domain.partition(".")[0]
    return not _is_ours(given) and any(nearly_same(word, ours) for word in re.split(r"[.-]", domain)[:-1] if word)


def _resembles_known(given: _Given) -> bool:
    domain = (given.mail.sender or "").rpartition("@")[2]
    if any(domain == known or domain.endswith(f".{known}") for known in given.known.domains):
        return False
    return bool(domain) and any(nearly_same(domain, known) for known in given.known.domains)


def _named_like_us(given: _Given) -> bool:
    return not _is_ours(given) and given.known.staff_domain in given.mail.sender_name.lower()


def _named_like_authority(given: _Given) -> bool:
    return bool(_AUTHORITY_NAME.search(fold(given.mail.sender_name))) and not is_authority(given.mail.sender)


_MISMATCH, _LOOK_ALIKE = "sender_mismatch", "look_alike"
_SENDER = (
    _Sign(_MISMATCH, "there are several From headers", lambda given: "several From headers" in given.mail.defects),
    _Sign(_MISMATCH, "the From header names no one address", lambda given: given.mail.sender is None),
    _Sign(
        _MISMATCH,
        "answers would go to another address",
        lambda given: _is_direct(given) and any(each != given.mail.sender for each in given.mail.reply_to),
    ),
    _Sign(_MISMATCH, "the display name shows another address", lambda g: _is_direct(g) and _shows_other_address(g)),
    _Sign("poses_as_staff", "the display name is of a member of staff, the address is not", _poses_as_staff),
    _Sign(_LOOK_ALIKE, "the address mixes scripts", lambda given: mixes_scripts(given.mail.sender or "")),
    _Sign(_LOOK_ALIKE, "the domain looks like ours", _resembles_us),
    _Sign(_LOOK_ALIKE, "the domain looks like a known customer's", _resembles_known),
    _Sign(_LOOK_ALIKE, "the display name names us", _named_like_us),
    _Sign(_LOOK_ALIKE, "the display name is of an authority, the address is not", _named_like_authority),
    _Sign("list_relay", "a mailing list passed it on", lambda g: _is_direct(g) and "list-id" in g.mail.machine_signs),
    _Sign(
        "colleague_forward",
        "a colleague forwarded it: nothing is known about who wrote it",
        lambda given: given.letter.requester is Requester.COLLEAGUE_FORWARD,
    ),
    _Sign(None, "a web form sent it: nothing is known about who filled it in", lambda given: not _is_direct(given)),
    _Sign(None, "a relay sealed its own findings (ARC), which are not believed", lambda given: given.mail.arc),
)
