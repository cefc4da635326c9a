"""
Sentences -> the values that the person wants changed.

Effects: none. Which of two values is old and which is new is told by the nearest word before each; a single value
without such a word is the new one.
"""

import re
from collections.abc import Sequence
from datetime import date

from dsar.mentions import find_identifiers
from dsar.model import IdentifierType, RequestedChange
from dsar.triage.forwards import month_of
from dsar.triage.sentences import Sentence
from dsar.triage.vocabulary import fold

_OLD = re.compile(
    r"(?<!\w)(?:fran|tidigare|gamla|gammal|gammalt|forut|istallet for|i stallet for|ersatt|ersatter|byt ut"
    r"|byta ut|felaktiga|inte|ikke|ikkje|ej|har ni|star det|from|old|previous|former|formerly|instead of|replace"
    r"|replaces|no longer|not|gamle|hette|fodd|nuvarande registrerade|lamnat|slutat pa|slutat hos|slutar pa"
    r"|left|registrerad som|registrerat|felstavat som|used to be|was"
    r"|alte|alten|alter|bisherige|bisher|statt|anstatt|nicht mehr|vanha|entinen|aiempi|ei|l'ancien|ancien|ancienne"
    r"|l'ancienne|avant|antiguo|antigua|anterior|en lugar de|stary|stare|starego|poprzedni|dotychczasowy|vana|endine"
    r"|القديم)(?!\w)"
)
#: Before a value: it is the old one, whatever follows.
_OLD_VALUE = re.compile(
    r"(?<!\w)(?:gamla|gammal|gammalt|tidigare|gamle|gammel|tidligere|old|previous|former|alte|bisherige)(?!\w)"
)
#: All that stands between two values of which the second is the old one.
_INSTEAD = re.compile(
    r"[^\w\n]{0,3}(?:(?:och|og|and) )?(?:istallet for|i stallet for|i stedet for|i staden for|instead of|in place of"
    r"|statt|anstatt|inte|ikke|ikkje|not)(?: (?:pa|til|till|to|i|at))?[^\w\n]{0,3}"
)
_NEW = re.compile(
    r"(?<!\w)(?:till|bor jag pa|bor pa|bor numera pa|bor nu pa|bor|ny|nya|nytt|nyare|numera|nu|ar|istallet"
    r"|i stallet|anvand|ratt|ratta|korrekt|korrekta|ska vara|heter|med|to|new|now|is|use|correct|should be"
    r"|nye|til|begynner|borjat pa|borjar pa|"
    r"borjat hos|arbetar nu pa|jobbar nu pa|arbetar numera pa|jobbar numera pa|work at|work for|joined|with"
    r"|neue|neuer|neuen|lautet|ist|jetzt|nun|uusi|uuden|on nyt|nyt|nouvelle|nouveau|nouvel|est|desormais|nuevo|nueva|es"
    r"|ahora|nowy|nowe|nowego|to|teraz|uus|on|nuud|الجديد)(?!\w):?"
)
_STREET = re.compile(
    r"(?<![\w.'-])(?:(?:[A-ZÅÄÖ][\wåäö.'-]{1,40} ){0,2}[A-ZÅÄÖ]?[\wåäö.'-]{0,40}"
    r"(?:gatan|gata|vägen|väg|gränd|torget|allén|stigen|backen|platsen|plan|leden|liden|kajen|esplanaden|gården|hagen|höjden|vej|vegen|veien|gade|gate|katu"
    r"|tie)"
    r" \d{1,4}(?: ?[A-Za-z](?![a-zåäö]))?(?:,? (?:lgh|läg\.?) ?\d+)?(?:,? (?:\d{3} ?\d{2}"
    r"|\d{4}) [A-ZÅÄÖ][\wåäö-]+(?: (?!(?:Gaml|Gammal|Gammel|Tidigare|Förra|Den|Det|Mi[nt]"
    r"|My|The|Old|Previous|Ny|New|Tel|Mob|Till?|To|Från|Fra|From|Tack|Mvh|Adress)[a-z]*(?!\w))[A-ZÅÄÖ][\wåäö-]+)?)?"
    r"|[Bb]ox \d{1,5},? \d{3} ?\d{2} [A-ZÅÄÖ][\wåäö-]+"
    r"|\d{1,4}[A-Za-z]? (?:[A-Z][\w'-]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Way|Drive"
    r"|Square)(?:,? [A-Z][\w ]{2,30})?"
    r"|(?:[A-ZÄÖÜ][\wäöüß.-]{0,40} ){0,3}[A-ZÄÖÜ]?[\wäöüß-]{0,40}"
    r"(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer)"
    r" \d{1,4} ?[a-z]?,? \d{5} [A-ZÄÖÜ][\wäöüß-]+(?: [A-ZÄÖÜ][\wäöüß-]+)?"
    r"|\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|allée|impasse|quai|cours)\b[^,\n]{2,50}, ?\d{5}"
    r" [A-ZÉ][\wé-]+"
    r"|(?:Calle|C/|Avenida|Avda\.|Plaza|Paseo|Camino) ?[A-ZÁÉÍÓÚÑ][^,\n]{1,40},? \d{1,4}[^,\n]{0,20},? \d{5}"
    r" [A-ZÁÉÍÓÚÑ]\w+"
    r"|(?:ul\.|al\.|pl\.|os\.) [A-ZŁŚŻ][^,\n]{2,40} \d{1,4}[a-z]?(?:/\d{1,4})?,? \d{2}-\d{3} [A-ZŁŚŻ][\w-]+"
    r"|[A-ZÕÄÖÜ][\wõäöü-]{1,40}(?: (?:tn|tänav|mnt|pst|tee))? \d{1,4}[a-z]?(?:-\d{1,4})?,? \d{5}"
    r" [A-ZÕÄÖÜ][\wõäöü-]+"
    r"|(?<=adress är )[A-ZÅÄÖ][\wåäö-]{1,40} \d{1,4}[A-Za-z]?,? \d{3} ?\d{2} [A-ZÅÄÖ][\wåäö-]+)"
)
_PERSON = r"[A-ZÅÄÖÆØÉ][\wåäöæøé'’-]+(?: (?:(?:von|af|de|van) )?[A-ZÅÄÖÆØÉ][\wåäöæøé'’-]+){0,2}"
_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        (rf"(?:från|from) (?P<old>{_PERSON}) (?:till|to) (?P<new>{_PERSON})"),
        (
            rf"(?:heter (?:numera|nu)|numera heter|nya? (?:efter)?namn(?:et)?(?: är)?:?"
            rf"|nytt (?:efter)?namn(?: är)?:?|name is now|am now called|new (?:sur|last )?name(?: is)?:?"
            rf"|hedder nu|heter nå)"
            rf" (?P<new>{_PERSON})(?:,? (?:\(?(?:tidigare|förut|f\.d\.|istället för|i stället för|inte"
            rf"|formerly|previously|instead of|not|was)) (?P<old>{_PERSON}))?"
        ),
        (
            rf"(?:ska|skall|bör) (?:stavas|vara|heta) (?P<new>{_PERSON})(?:,? (?:inte|och inte|istället för"
            rf"|i stället för) (?P<old>{_PERSON}))?"
        ),
        (
            rf"(?:should be|is spelled|should be spelled) (?P<new>{_PERSON})(?:,? (?:not|and not"
            rf"|instead of) (?P<old>{_PERSON}))?"
        ),
        (
            rf"(?:bytt (?:efter)?namn till|ändra (?:mitt )?(?:efter)?namn(?:et)? till|change my (?:sur"
            rf"|last )?name to|changed my (?:sur|last )?name to) (?P<new>{_PERSON})"
        ),
        (rf"(?:efternamn|name|namn)\w{{0,20}} .{{0,30}}(?:till|to) (?P<new>{_PERSON})"),
    )
)
_COMPANY = r"[A-ZÅÄÖ][\wåäöÅÄÖ&'-]*(?: (?:(?:och|of|i|&) )?[A-ZÅÄÖ][\wåäöÅÄÖ&'-]*)*"
_NEW_EMPLOYER = re.compile(
    rf"(?:ny arbetsgivare(?: är)?:?|bytt arbetsgivare till|bytt jobb till|börjat (?:på|hos|jobba på"
    rf"|arbeta på)|börjar (?:på|hos)|(?:arbetar|jobbar) (?:nu|numera)(?: \w+)? (?:på|hos|för|vid)"
    rf"|now work (?:at|for)|now working (?:at|for)"
    rf"|new employer(?: is)?:?|joined|nytt jobb på|(?:nu|numera) (?:arbetar|jobbar) (?:på|hos|för"
    rf"|vid)) (?P<new>{_COMPANY})"
)
_OLD_EMPLOYER = re.compile(
    rf"(?:slutat (?:på|hos|vid)|slutar (?:på|hos)|lämnat|left|no longer work (?:at|for)|(?:jobbar"
    rf"|arbetar) inte längre (?:på|hos)) (?P<old>{_COMPANY})"
)
_NEW_TITLE = re.compile(
    r"(?:ny titel|min nya titel|min titel|ny befattning|min befattning|new title|my title|job title)(?: är"
    r"| is)?(?: nu| numera| now)?(?: till| to)?:? (?P<new>[\wåäöÅÄÖ-]+(?: [\wåäö-]+)?)"
)
_DATE = (
    r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?(?!\d)"
    r"|\d{1,2}(?::?[ae]|st|nd|rd|th|\.)? (?:of )?[A-Za-zåäö]{3,9}(?: \d{4})?"
    r"|[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?"
)
_FROM_WHEN = re.compile(
    r"(?:från och med|från|fr\.?o\.?m\.?|f\.?o\.?m\.?|from och med|gäller från|räknat från|per|byts|bytts"
    r"|ändras|börjar|flyttar"
    r"|as of|as from|from|starting|effective|with effect from|w\.?e\.?f\.?|since|fra og med|fra|frå"
    r"|f\.o\.m\.|pr\.?|per|gælder fra"
    r"|ab dem|ab|seit dem|alkaen|lähtien|à partir du|à compter du|dès le|a partir del|desde el|od dnia|od|alates)"
    rf"(?: den| the| d\.)? (?P<when>{_DATE})",
    re.IGNORECASE,
)
_DAY_MONTH = re.compile(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{2,4}))?$")
#: A date without a year is the next one, or was at most so many days ago.
_LONG_AGO = 150
#: What stands before an account: "kontonummer", "clearingnummer", "IBAN", "bankgiro", ...
_BANK_WORD = (
    r"(?:bankkonto\w*|konton(?:ummer|umret|r)|clearing\w*|iban|bankgiro|plusgiro|bank account|account n(?:umber|o\.?))"
)
#: An account as people write it: IBAN, bankgiro, or clearing number and account with spaces, hyphens and commas.
_ACCOUNT = re.compile(
    rf"(?<!\w){_BANK_WORD}(?!\w)(?:(?!{_BANK_WORD})[^\d\n;!?]){{0,40}}?"
    rf"(?P<value>[A-Z]{{2}}\d{{2}}(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,3}})?(?!\w)"
    rf"|\d[\d -]{{2,22}}\d(?:,? (?:konto|account|{_BANK_WORD}):? \d[\d -]{{3,16}}\d|, ?\d[\d -]{{3,16}}\d)?)",
    re.IGNORECASE,
)
_FEWEST_DIGITS_OF_ACCOUNT = 6
_FIELDS_OF_TYPES = {IdentifierType.EMAIL: "email", IdentifierType.PHONE: "phone"}
_CUE_REACH = 60


