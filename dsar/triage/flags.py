"""
Mail -> flags that make a person look.

Effects: none. An ordered literal table; a flag is a fact about the mail, never a verdict about the person.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from dsar.model import InboundMail, Requester
from dsar.triage.letter import Letter
from dsar.triage.people import is_minor
from dsar.triage.vocabulary import fold, says

#: Authorities whose mail goes to management, and whose names others borrow.
AUTHORITY_DOMAINS = (
    "imy.se", "polisen.se", "domstol.se", "kronofogden.se", "aklagare.se", "jo.se", "edpb.europa.eu", "edps.europa.eu",
    "datatilsynet.no", "datatilsynet.dk", "tietosuoja.fi",
)  # fmt: skip
_AUTHORITY_NAME = re.compile(
    r"(?<!\w)(?:integritetsskyddsmyndigheten|imy|polismyndigheten|polisen|kronofogden|kronofogdemyndigheten"
    r"|\w*tingsratt\w*|forvaltningsratt\w*)(?!\w)"
)
#: Letters and digits that are read as one another.
_LOOK_ALIKE = str.maketrans("0135", "oles")


class _Given(NamedTuple):
    mail: InboundMail
    letter: Letter
    folded: str  #: Text of the writer, folded.


class _Flag(NamedTuple):
    name: str
    holds: Callable[[_Given], bool]


def find_flags(mail: InboundMail, letter: Letter, folded: str, *, staff_domain: str) -> tuple[str, ...]:
    """Names of the flags that hold, in the order of the table."""
    flags = [flag.name for flag in _FLAGS if flag.holds(_Given(mail, letter, folded))]
    if _is_look_alike(mail, staff_domain):
        flags.append("look_alike")
    return tuple(flags)


def is_authority(address: str | None) -> bool:
    """Whether *address* is of an authority's domain or one below it."""
    domain = (address or "").rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in AUTHORITY_DOMAINS)


def _concept(name: str) -> Callable[[_Given], bool]:
    return lambda given: says(name, given.folded)


def _minor(given: _Given) -> bool:
    return given.letter.requester is Requester.PARENT or is_minor(given.letter.body) or says("minor", given.folded)


def _sender_mismatch(given: _Given) -> bool:
    mail = given.mail
    if given.letter.requester is Requester.WEB_FORM:
        return False
    shown = re.search(r"[\w.+-]+@[\w.-]+", mail.sender_name)
    answers_elsewhere = any(address != mail.sender for address in mail.reply_to)
    return mail.sender is None or answers_elsewhere or (shown is not None and shown[0].lower() != mail.sender)


_FLAGS = (
    _Flag("breach", _concept("breach")),
    _Flag("complaint", _concept("complaint")),
    _Flag("protected_identity", _concept("protected")),
    _Flag("minor", _minor),
    _Flag("deceased", lambda given: given.letter.requester is Requester.ESTATE),
    _Flag("threat", _concept("threat")),
    _Flag("agent", lambda given: given.letter.requester in (Requester.AGENT, Requester.SERVICE)),
    _Flag("legal_person", _concept("company")),
    _Flag("sender_mismatch", _sender_mismatch),
    _Flag("hidden_text", lambda given: given.mail.hidden_text),
    _Flag("withdrawn", _concept("withdrawn")),
)


def _is_look_alike(mail: InboundMail, staff_domain: str) -> bool:
    """A sender that wants to be read as us or as an authority, or an address that mixes scripts."""
    domain = (mail.sender or "").rpartition("@")[2]
    if _mixes_scripts(mail.sender or ""):
        return True
    if domain != staff_domain and not domain.endswith(f".{staff_domain}"):
        ours = staff_domain.partition(".")[0]
        label = max(domain.split("."), key=len, default="")
        if label and _nearly(_skeleton(label), _skeleton(ours)) and label != "":
            return True
        if staff_domain in mail.sender_name.lower():
            return True
    return bool(_AUTHORITY_NAME.search(fold(mail.sender_name))) and not is_authority(mail.sender)


def _skeleton(label: str) -> str:
    return fold(label).translate(_LOOK_ALIKE).replace("rn", "m").replace("i", "l").replace("vv", "w")


def _nearly(one: str, other: str) -> bool:
    """Equal, or one letter more, less or different."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest_one, rest_other = one[same:], other[same:]
    return rest_one[1:] == rest_other[1:] or rest_one[1:] == rest_other or rest_one == rest_other[1:]


def _mixes_scripts(address: str) -> bool:
    scripts = {unicodedata.name(c, "LATIN").split()[0] for c in address if c.isalpha()}
    return len(scripts) > 1
