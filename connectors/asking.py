"""
Identifiers -> which mails of a folder have to be read, where reading all of them takes too long.

Effects: asks the mail server. It looks for texts in decoded mails and cannot look into attachments, so mails that hold
anything but text are read in any case; and before it is believed it has to find what is known to stand in some mails.
"""

import html.entities
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from connectors.documents import mail_in
from connectors.mailboxes import Listed, Mailbox
from dsar.model import Identifier, IdentifierType
from dsar.names import fold

#: (open folder, its mails, what is searched by) -> the mails to read.
Choice = Callable[[Mailbox, Sequence[Listed], Sequence[Identifier]], Sequence[Listed]]

#: So many mails of each folder prove that its server finds what is there.
_PROBES = 4
_LARGEST_PROBE_BYTES = 200_000
_TEXT = frozenset({(b"text", b"plain"), (b"text", b"html")})
_LONG_WORD = re.compile(r"[^\W\d_]{6,30}")
#: What people put between the last two pairs of a number.
_BETWEEN = ("", " ", "-", ".", "\u00a0", "&nbsp;", "/")


def everything(_box: Mailbox, listed: Sequence[Listed], _identifiers: Sequence[Identifier]) -> Sequence[Listed]:
    """All mails: the only way that needs no belief."""
    return listed


def told_by_server(box: Mailbox, listed: Sequence[Listed], identifiers: Sequence[Identifier]) -> Sequence[Listed]:
    """What the server finds; enough to look for a canary, never for a person."""
    found: set[int] = set()
    for form in dict.fromkeys(form for each in identifiers for form in forms(each)):
        found |= box.search(form)
    return [mail for mail in listed if mail.uid in found]


def narrowed(box: Mailbox, listed: Sequence[Listed], identifiers: Sequence[Identifier]) -> Sequence[Listed]:
    """What the server finds, and what it cannot look into; all mails if it does not find what is known to be there."""
    structures = box.structures(listed)
    only_text = [mail for mail in listed if _is_text(structures.get(mail.uid))]
    if not _finds_what_is_there(box, only_text):
        return listed
    told = {mail.uid for mail in told_by_server(box, listed, identifiers)}
    readable = {mail.uid for mail in only_text}
    return [mail for mail in listed if mail.uid in told or mail.uid not in readable]


def forms(identifier: Identifier) -> Iterable[str]:
    """Texts of which one stands in every mail that holds *identifier* in a way that people usually write it."""
    return _FORMS[identifier.type](identifier.value)


def _is_text(structure: object) -> bool:
    """Whether a BODYSTRUCTURE (RFC 3501 s. 7.4.2) has no part but text; one that is missing has."""
    if not isinstance(structure, tuple) or not structure:
        return False
    if isinstance(structure[0], list):
        return all(_is_text(part) for part in structure[0])
    kind = tuple(part.lower() for part in structure[:2] if isinstance(part, bytes))
    return kind in _TEXT and b"attachment" not in str(structure).lower().encode()


def _finds_what_is_there(box: Mailbox, mails: Sequence[Listed]) -> bool:
    small = [mail for mail in mails if mail.size <= _LARGEST_PROBE_BYTES]
    probes = small[:: max(1, len(small) // _PROBES)][:_PROBES]
    for mail, content in box.contents(probes):
        try:
            words = _LONG_WORD.findall(mail_in(content).text)
        except ValueError:
            return False
        # Letters outside ASCII stand encoded in a mail; who finds them has decoded it.
        word = max(words, key=lambda each: (not each.isascii(), len(each)), default="")
        if word and mail.uid not in box.search(word):
            return False
    return True


# --------------------------------------------------------------------------------------------------------- spellings


def _email(value: str) -> Iterator[str]:
    local, _, domain = value.partition("@")
    yield f"{local}@{domain}" if domain.isascii() else f"{local}@"


def _last_four(value: str) -> Iterator[str]:
    digits = re.sub(r"\D", "", value)[-4:]
    for between in _BETWEEN:
        yield f"{digits[:2]}{between}{digits[2:]}"
    for between in _BETWEEN[1:3]:
        yield f"{digits[:1]}{between}{digits[1:]}"
        yield f"{digits[:3]}{between}{digits[3:]}"


def _longest_run(value: str) -> Iterator[str]:
    yield max(re.findall(r"[^\W\d_]+|\d+", value) or [value], key=len)[-3:]


def _longest_word(value: str) -> Iterator[str]:
    word = max(value.split() or [value], key=len)
    yield word
    yield fold(word)
    yield html.escape(word, quote=False).encode("ascii", "xmlcharrefreplace").decode()
    yield _named_entities(word)


def _named_entities(word: str) -> str:
    names = html.entities.codepoint2name
    return "".join(f"&{names[ord(letter)]};" if ord(letter) in names else letter for letter in word)


_FORMS: dict[IdentifierType, Callable[[str], Iterator[str]]] = {
    IdentifierType.EMAIL: _email,
    IdentifierType.PHONE: _last_four,
    IdentifierType.PERSONNUMMER: _last_four,
    IdentifierType.ORGNR: _last_four,
    IdentifierType.NATIONAL_ID: _longest_run,
    IdentifierType.CUSTOMER_NO: _longest_run,
    IdentifierType.USERNAME: _longest_run,
    IdentifierType.ORDER_NO: _longest_run,
    IdentifierType.SERIAL: _longest_run,
    IdentifierType.NAME: _longest_word,
    IdentifierType.ADDRESS: _longest_word,
}
