"""
Records -> passages of their free text that are about other people; a person's word on each -> records without them.

Effects: none. Art. 15(4): the copy "shall not adversely affect the rights and freedoms of others". A proposal is never
more than a proposal, and what is the subject's own is never proposed; what is removed is gone from every form of the
answer, for they are all made from the same records. Too much is proposed rather than too little.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dsar.mentions import find_identifiers, locate
from dsar.model import Identifier, IdentifierType, Record, RecordValue, Text, Withheld
from dsar.names import can_be_same_person, fold, name_words


class Ground(StrEnum):
    """Why a passage is left out."""

    OTHER_PERSON = "other_person"
    SECRET = "secret"  # noqa: S105  # a trade secret
    CONFIDENTIAL = "confidential"


#: What an answer says of each ground, with the law (Art. 12(4), 15(4)).
GROUNDS: Mapping[Ground, Text] = {
    Ground.OTHER_PERSON: Text(
        sv="Uppgiften rör en annan person, vars rättigheter inte får påverkas negativt (artikel 15.4 i "
        "dataskyddsförordningen).",
        en="It concerns another person, whose rights may not be adversely affected (Article 15(4) of the GDPR).",
    ),
    Ground.SECRET: Text(
        sv="Uppgiften är en företagshemlighet (artikel 15.4 och skäl 63 i dataskyddsförordningen).",
        en="It is a trade secret (Article 15(4) and recital 63 of the GDPR).",
    ),
    Ground.CONFIDENTIAL: Text(
        sv="Uppgiften omfattas av sekretess eller tystnadsplikt (5 kap. 1 § dataskyddslagen).",
        en="It is subject to secrecy or a duty of confidentiality (Chapter 5, Section 1 of the Swedish Data "
        "Protection Act).",
    ),
}


class Kind(StrEnum):
    """What a passage is."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    NUMBER = "number"  #: personnummer, another country's number, user name
    ADDRESS = "address"
    TEXT = "text"  #: Whatever else a person marked.


