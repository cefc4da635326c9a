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
from dsar.triage.letter import NAME_IN_TEXT, OWN_MATTER, Letter
from dsar.triage.vocabulary import fold

#: Language -> country whose telephone numbers need no country code.
_REGIONS = {"no": "NO", "nn": "NO", "da": "DK", "de": "DE", "fi": "FI", "fr": "FR", "es": "ES", "pl": "PL", "et": "EE"}
_TAKEN_BACK = re.compile(
    r"[^\w\n]{0,4}(?:nej|nei|nope|no(?! longer)|fel|feil|forkert|wrong|vanta|vent|wait|ah|oj|sorry|forlat"
    r"|unnskyld|undskyld|rattelse)"
    r"(?!\w)|[^\w\n]{0,4}(?:det )?(?:ar|var|er|is|was|that'?s) (?:det )?(?:fel|feil|forkert|wrong|gammal\w*|old"
    r"|gammel\w*)(?!\w)"
)
#: The same at the beginning of the next sentence, where a "no" alone may answer something else.
_TAKEN_BACK_NEXT = re.compile(
    r"\W{0,4}(?:(?:nej|nei|no)\W{1,3}(?:forlat|vanta|vent|wait|fel|feil|forkert|sorry|unnskyld|undskyld)"
    r"|(?:oj|ah|oops|forlat|sorry|unnskyld|undskyld|vanta|vent|wait)\W{1,3}(?:nej|nei|no|fel|feil|forkert|wrong))(?!\w)"
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
#: Before a number or address: it is that of whom the letter is written to.
OF_READER = re.compile(
    r"(?<!\w)(?:ert|era|er|your|yours|deres|jeres|dykkar)\s+(?:(?!mi|my)\w+\s+)?(?:(?:telefon|mobil)?nummer"
    r"|telefonnr|telefon|tel|number|phone(?: number)?|line|(?:mejl|mail|e-?post)?-?adress|(?:e-?mail )?address)"
    r"[^.!?\n\w]{0,4}(?:(?:pa|is|er|ar) )?[^.!?\n\w]{0,4}$"
)
#: Before an address: it is that of a company to which something is to go.
_OF_RECIPIENT = re.compile(
    r"(?<!\w)(?:till|til|to) (?:\w+ ){0,3}"
    r"(?:leverantor\w*|leverandor\w*|supplier|vendor|provider|konkurrent\w*|competitor|redovisningsbyra\w*|byra\w*"
    r"|accountants?)(?: (?:at|pa|via|med adressen?))?[^\w\n]{0,4}$"
)
#: Before: it is that of somebody spoken of. "Hans" may be a name, and "her" is Norwegian and Danish for "here".
_OF_SOMEBODY = re.compile(
    r"(?<!\w)(?:[Hh]ans(?= [a-zåäö])|[Hh]ennes|[Hh]endes|[Hh]is|[Tt]heir"
    r"|[Hh]er(?= \w+ and| (?:\w+ )?(?:number|address|order|e-?mail|phone)))(?!\w)"
    r"(?:(?!(?<!\w)(?:jag|mig|min|mitt|mina|jeg|meg|mit|mine|my|me|I)(?!\w))[^.!?\n]){0,30}$"
)
#: After: it is a company's.
_OF_COMPANY = re.compile(
    r"[^.!?\w\n]{0,3}(?:(?:som|which|that) )?(?:ar|er|is|tillhor|tilhorer|horer til|hor till|belongs to|is for)"
    r" (?:firmaets|firmaens|firmans|firman|foretagets|foretaget|bolagets|bolaget|foreningens|foreningen|selskapets"
    r"|selskabets|skolans|kommunens|(?:the|our|my) (?:company|firm|employer|business|school)(?:'?s)?)"
    r"(?=\s*(?:[.,;!?)\n]|$)|\s+(?:och|og|and|men|but)(?!\w))"
)
#: In a letter of an employer: who comes in place of the one who left, before the name, and before what stands after it.
_COMES = (
    r"(?<!\w)(?i:lägg(?:a|er)? (?:in|till)|legg(?:e)? (?:inn|til)|læg(?:ge)? ind|tilføj|put|add"
    r"|(?:ersätt|erstatt|replace)\w* (?:\w+ )?(?:med|av|by|with)|(?:kommer|come) (?:från|fra|from)"
    r"|ny(?:a|e)? (?:kontakt\w*|beställare)(?: är| er| blir)?|new contact(?: person)?(?: is)?)[ :]{1,2}"
)
_TAKES_OVER = r" (?:tar över|tager over|tar over|takes over|will take over|ersätter|erstatter|replaces)(?!\w)"
_IN_PLACE = re.compile(
    rf"(?:{_COMES}(?:\w+ )?|(?:{_COMES}(?:\w+ )?{NAME_IN_TEXT.pattern}|{NAME_IN_TEXT.pattern}{_TAKES_OVER})"
    r"[^.!?\n]{0,40})$"
)
#: On the line of a number, before it: a letterhead.
_LETTERHEAD = re.compile(r"(?<!\w)(?:AB|HB|KB|AS|ASA|A/S|ApS|Oy|Ltd|LLP|LLC|Inc|GmbH|PLC|advokat\w*)(?!\w)")
_OWN = re.compile(
    r"(?<!\w)(?:jag|mig|mej|min|mitt|mina|vart|jeg|meg|mit|mine|eg|i|me|my|mine|mejl\w*|mail\w*|e-?post\w*|e-?mail\w*"
    r"|epost\w*"
    r"|adress\w*|address\w*|privat\w*|private|konto\w*|account|inloggad|skriver)(?!\w)"
)
#: Before and after a number or address in a letter written for somebody: it is the writer's ("ring mig på ...").
_OF_WRITER_BEFORE = re.compile(
    r"(?<!\w)(?:jag|mig|mej|min|mitt|oss|vart|jeg|meg|mit|eg|i|me|my|us|our)(?!\w)"
    r"(?! (?:klient|huvudman|client|principal|user|member|customer|anvandare|medlem|kund|bruker|bruger)(?!\w)"
    r"(?! (?:service|support|desk|line|team|care|cent)))"
    r"[^.!?\n]{0,25}$"
)
_OF_WRITER_AFTER = re.compile(r"[^\w\n]{0,3}(?:mine|mitt|min|mit)(?!\w)")
#: What a person is reached by.
_REACHES = (IdentifierType.PHONE, IdentifierType.EMAIL)
#: Letters of the name of a domain that may be written as several words.
_LONG_LABEL = 8
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


def identifiers_in(
    text: str, letter: Letter, *, language: str, of_writer: bool = True, following: str = ""
) -> list[Identifier]:
    """
    Identifiers in a piece of the letter's *text* that are the person's, in order of appearance.

    Args: of_writer: the person is the writer, not one whom the letter has named before; following: what comes next.
    """
    found = [each for each in locate(text, region=region_of(language)) if _is_persons(each, text, letter)]
    if found and _TAKEN_BACK_NEXT.match(fold(following[:_AFTER])) and locate(following, region=region_of(language)):
        found.pop()
    if of_writer and letter.requester in (Requester.SELF, Requester.WEB_FORM):
        found = [each for each in found if not _OF_SOMEBODY.search(text, max(0, each.start - _BEFORE), each.start)]
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
    if _TAKEN_BACK.match(after) or _OF_COMPANY.match(after):
        return False
    if _DENIED.search(before) or _SWITCHBOARD.search(before):
        return False
    if found.identifier.type in _REACHES and (OF_READER.search(before) or _OF_RECIPIENT.search(before)):
        return False
    if found.identifier.type is IdentifierType.PHONE and _REGISTER_NO.search(before):
        return False
    if letter.requester in OWN_MATTER:
        if _OF_ANOTHER_BEFORE.search(before) or _OF_ANOTHER_AFTER.match(after):
            return False
        return found.identifier.type is not IdentifierType.EMAIL or _looks_own(found.identifier.value, before, letter)
    if letter.requester in (Requester.AGENT, Requester.SERVICE) and _is_of_agent(found.identifier, letter):
        return False
    if letter.requester is Requester.EMPLOYER and comes_in_place(text[: found.start]):
        return False
    return not _is_of_writer(found, text, before, after, letter)


def comes_in_place(before: str) -> bool:
    """In a letter of an employer, whether what follows these words is of somebody who comes in place of who left."""
    return _IN_PLACE.search(before, max(0, len(before) - 2 * _BEFORE)) is not None


def takes_over(after: str) -> bool:
    """The same of a name, by what follows it."""
    return re.match(_TAKES_OVER, after) is not None


def _is_of_writer(found: Found, text: str, before: str, after: str, letter: Letter) -> bool:
    """A number or address at which whoever writes for another is reached."""
    if found.identifier.type not in _REACHES:
        return False
    lone = found.identifier.type is IdentifierType.PHONE and sum(map(str.isalpha, text)) <= _FEW_LETTERS
    signed = lone and letter.requester is not Requester.SERVICE  # services list what they know of the person
    signed |= found.identifier.type is IdentifierType.PHONE and _is_letterhead(found, text, letter)
    writers = _OF_WRITER_BEFORE.search(before)
    named = writers is not None and letter.principal is not None and fold(letter.principal) in writers[0]
    says_mine = writers is not None and not named and _OF_ANOTHER_BEFORE.search(before) is None
    return signed or says_mine or _OF_WRITER_AFTER.match(after) is not None


def _is_letterhead(found: Found, text: str, letter: Letter) -> bool:
    """Before it, on its line, stand a company or what the writer's domain is called, and not whom the letter is for."""
    line = text[max(0, found.start - _WITHIN) : found.start].rpartition("\n")[2]
    words = re.findall(r"\w+", fold(line))
    if letter.principal and fold(letter.principal).split()[-1] in words:
        return False
    domain = _domain(letter)
    label = re.sub(r"\W", "", domain.partition(".")[0])
    named = label in words or (len(label) >= _LONG_LABEL and label in "".join(words))
    return (named and not _FREE_MAIL.match(domain)) or _LETTERHEAD.search(line) is not None


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
    domain = _domain(letter)
    return identifier.value.endswith(f"@{domain}") and not _FREE_MAIL.match(domain)


def _domain(letter: Letter) -> str:
    """Domain of who wrote; empty if nobody knows their address."""
    return (letter.address or "").rpartition("@")[2]
