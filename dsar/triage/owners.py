"""
Text of a letter -> the identifiers in it that are those of the person whom it is about.

Effects: none. A number that is taken back ("nej vänta, det var 0708 ..."), that is somebody else's ("min frus nummer"),
or an address that shows no sign of the writer is nobody's identifier: what is not taken is asked for, what is taken
wrongly finds another person's data.
"""

import re

from dsar.identifiers import normalise
from dsar.mentions import Found, locate
from dsar.model import Identifier, IdentifierType, Requester
from dsar.triage.letter import OWN_MATTER, Letter
from dsar.triage.vocabulary import fold

#: Language -> country whose telephone numbers need no country code.
_REGIONS = {"no": "NO", "nn": "NO", "da": "DK", "de": "DE", "fi": "FI", "fr": "FR", "es": "ES", "pl": "PL", "et": "EE"}
_TAKEN_BACK = re.compile(
    r"[^\w\n]{0,4}(?:nej|nei|nope|no|fel|feil|forkert|wrong|vanta|vent|wait|ah|oj|sorry|forlat"
    r"|unnskyld|undskyld|rattelse)"
    r"(?!\w)|[^\w\n]{0,4}(?:det )?(?:ar|var|er|is|was|that'?s) (?:det )?(?:fel|feil|forkert|wrong|gammal\w*|old"
    r"|gammel\w*)(?!\w)"
)
_DENIED = re.compile(
    r"(?:inte|ikke|ikkje|not|ej|istallet for|i stallet for|i stedet for|instead of)(?: pa| till| to| the)? ?$"
)
#: Before a number: it is a company's, not a person's.
_SWITCHBOARD = re.compile(
    r"(?<!\w)(?:vaxel\w*|vx|vxl|switchboard|reception\w*|sentralbord\w*|omstilling\w*|hovednum\w+|fax)"
    r"(?: (?:ar|er|is|pa|on))?[^\w\n]{0,4}$"
)
_RELATIVE = (
    r"(?:min|mitt|mina|my|mi|mit|mine|var|vart|hans|hennes|our)\s+(?:\w+\s+)?(?:ex|exman|exfru|fru|frus|hustru\w*"
    r"|man|mans"
    r"|make\w*|maka|sambo\w*|dotter\w*|son|sons|mamma\w*|mor|mors|pappa\w*|far|fars|bror\w*|syster\w*|chef\w*"
    r"|kollega\w*"
    r"|wife\w*|husband\w*|daughter\w*|mother\w*|father\w*|brother\w*|sister\w*|boss\w*|colleague\w*|mum\w*|dad\w*"
    r"|kone|kona|mann|datter\w*|sonn\w*|bror\w*|soster\w*|sjef\w*|kjaereste\w*|kaereste\w*|eks\w*)(?!\w)(?:'s)?"
)
_OF_ANOTHER_BEFORE = re.compile(rf"{_RELATIVE}[^.!?\n]{{0,22}}$")
_OF_ANOTHER_AFTER = re.compile(rf"[^.!?\n\w]{{0,3}}(?:\w+ ){{0,4}}{_RELATIVE}")
_OWN = re.compile(
    r"(?<!\w)(?:jag|mig|mej|min|mitt|mina|vart|jeg|meg|mit|mine|eg|i|me|my|mine|mejl\w*|mail\w*|e-?post\w*|e-?mail\w*"
    r"|epost\w*"
    r"|adress\w*|address\w*|privat\w*|private|konto\w*|account|inloggad|skriver)(?!\w)"
)
#: Before and after a number or address in a letter written for somebody: it is the writer's ("ring mig på ...").
_OF_WRITER_BEFORE = re.compile(
    r"(?<!\w)(?:jag|mig|mej|min|mitt|oss|vart|jeg|meg|mit|eg|i|me|my|us|our)(?!\w)"
    r"(?! (?:klient|huvudman|client|principal))[^.!?\n]{0,25}$"
)
_OF_WRITER_AFTER = re.compile(r"[^\w\n]{0,3}(?:mine|mitt|min|mit)(?!\w)")
#: A line with so few letters beside the number stands below a signature.
_FEW_LETTERS = 8
#: Before a number: it is a company's in a register.
_REGISTER_NO = re.compile(r"(?<!\w)(?:cvr|org|sra|vat|moms)\w{0,4}[^\w\n]{0,3}(?:nr|no)?[^\w\n]{0,3}$")
_BEFORE, _AFTER = 60, 60
_WITHIN = 40
_FREE_MAIL = re.compile(
    r"(?:gmail|hotmail|outlook|live|yahoo|icloud|telia|proton\w*|comhem|bredband\w*|spray|msn|me|fastmail|posteo)\."
)