def find_changes(
    sentences: Sequence[Sentence],
    *,
    written_on: date | None = None,
    is_ours: frozenset[str] = frozenset(),
    region: str = "SE",
) -> tuple[RequestedChange, ...]:
    """
    Changes of e-mail, phone, address, bank account, name, organisation and title in *sentences*, one per field.

    Args: sentences: those that ask for an update and their neighbours; written_on: day of the mail, which tells the
    year of "from 1 May"; is_ours: our own addresses;
    region: country of telephone numbers without a country code.
    """
    text = " ".join(sentence.text for sentence in sentences)
    days = (day_of(match["when"], written_on) for match in _FROM_WHEN.finditer(text))
    when = next((day.isoformat() for day in days if day), None)
    accounts = _accounts(text)
    found = {
        "email": _identifiers(text, IdentifierType.EMAIL, is_ours, region),
        "phone": _identifiers(_without(text, accounts), IdentifierType.PHONE, is_ours, region),
        "address": _by_cue([(match.start(), match[0].strip()) for match in _STREET.finditer(text)], text),
        "bank": _by_cue([(at, _one_spelling(value)) for at, value in accounts], text),
        "name": _name(text),
        "organisation": _pair(_NEW_EMPLOYER.search(text), _OLD_EMPLOYER.search(text)),
        "title": _pair(_NEW_TITLE.search(text), None),
    }
    return tuple(
        RequestedChange(field=field, old=old, new=new, valid_from=when)
        for field, (old, new) in found.items()
        if old or new
    )