#: Kind -> what stands in its place, and its plural for the list of what was left out.
_LEFT_OUT: Mapping[Kind, tuple[Text, Text]] = {
    Kind.NAME: (Text(sv="namn", en="name"), Text(sv="namn", en="names")),
    Kind.EMAIL: (Text(sv="e-postadress", en="e-mail address"), Text(sv="e-postadresser", en="e-mail addresses")),
    Kind.PHONE: (Text(sv="telefonnummer", en="phone number"), Text(sv="telefonnummer", en="phone numbers")),
    Kind.NUMBER: (Text(sv="identitetsuppgift", en="identifier"), Text(sv="identitetsuppgifter", en="identifiers")),
    Kind.ADDRESS: (Text(sv="adress", en="address"), Text(sv="adresser", en="addresses")),
    Kind.TEXT: (Text(sv="text", en="text"), Text(sv="textavsnitt", en="passages")),
}


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Words in one value of one record; all their occurrences in that value are one passage."""

    system: str
    object: str
    key: str
    path: str
    text: str
    kind: Kind
    ground: Ground = Ground.OTHER_PERSON

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """What tells it from every other passage."""
        return self.system, self.object, self.key, self.path, self.text


@dataclass(frozen=True, kw_only=True)
class Own:
    """What belongs to the person, or to nobody: it is never proposed."""

    names: tuple[str, ...]
    identifiers: frozenset[Identifier]
    words: frozenset[str]  #: Folded words of their addresses and organisations.


_TYPES: Mapping[IdentifierType, Kind] = {
    IdentifierType.EMAIL: Kind.EMAIL,
    IdentifierType.PHONE: Kind.PHONE,
    IdentifierType.PERSONNUMMER: Kind.NUMBER,
    IdentifierType.NATIONAL_ID: Kind.NUMBER,
    IdentifierType.USERNAME: Kind.NUMBER,
}

_WORD = r"[^\W\d_a-zåäöéü][\w'’-]{1,30}"
#: Two to four words with capitals: "Eva von Berg" is one name too.
_NAME = re.compile(rf"(?<![\w@.-])(?:{_WORD})(?: (?:(?:von|af|de|van|el|al) )?{_WORD}){{1,3}}(?![\w@])")
#: A single word with a capital after a word that tells of a person.
_AFTER_CUE = re.compile(
    r"(?<!\w)(?i:fru|herr|kollegan?|chefen|kontaktperson(?:en)?|handläggare|grannen?|sambon?|maken?|hustrun?|dottern?|"
    r"sonen?|systern?|brodern?|mamman?|pappan?|hälsar|mvh|kontakta|ring|mejla|med|enligt|"
    r"mr|mrs|ms|colleague|manager|contact|neighbour|husband|wife|daughter|son|sister|brother|regards|call|ask|by|with)"
    rf"[:,]? (?P<name>{_WORD})(?![\w@])"
)
#: What begins with a capital and is no name, however often it stands in notes.
_NO_NAMES = frozenset(
    """
    hej tack med vi kund kunden detta det den ej inte ok service offert order faktura avtal ab hb kb för
    januari februari mars april maj juni juli augusti september oktober november december
    måndag tisdag onsdag torsdag fredag lördag söndag january february march may june july august october
    monday tuesday wednesday thursday friday saturday sunday the customer
    english swedish danish norwegian finnish german french engelska svenska danska norska finska tyska
    canon hp ricoh konica minolta xerox brother epson kyocera lexmark sharp toshiba office sverige sweden
    """.split()  # noqa: SIM905  # read as prose
)
_STREET = re.compile(
    r"(?<!\w)[^\W\d_a-zåäö][\w'’-]{0,40}(?:gatan?|vägen?|gränd|torget?|stigen?|allén?|backen?|plan|street|road)"
    r" [0-9]{1,4} ?[A-Za-z]?(?!\w)(?:, ?[0-9]{3} ?[0-9]{2} [^\W\d_]\w{1,30})?"
)


def own_of(
    records: Iterable[Record], *, names: Iterable[str | None], identifiers: Iterable[Identifier], company: str
) -> Own:
    """
    What is the person's own, from *records* that were accepted as theirs.

    Args: names: as stated; identifiers: proven, stated and followed; company: our own name.
    """
    held = tuple(records)
    fixed = [value for record in held for value in record.values if not value.free_text]
    from_fields = (identifier for value in fixed for identifier in find_identifiers(value.value))
    known = dict.fromkeys(name for name in (*names, *(record.person_name for record in held)) if name)
    places = [value.value for value in fixed if value.category in {"contact", "organisation", "order", "device"}]
    return Own(
        names=tuple(known),
        identifiers=frozenset((*identifiers, *from_fields)),
        words=frozenset(word for text in (*places, company) for word in name_words(text))
        | {fold(word) for word in _NO_NAMES},
    )


def propose(records: Iterable[Record], own: Own) -> tuple[Passage, ...]:
    """Passages that are, or may be, about other people, in the order in which they stand."""
    found = (passage for record in records for value in record.values for passage in _in_value(record, value, own))
    return tuple({passage.place: passage for passage in found}.values())


def without(records: Iterable[Record], removed: Collection[Passage], language: str) -> tuple[Record, ...]:
    """*records* with every occurrence of each removed passage replaced by words that say what stood there."""
    by_place: dict[tuple[str, str, str, str], list[Passage]] = {}
    for passage in removed:
        by_place.setdefault(passage.place[:4], []).append(passage)
    return tuple(
        replace(record, values=tuple(_cleared(record, value, by_place, language) for value in record.values))
        for record in records
    )


def told(removed: Sequence[Passage], records: Iterable[Record], labels: Mapping[str, Text]) -> tuple[Withheld, ...]:
    """What an answer lists as left out: how many of what in which system, by ground; only what *records* hold."""
    values = {
        (record.system, record.object, record.key, value.path): value.value
        for record in records
        for value in record.values
    }
    counts: Counter[tuple[Ground, str, Kind]] = Counter()
    for passage in removed:
        if occurrences := values.get(passage.place[:4], "").count(passage.text):
            counts[passage.ground, passage.system, passage.kind] += occurrences
    return tuple(
        Withheld(what=_counted(kind, count, labels.get(system, Text(sv=system, en=system))), ground=GROUNDS[ground])
        for (ground, system, kind), count in sorted(counts.items())
    )


def _counted(kind: Kind, count: int, system: Text) -> Text:
    one, many = _LEFT_OUT[kind]
    word = one if count == 1 else many
    return Text(sv=f"{count} {word.sv} i fritext ({system.sv})", en=f"{count} {word.en} in free text ({system.en})")


def _cleared(
    record: Record,
    value: RecordValue,
    by_place: Mapping[tuple[str, str, str, str], Sequence[Passage]],
    language: str,
) -> RecordValue:
    passages = by_place.get((record.system, record.object, record.key, value.path))
    if not passages:
        return value
    text = value.value
    for passage in sorted(passages, key=lambda each: -len(each.text)):  # "Eva Berg" before "Eva"
        text = text.replace(passage.text, _instead(passage.kind, language))
    return replace(value, value=text)


def _instead(kind: Kind, language: str) -> str:
    what = _LEFT_OUT[kind][0].in_language(language)
    return f"[utelämnat: {what}]" if language == "sv" else f"[left out: {what}]"


def _in_value(record: Record, value: RecordValue, own: Own) -> Iterator[Passage]:
    if not value.free_text:
        return
    taken: list[tuple[int, int]] = []
    for start, end, kind in sorted(_spans(value.value, own), key=lambda span: (span[0], -span[1])):
        if any(start < until and since < end for since, until in taken):
            continue
        taken.append((start, end))
        yield Passage(
            system=record.system,
            object=record.object,
            key=record.key,
            path=value.path,
            text=value.value[start:end],
            kind=kind,
        )


def _spans(text: str, own: Own) -> Iterator[tuple[int, int, Kind]]:
    for identifier, start, end in locate(text):
        if identifier.type in _TYPES and identifier not in own.identifiers:
            yield start, end, _TYPES[identifier.type]
    for match in _STREET.finditer(text):
        if not set(name_words(match[0])) <= own.words:
            yield *match.span(), Kind.ADDRESS
    for match in _NAME.finditer(text):
        if span := _name_in(text, *match.span(), own):
            yield *span, Kind.NAME
    for match in _AFTER_CUE.finditer(text):
        name = match["name"]
        if name[0].isupper() and not name.isupper() and _is_other(name, own):
            yield *match.span("name"), Kind.NAME


def _name_in(text: str, start: int, end: int, own: Own) -> tuple[int, int] | None:
    """The name within a run of words with capitals: without words at either end that are no names."""
    words = [(found.start() + start, found.end() + start) for found in re.finditer(r"[^ ]+", text[start:end])]
    while words and fold(text[slice(*words[0])]) in own.words:
        words.pop(0)
    while words and fold(text[slice(*words[-1])]) in own.words:
        words.pop()
    if len(words) == 1 and (text[slice(*words[0])].isupper() or _begins_sentence(text, words[0][0])):
        return None  # "MX 3071", "Prefers English"
    if not words or not _is_other(text[words[0][0] : words[-1][1]], own):
        return None
    return words[0][0], words[-1][1]


def _begins_sentence(text: str, start: int) -> bool:
    return text[:start].rstrip()[-1:] in {"", ".", "!", "?", ":", ";"}


def _is_other(name: str, own: Own) -> bool:
    """Whether *name* is neither the person's own nor made of words of their addresses and organisations."""
    if set(name_words(name)) <= own.words:
        return False
    return not any(can_be_same_person(name, mine) for mine in own.names)