def region_of(language: str) -> str:
    """ISO 3166 code of the country whose telephone numbers a writer of *language* gives without a country code."""
    return _REGIONS.get(language, "SE")


def identifiers_in(text: str, letter: Letter, *, language: str) -> list[Identifier]:
    """Identifiers in a piece of the letter's *text* that are the person's, in order of appearance."""
    found = [each for each in locate(text, region=region_of(language)) if _is_persons(each, text, letter)]
    return [each.identifier for each in found]


def sender_identifiers(letter: Letter) -> list[Identifier]:
    """The sender's address, and the telephone number before a gateway for short messages."""
    if not letter.address:
        return []
    local = letter.address.partition("@")[0]
    phone = (
        normalise(IdentifierType.PHONE, local if local.startswith(("0", "+")) else f"+{local}")
        if _is_number(local)
        else None
    )
    return [each for each in (normalise(IdentifierType.EMAIL, letter.address), phone) if each]


def _is_number(local: str) -> bool:
    return local.removeprefix("+").isdecimal() and len(local) >= 8


def _is_persons(found: Found, text: str, letter: Letter) -> bool:
    before = fold(text[max(0, found.start - _BEFORE) : found.start])
    after = fold(text[found.end : found.end + _AFTER])
    if _TAKEN_BACK.match(after) or _DENIED.search(before) or _SWITCHBOARD.search(before):
        return False
    if found.identifier.type is IdentifierType.PHONE and _REGISTER_NO.search(before):
        return False
    if letter.requester in OWN_MATTER:
        if _OF_ANOTHER_BEFORE.search(before) or _OF_ANOTHER_AFTER.match(after):
            return False
        return found.identifier.type is not IdentifierType.EMAIL or _looks_own(found.identifier.value, before, letter)
    if letter.requester in (Requester.AGENT, Requester.SERVICE) and _is_of_agent(found.identifier, letter):
        return False
    return not _is_of_writer(found, text, before, after, letter)


def _is_of_writer(found: Found, text: str, before: str, after: str, letter: Letter) -> bool:
    """A number or address at which whoever writes for another is reached."""
    if found.identifier.type not in (IdentifierType.PHONE, IdentifierType.EMAIL):
        return False
    lone = found.identifier.type is IdentifierType.PHONE and sum(map(str.isalpha, text)) <= _FEW_LETTERS
    signed = lone and letter.requester is not Requester.SERVICE  # services list what they know of the person
    writers = _OF_WRITER_BEFORE.search(before)
    named = writers is not None and letter.principal is not None and fold(letter.principal) in writers[0]
    says_mine = writers is not None and not named and _OF_ANOTHER_BEFORE.search(before) is None
    return signed or says_mine or _OF_WRITER_AFTER.match(after) is not None


def _looks_own(address: str, before: str, letter: Letter) -> bool:
    """It shares a part with the writer's name or address, or the words before it say that it is theirs."""
    if letter.requester is Requester.WEB_FORM or address == letter.address:
        return True
    known = re.findall(r"[^\W\d_]{3,}", fold(f"{letter.name or ''} {(letter.address or '').partition('@')[0]}"))
    local = fold(address.partition("@")[0])
    return any(word in local for word in known) or bool(_OWN.search(before[-_WITHIN:]))


def _is_of_agent(identifier: Identifier, letter: Letter) -> bool:
    if identifier.type is not IdentifierType.EMAIL:
        return False
    domain = (letter.address or "@").rpartition("@")[2]
    return identifier.value.endswith(f"@{domain}") and not _FREE_MAIL.match(domain)