def day_of(written: str, written_on: date | None) -> date | None:
    """The day that *written* ("1/5", "15th of October") means in a mail of *written_on*; None if it is no date."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            return date.fromisoformat(written)
        numbers = _DAY_MONTH.match(written)
        day, month, year = numbers.groups() if numbers else (*_worded(written), None)
        if year is None:
            named = re.search(r"(?<!\d)20\d{2}(?!\d)", written)
            year = named[0] if named else None
        if year is not None:
            return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
        return _nearest(int(day), int(month), written_on) if written_on and day and month else None
    except (TypeError, ValueError):  # the 31st of February, or a word that is no month
        return None


def _worded(written: str) -> tuple[str, str]:
    day = re.search(r"(?<!\d)\d{1,2}(?!\d)", written)
    month = month_of(fold(written))
    if day is None or month is None:
        raise ValueError("no date")
    return day[0], str(month)


def _nearest(day: int, month: int, written_on: date) -> date:
    years = (written_on.year - 1, written_on.year, written_on.year + 1)
    candidates = (date(year, month, day) for year in years if month != 2 or day < 29)
    return next(each for each in candidates if (written_on - each).days <= _LONG_AGO)


def _identifiers(
    text: str, kind: IdentifierType, is_ours: frozenset[str], region: str
) -> tuple[str | None, str | None]:
    placed = []
    for match in re.finditer(
        r"\S{1,80}@\S{1,255}" if kind is IdentifierType.EMAIL else r"[+(]?\d[\d ()/-]{6,18}\d", text
    ):
        values = [
            i.value for i in find_identifiers(match[0], region=region) if i.type is kind and i.value not in is_ours
        ]
        placed += [(match.start(), value) for value in values]
    return _by_cue(placed, text)


def _accounts(text: str) -> list[tuple[int, str]]:
    found = [(match.start("value"), match["value"].strip(" -,")) for match in _ACCOUNT.finditer(text)]
    return [each for each in found if sum(map(str.isdecimal, each[1])) >= _FEWEST_DIGITS_OF_ACCOUNT]


def _one_spelling(account: str) -> str:
    return " ".join(re.sub(rf"(?:konto|account|{_BANK_WORD}):?", " ", account, flags=re.IGNORECASE).split())


def _without(text: str, placed: list[tuple[int, str]]) -> str:
    """*text* with blanks where the values stand, so that an account is taken for no phone number."""
    for at, value in placed:
        text = text[:at] + " " * len(value) + text[at + len(value) :]
    return text


def _by_cue(placed: list[tuple[int, str]], text: str) -> tuple[str | None, str | None]:
    """(old, new) of the values, each judged by the last cue between the value before it and itself."""
    if _second_is_old(placed, text):
        return placed[1][1], placed[0][1]
    old = new = None
    unclear: list[str] = []
    previous_end = 0
    for at, value in placed:
        before = fold(text[max(previous_end, at - _CUE_REACH) : at])
        last_old = max((match.end() for match in _OLD.finditer(before)), default=-1)
        last_new = max((match.end() for match in _NEW.finditer(before)), default=-1)
        if last_old > last_new or (
            last_old >= 0
            and re.search(r"(?:gamla|gammal|gammalt|tidigare|old|previous)\b", before)
            and last_new - last_old < 25
            and last_new > last_old
            and not re.search(r"\b(?:till|to|ny|nya|new)\b", before[last_old:])
        ):
            old = old or value
        elif last_new >= 0:
            new = new or value
        else:
            unclear.append(value)
        previous_end = at + len(value)
    for value in unclear:
        if new is None:
            new = value
        elif old is None:
            old = value
    return old, new if new != old else None


def _second_is_old(placed: list[tuple[int, str]], text: str) -> bool:
    """Whether it stands there as "NEW instead of OLD"."""
    if len(placed) != 2 or placed[0][1] == placed[1][1]:
        return False
    (first, value), (second, _) = placed
    says_old = _OLD_VALUE.search(fold(text[max(0, first - _CUE_REACH) : first]))
    return says_old is None and _INSTEAD.fullmatch(fold(text[first + len(value) : second])) is not None


def _name(text: str) -> tuple[str | None, str | None]:
    for pattern in _NAMES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if re.search(
                "namn|name|heter|stav|spell|called|navn|hedder", text[max(0, match.start() - 80) : match.end()]
            ):
                return groups.get("old"), groups["new"]
    return None, None


def _pair(new: re.Match[str] | None, old: re.Match[str] | None) -> tuple[str | None, str | None]:
    return (old["old"].strip() if old else None, new["new"].strip() if new else None)
