"""
Text -> the identifiers that stand in it, and where.

Effects: none. Every pattern is bounded, so that hostile text costs linear time. Apart from their normal forms
(dsar/identifiers.py), for the patterns take longer to compile than many a command takes otherwise.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from dsar.identifiers import EMAIL, HOME, normalise, phone
from dsar.model import Identifier, IdentifierType

OWN_ORGNR = "556402-9584"
#: Candidates of one shape that are looked at in one text; a mail with more is no letter from a person.
_MOST_CANDIDATES = 2000

_PERSONNUMMER = re.compile(
    r"(?<![\w+-])(?:1[89]|20)?[0-9]{6}[-+–]?[0-9]{4}(?![\w-])|(?<!\w)[12][0-9]{7} [0-9]{4}(?!\w)"
)
_RESERVE_NUMBER = re.compile(r"(?<!\w)(?:1[89]|20)[0-9]{6}-?(?:TF[0-9]{2}|[TRSUWXJKLMN][0-9]{3})(?!\w)")
_ORGNR = re.compile(r"(?<![\w-])(?:16)?[0-9]{2}[2-9][0-9]{3}-[0-9]{4}(?![\w-])")
_VAT_NUMBER = re.compile(r"(?<!\w)SE ?(?P<value>[0-9]{6}-?[0-9]{4}) ?01(?!\w)")
_PHONE = re.compile(r"(?<![\w+/.@-])(?:\+|00|\(?0)[0-9](?:[ \u00a0()/.–-]{0,2}[0-9]){5,13}(?![\w@])(?!-[0-9])")
_DATE_LIKE = re.compile(r"[0-9]{2}[-./][0-9]{2}[-./](?:19|20)?[0-9]{2}")

_IS = (
    r"(?:\s{0,3}(?:\.|[:=#°º]|(?:är|er|e|is|var|was|lyder|hette|heter|hedder|heiter|on|oli|ist|war|lautet|est|était|es|era|to"
    r"|hos er|with you)(?!\w))){0,3}\s{0,3}[\"'”“»(]?"
)
#: A code, or digits in groups: "K-20931", "7718204", "88 12 04".
_CODE = (
    r"(?P<value>[0-9]{1,3}(?: [0-9]{1,3}){1,3}(?:-[0-9](?![0-9-])|(?![0-9-]|[ ][0-9]))"
    r"|(?=(?:[A-ZÅÄÖa-zåäö]{1,4}[ -])?[A-Za-z/_-]{0,12}[0-9])"
    r"(?:(?-i:[A-ZÅÄÖ]{1,4} )|[A-Za-zÅÄÖåäö]{1,4}-)?[A-Za-z0-9][A-Za-z0-9/_-]{1,30})(?![A-Za-z0-9])"
)


def _labelled(words: str, value: str = _CODE) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w){_IS}{value}", re.IGNORECASE)


#: After the word for a number: on what it stands, or who asked for it.
_REMARK = (
    r"(?:(?: (?:på|i|hos|enligt|från|fra|frå|on|in|from) (?:the )?(?!mig|meg|me)[^\W\d]{2,20}"
    r"|(?: som)? (?:ni|du|dere|de|dykk|i|you) (?:[^\W\d]{1,15} ){1,3}(?:efter|om|etter|for))"
    r"(?= ?:| (?:är|er|is|var|was|lyder)(?!\w)))?"
)
_NUMBER = (
    rf"(?:[- ]?(?:(?:nummer|numret|numrer|number)(?:et)?{_REMARK}|(?:nr|no|n|id|#)(?:et)?)(?: mi(?:tt|n|t)(?!\w))?)"
)
_CUSTOMER_NO = _labelled(
    rf"kunde?{_NUMBER}|knr|kundkort(?:et)?{_NUMBER}?|(?:customer|client|account|member){_NUMBER}|asiakasn(?:umero(?:ni)?|ro)"
    rf"|kunden(?:nummer|nr)|kdnr\.?|num[eé]ro (?:de )?client|n° (?:de )?client|n[uú]mero de cliente|n[ºo]\.? de cliente"
    rf"|numer(?:em)? klienta|nr klienta|kliendi(?:number|nr|kood)|رقم (?:العميل|الزبون)|cust(?=\.)"
    r"|(?:kund|kunde|customer|client)(?=\s{0,2}[:#]?\s{0,2}\(?(?:[A-Z]{1,3}-?)?[0-9]{2})"
    r"|(?<!al )(?:cliente|asiakas|klient)(?=\s{0,2}[:#]?\s{0,2}(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{4,8}(?![0-9/ -]))"
)
#: Our customer numbers need no label.
_OWN_CUSTOMER_NO = re.compile(r"(?<![\w-])K-[0-9]{4,6}(?![\w-])")
_ORDER_NO = _labelled(
    rf"(?:order|ordre|faktura|beställnings|invoice|ärende|ticket|avtals?|hyresavtals?|kontrakts?|contract|agreement){_NUMBER}"
    r"|pedido|zamówieni[ae]|bestell(?:ung|nummer)|tilau(?:s|snumero)|commande|tellimus"
    r"|(?:faktura|order|invoice|beställning)(?:e?n)?"
    r"(?:,? (?:som )?(?:hade|har|med|with|has|had) (?:the )?(?:nummer|numret|number|nr))?"
)
_SERIAL = _labelled(rf"(?:serie|serial){_NUMBER}|serial|s/n|sn")
_NATIONAL_ID = _labelled(
    r"fødselsnummer(?:et)?|fødselsnr|fnr|f\.nr|personnummer(?:et)?|cpr(?:[- ]?(?:nummer|nr))?(?:et)?|hetu"
    r"|henkilötunnu\w*|national id(?:entity)?(?: number)?|pesel|isikukood\w*|dni|nie|dni/nie",
    r"(?P<value>[0-9]{6}[-+A ]?[0-9]{3,5}[0-9A-Y]?|[XYZ]?[0-9]{7,8}-?[A-Z])(?!\w)",
)
_USERNAME = re.compile(
    r"(?<!\w)(?:användarnamn(?:et)?|identifiant|inloggningsnamn|inloggning(?:en)?|inlogg|brukernavn(?:et)?|brukarnamn(?:et)?"
    r"|brugernavn(?:et)?|user ?name|user ?id|login|log-?in name|anställningsn(?:ummer|r)|ansattn(?:ummer|r)"
    r"|employee number|anst\.? ?nr|bruker(?=\s?:)|user(?=\s\w*[0-9_])"
    r"|(?<=\()(?:user|användare|bruker|brukar|bruger)(?=\s[\w.-]{3,30}\))|user(?=\s{1,2}[\"'”“»])|användare(?=\s{1,2}[\"'”“»]))(?!\w)"
    r"(?:\s+(?:hos (?:er|dere|jer|dykk)|i (?:webbshopen|webbutiken|portalen|nettbutikken)|in your (?:shop|store|portal)"
    r"|with you))?(?P<says>\s{0,3}[:=]|\s{1,3}(?:är|er|e|is|var|was)(?!\w))?\s{0,3}[\"'”“»]?"
    r"(?P<value>[\w][\w.@+-]{1,63})",
    re.IGNORECASE,
)
#: Beside a word for an account what looks like no other word: "brukeren min (anna_by)".
_ACCOUNT = re.compile(
    r"(?<!\w)(?:bruker\w{0,5}|brukar\w{0,4}|bruger\w{0,6}|användar\w{0,8}|konto\w{0,4}|account|profil\w{0,3}|usuari[oa]|compte"
    r"|utilisateur|benutzer\w{0,6}|kasutaja\w{0,6}|tunnus\w{0,4}|käyttäjä\w{0,8}|użytkownik\w{0,3}|user(?:name)?|login|alias)"
    r"(?!\w)(?: (?:min|mitt|mit|mi|är|er|is|heter|med|named|called|navn|namn|name))?[\s(:,\"'”“»]{1,3}"
    r"(?P<value>[a-zåäöæø]{2,20}_[\w.-]{1,30}(?<!\.)"
    r"|(?<=[\"'”“»])(?=[\w.-]{0,30}[0-9_])[a-zåäöæø][\w.-]{2,30}(?=[\"'”“«]))(?![\w@])",
    re.IGNORECASE,
)
#: The same of a file, of a page, or of a field.
_FILE_LIKE = re.compile(r"\.\w{2,4}$|_(?:id|name|namn|history|moms)$")
_ORGNR_LABELLED = _labelled(
    r"org(?:anisations)?\.?[- ]?(?:nummer|nr)|enskild(?: firma)?,?|enskild näringsverksamhet",
    r"(?P<value>(?:16)?[0-9]{6}[- ]?[0-9]{4})(?!\w)",
)
_PERSONNUMMER_LABELLED = _labelled(
    r"(?:person|samordnings)(?:nummer|nr|numret)|pers?\.? ?nr|pnr|person(?:al)? (?:identity )?number|född|f\.|born",
    r"(?P<value>(?:1[89]|20)?[0-9]{6}[-+– ]?[0-9]{4})(?!\w)",
)


#: Every identifier has a digit, an @ or the label of a user name; most sentences have none of them.
_WORTH_LOOKING = re.compile(r"\d|@|_|namn|navn|user|login|inlogg|bruker|identifiant", re.IGNORECASE)


class Found(NamedTuple):
    """An identifier and where it stands."""

    identifier: Identifier
    start: int
    end: int


def find_identifiers(text: str, *, region: str = HOME) -> tuple[Identifier, ...]:
    """
    Identifiers that stand in *text*, in order of appearance, each once; our own organisation number is none.

    Args: region: ISO 3166 code of the country whose telephone numbers are written without a country code.

    A value that a label explains ("kundnummer 10442") is of that type and of no other. Names and addresses are not
    found here: they have no shape.
    """
    return tuple(dict.fromkeys(each.identifier for each in locate(text, region=region)))


def locate(text: str, *, region: str = HOME) -> tuple[Found, ...]:
    """As find_identifiers, each with its place, and as often as it stands there."""
    if not _WORTH_LOOKING.search(text):
        return ()
    found: dict[int, Found] = {}
    first, *late = _OFHOME.get(region, (None,))
    for finder in (*filter(None, (first,)), *_FINDERS, *late):
        spans = []
        for match in islice(finder.pattern.finditer(text), _MOST_CANDIDATES):
            identifier = finder.accept(match)
            if identifier is not None:
                start, end = match.span("value") if "value" in match.re.groupindex else match.span()
                spans.append((start, end))
                found[start] = Found(identifier, start, end)
        text = _blank(text, spans) if spans else text
    return tuple(found[start] for start in sorted(found) if found[start].identifier.value != OWN_ORGNR)


class _Finder(NamedTuple):
    type: IdentifierType
    pattern: re.Pattern[str]
    unless: Callable[[re.Match[str]], bool] | None = None
    region: str = HOME
    code: str = ""  #: Of the country, where the form of a number tells it.

    def accept(self, match: re.Match[str]) -> Identifier | None:
        if self.unless is not None and self.unless(match):
            return None
        if self.code:
            return normalise(self.type, self.code + match[0].removeprefix("0"))
        if self.region != HOME:
            number = phone(match[0], self.region)
            return Identifier(type=self.type, value=number) if number else None
        return normalise(self.type, match["value"] if "value" in match.re.groupindex else match[0])


#: What follows the last word of a remark: "(kundnr 77140, användarnamn elfvingform)".
_IN_LIST = re.compile(r"(?<=\.)(?:\s|$)|[),;]|$")
#: Before its label: it is a remark, or a sentence, of its own.
_BEGINS = re.compile(r"(?:[,;(]|[.!?:]\s|\n)\s{0,5}$")
#: A label that only names have, and before one that is definite: "med användarnamnet frejategner".
_NAMES = re.compile(
    r"(?:anvä|bruk|brug|user|identif)\w*?(?: ?name?|namn|navn|namnet|navnet|iant)(?!\w)|(?<=\()", re.IGNORECASE
)
_BEARS = re.compile(r"(?<!\w)(?:med|under|with|by)(?: the)? $", re.IGNORECASE)
_DEFINITE = re.compile(r"\w+et(?!\w)|user ?name", re.IGNORECASE)
_NO_NAME = re.compile(
    r"(?:och|og|and|eller|or|men|but|som|that|which|i|på|in|on|for|för|fra|från|hos|til|till|to|at|with|via|every|instead"
    r"|istället|mitt|mit|min|my|sedan|igen|not|only|is|was|jag|jeg|ni|you|saknas|okänt|unknown|missing|account|data|rights"
    r"|deleted|slettet|since|id|fungerar|problem)$",
    re.IGNORECASE,
)
_BEFORE_LABEL = 40


def _is_plain_word(match: re.Match[str]) -> bool:
    """A word after "användarnamn" that neither a colon, its own form nor its place marks as a name."""
    text, start, word = match.string, match.start(), match["value"].rstrip(".")
    if match["says"] or not word.isalpha():
        return False
    before = text[max(0, start - _BEFORE_LABEL) : start]
    listed = _IN_LIST.match(text, match.end()) is not None
    remark = listed and before.rstrip().endswith((",", ";", "("))
    alone = listed and _NAMES.match(text, start) is not None and (start == 0 or _BEGINS.search(before) is not None)
    borne = _DEFINITE.match(text, start) is not None and _BEARS.search(before) is not None
    return not (remark or alone or borne) or _NO_NAME.match(word) is not None


def _is_file(match: re.Match[str]) -> bool:
    return _FILE_LIKE.search(match["value"]) is not None


def _is_mobile(match: re.Match[str]) -> bool:
    """Ten digits in one run that read as a Swedish phone number too: only a label makes them a personnummer."""
    return match[0].isdecimal() and match[0].startswith("0") and phone(match[0]) is not None


def _is_date(match: re.Match[str]) -> bool:
    return _DATE_LIKE.match(match[0]) is not None


#: In this order; what one finder takes, the next does not see.
_FINDERS = (
    _Finder(IdentifierType.EMAIL, EMAIL),
    _Finder(IdentifierType.USERNAME, _USERNAME, unless=_is_plain_word),
    _Finder(IdentifierType.USERNAME, _ACCOUNT, unless=_is_file),
    _Finder(IdentifierType.PERSONNUMMER, _PERSONNUMMER_LABELLED),
    _Finder(IdentifierType.ORGNR, _ORGNR_LABELLED),
    _Finder(IdentifierType.NATIONAL_ID, _NATIONAL_ID),
    _Finder(IdentifierType.CUSTOMER_NO, _CUSTOMER_NO),
    _Finder(IdentifierType.CUSTOMER_NO, _OWN_CUSTOMER_NO),
    _Finder(IdentifierType.ORDER_NO, _ORDER_NO),
    _Finder(IdentifierType.SERIAL, _SERIAL),
    _Finder(IdentifierType.ORGNR, _VAT_NUMBER),
    _Finder(IdentifierType.ORGNR, _ORGNR),
    _Finder(IdentifierType.PERSONNUMMER, _PERSONNUMMER, unless=_is_mobile),
    _Finder(IdentifierType.NATIONAL_ID, _RESERVE_NUMBER),
    _Finder(IdentifierType.PHONE, _PHONE, unless=_is_date),
)


#: Eight digits, as Norwegians and Danes write their numbers.
_EIGHT = r"(?<![\w+/.@-])(?:[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}|[0-9]{3} [0-9]{2} [0-9]{3})(?![\w@-]| [0-9])"
#: Five pairs, as the French write theirs.
_FIVE_PAIRS = r"(?<![\w+/.@-])0[1-9](?:[ .][0-9]{2}){4}(?![\w@-]| [0-9])"
#: Nine digits in threes.
_NINE = r"(?<![\w+/.@-])[4-9][0-9]{2}[ .-]?[0-9]{3}[ .-]?[0-9]{3}(?![\w@-]| [0-9])"
#: Looked for by the country of the letter's language: the first before all others, the rest after them.
_OFHOME = {
    "NO": (
        _Finder(IdentifierType.NATIONAL_ID, re.compile(r"(?<![\w.-])[0-3][0-9][0-1][0-9]{3} ?[0-9]{5}(?![\w-])")),
        _Finder(IdentifierType.PHONE, re.compile(_EIGHT), region="NO"),
    ),
    "DK": (
        _Finder(IdentifierType.NATIONAL_ID, re.compile(r"(?<![\w.-])[0-3][0-9][0-1][0-9]{3}-[0-9]{4}(?![\w-])")),
        _Finder(IdentifierType.PHONE, re.compile(_EIGHT), region="DK"),
    ),
    **{region: (_Finder(IdentifierType.PHONE, _PHONE, region=region),) for region in ("DE", "FI")},
    "FR": (
        _Finder(IdentifierType.PHONE, re.compile(_FIVE_PAIRS), code="+33"),
        _Finder(IdentifierType.PHONE, _PHONE, region="FR"),
    ),
    **{region: (_Finder(IdentifierType.PHONE, re.compile(_NINE), region=region),) for region in ("ES", "PL")},
    "EE": (_Finder(IdentifierType.PHONE, re.compile(r"(?<![\w+/.@-])5[0-9]{2,3} ?[0-9]{3,4}(?![\w@-])"), region="EE"),),
}


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    """*text* with *spans* (in order, apart) as blanks, every other character at its place."""
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += (text[done:start], " " * (end - start))
        done = end
    return "".join(pieces) + text[done:]
