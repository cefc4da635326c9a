"""
Letter -> the persons whom it is about, each with identifiers and requests.

Effects: none. A person is a name behind a relation ("min fru Eva Ek") or beside an identifier; what stands after a name
belongs to it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dsar.model import FoundRequest, Identifier, IdentifierType, RequestedChange, Requester, TriageSubject
from dsar.triage.letter import NAME_IN_TEXT, OWN_MATTER, RELATION, Letter, clean_name
from dsar.triage.owners import OF_READER, comes_in_place, identifiers_in, sender_identifiers, takes_over
from dsar.triage.sentences import LONGEST_TEXT, Sentence
from dsar.triage.vocabulary import fold, says

_AGE = re.compile(
    r"(?:jag (?:är|fyller)|i am|i'm|jeg er) (\d{1,2}) (?:år|years)",
    re.IGNORECASE,
)
_RELATIVE_NAMED = re.compile(
    r"(?<!\w)(?:[Mm]in|[Mm]it|[Mm]itt|[Mm]y|[Vv]år|[Oo]ur|[Ee]n) (?:fru|hustru|man|make|maka|sambo|partner|son|dotter"
    r"|bror|syster|mamma"
    r"|pappa|mor|far|wife|husband|son|daughter|brother|sister|mother|father|partner|kone|kona|mann|sønn|søn"
    r"|datter|kollega"
    r"|colleague|neighbor|neighbour|granne|nabo) [A-ZÅÄÖÆØ][a-zåäöæøé]+"
)
#: Somebody else wants something, or does not: "Ho vil heller ikkje ha fleire tilbod."
_ANOTHER_WANTS = re.compile(
    r"(?<!\w)(?:hon|han|hun|ho|she|he) (?:vill|vil|wants?|would like|doesn't want|does not want)(?!\w)", re.IGNORECASE
)
#: Street, number, and the postcode with its town of Sweden, Norway, Denmark, Germany or Finland.
_POSTAL_ADDRESS = re.compile(
    r"(?<![\w.'-])[A-ZÅÄÖÆØ][\wåäöæøéß.'-]{1,40}"
    r"(?: (?:[A-ZÅÄÖÆØ][\wåäöæøé.'-]{1,40}"
    r"|[a-z]{0,12}(?:väg|gat|gränd|torg|gate|vei|veg|vej|gade|tie|katu)[a-z]{0,2})){0,2}"
    r" \d{1,4}(?: ?[A-Za-z](?!\w))?(?:,? lgh \d+)?"
    r"[,\s]{1,3}(?:\d{3} \d{2}|\d{4,5}) [A-ZÅÄÖÆØ][\wåäöæøéü-]+(?: [A-ZÅÄÖÆØ][\wåäöæøé-]+)?"
)
#: Before an address in the text: it is where the person lives.
_LIVES_AT = re.compile(
    r"(?<!\w)(?:(?:post|hem|bostads|leverans|faktura)?add?ress(?:en?)?(?: (?:är|er|is))?|anschrift|osoite"
    r"|bor (?:på|i)|bosatt på|lives at|living at"
    r"|jag nås på|(?:i can be|i am) reached at"
    r"|(?:till (?:mig|oss)|to (?:me|us)) (?:på|at)|post(?:en)? till?|brev till?|by post to)\W{0,12}$",
    re.IGNORECASE,
)
#: Before an address: the person lived there until now, and is kept under it.
_LIVED_AT = re.compile(
    r"(?<!\w)(?:(?:gamla|gammal|tidigare|förra|förutvarande|gammel|gamle|tidligere|old|former|previous|vanha|aiempi|entinen)"
    r" (?:post|hem)?(?:add?ress|osoite)\w*(?: (?:är|var|er|is|was|oli|on))?"
    r"|tidigare|förut|formerly|previously|tidligere|vanha oli"
    r"|(?:flytt\w{0,4}|moved|moving) (?:från|fra|frå|from|away from|out of)"
    r"|(?:i ?stället|i stedet|i staden) för?|instead of)\W{0,4}$",
    re.IGNORECASE,
)
#: The new address is one where the person was not yet kept.
_MOVES = re.compile(
    r"(?<!\w)(?:(?:av|in|ut)?flytt|moved|moving|ny(?:a|e|tt)? (?:post)?add?ress|new (?:add?ress|home)|muut|osoite"
    r"|umgezogen|adresse)",
    re.IGNORECASE,
)
#: Earlier on its line: it is somebody else who lives there.
_OF_SOMEBODY_ELSE = re.compile(
    r"(?<!\w)(?:mamma\w*|pappa\w*|mor|far|mors|fars|föräldra\w*|foreldre\w*|forældre\w*|syster\w*|bror\w*|söster\w*|søster\w*|son"
    r"|dotter\w*|datter\w*|man|fru|kone|mann|sambo\w*|granne\w*|nabo\w*|hon|han|hun|she|he|they|de|mother|father|parents|sister"
    r"|brother|husband|wife|daughter|neighbou?r|hennes|hans|her|his|their|deras|deres)(?!\w)[^.!?\n]{0,60}$",
    re.IGNORECASE,
)
#: A street with its number and town, without a postcode.
_STREET = (
    r"(?P<address>[A-ZÅÄÖÆØ][\wåäöæøé.'-]{3,}(?: [A-ZÅÄÖÆØ]?[\wåäöæøé.'-]+)? \d{1,4}(?: ?[A-Za-z](?!\w))?"
    r"(?:,? i|,| in) [A-ZÅÄÖÆØ][\wåäöæøé-]+)"
)
#: Who lives there: the writer, or whom the letter is for.
_I_LIVE = re.compile(
    rf"(?<!\w)(?i:jag bor (?:på|i)|jeg bor (?:på|i)|i live (?:at|in)|min adress (?:är|:)|my address (?:is|:)) {_STREET}"
)
_THEY_LIVE = re.compile(
    r"(?<!\w)(?:(?i:(?:han|hon|he|she|hun) (?:bor|lives) (?:på|i|at|in)"
    r"|(?:hans|hennes|his|her|hendes) add?ress(?:en)? (?:är|er|is))"
    rf"|(?:Mr|Mrs|Ms|Dr)\.? {NAME_IN_TEXT.pattern} of) {_STREET}"
)
#: Characters before an address that tell whose it is.
_REACH = 120
#: Föräldrabalken 9 kap. 1 §: who is under eighteen is a minor.
_MAJORITY = 18


def is_minor(body: str) -> bool:
    """The writer says to be under eighteen."""
    return any(int(age) < _MAJORITY for age in _AGE.findall(body))


def subjects(
    letter: Letter,
    sentences: Sequence[Sentence],
    requests: Sequence[FoundRequest],
    *,
    language: str,
    is_ours: Callable[[str], bool],
) -> tuple[TriageSubject, ...]:
    """
    The persons whom *letter* is about, the writer first if it is about the writer; never empty.

    Args: is_ours: tells our own e-mail addresses, which are nobody's identifier.
    """
    grouped = _group(letter, sentences, language)
    own = list(grouped.pop(None))
    own += _address(letter)
    if letter.requester in OWN_MATTER:
        own = [*sender_identifiers(letter), *own, *letter.stated]
        own += identifiers_in(letter.closing, letter, language=language)
    people: list[tuple[str | None, list[Identifier]]] = [(name, found) for name, found in grouped.items() if name]
    together = letter.requester in OWN_MATTER and any(_says_all(request.evidence) for request in requests)
    if not people or together or _is_about_writer(letter, sentences):
        name = letter.name if letter.requester in OWN_MATTER else letter.principal
        people.insert(0, (name, own))
    elif own:
        people[0][1].extend(own)
    found = [
        TriageSubject(
            name=name,
            identifiers=tuple(dict.fromkeys(i for i in identifiers if not _ours(i, letter, is_ours))),
            requests=(),
        )
        for name, identifiers in people
    ]
    return _share_out(found, requests)


def names_another(letter: Letter) -> bool:
    """The writer names somebody close ("min man Jens"), who may want something, too, or tells what somebody wants."""
    if letter.requester not in OWN_MATTER:
        return False
    return any(each.search(letter.body) for each in (_RELATIVE_NAMED, _ANOTHER_WANTS))


def _address(letter: Letter) -> list[Identifier]:
    """The postal address below the sign-off, after a word that says so, or after the writer's name; whole or none."""
    own, body = letter.requester in OWN_MATTER, letter.body[:LONGEST_TEXT]
    placed = [*_POSTAL_ADDRESS.finditer(body)]
    stated = (each for each in placed if _is_stated(body[max(0, each.start() - _REACH) : each.start()], own=own))
    signed = own or letter.requester is Requester.SERVICE  # below their sign-off others give their own
    found = (_POSTAL_ADDRESS.search(letter.closing) if signed else None) or next(stated, None)
    found = found or (_I_LIVE if own else _THEY_LIVE).search(body)
    found = found or (next((each for each in placed if _follows_name(each, letter)), None) if own else None)
    return [Identifier(type=IdentifierType.ADDRESS, value=_in_one_line(found[found.lastgroup or 0]))] if found else []


def _is_stated(before: str, *, own: bool) -> bool:
    others = OF_READER.search(fold(before)) or (own and _OF_SOMEBODY_ELSE.search(before))
    return _LIVES_AT.search(before) is not None and not others


def _follows_name(address: re.Match[str], letter: Letter) -> bool:
    """It stands right after the writer's name, as on an envelope."""
    before = fold(letter.body[max(0, address.start() - _REACH) : address.start()]).rstrip(" ,:\n")
    return letter.name is not None and re.search(rf"(?<!\w){re.escape(fold(letter.name))}$", before) is not None


def with_changes(person: TriageSubject, changes: tuple[RequestedChange, ...], letter: Letter) -> TriageSubject:
    """
    *person*, who wants *changes*.

    They are kept under an old address, if *letter* says that it was theirs, and under no new one yet.
    Who is kept at the new address may be somebody who lived there before.
    """
    moves = [change for change in changes if change.field == "address"]
    moved = any(change.old for change in moves) or _MOVES.search(letter.body) is not None
    new = {_house(change.new) for change in moves if change.new and moved}
    old = [_in_one_line(change.old) for change in moves if change.old and _lived_at(change.old, letter)]
    kept = [i for i in person.identifiers if i.type is not IdentifierType.ADDRESS or _house(i.value) not in new]
    added = [Identifier(type=IdentifierType.ADDRESS, value=value) for value in old]
    return replace(person, changes=changes, identifiers=tuple(dict.fromkeys([*kept, *added])))


def _lived_at(address: str, letter: Letter) -> bool:
    at = letter.body.find(address)
    before = letter.body[max(0, at - _REACH) : max(0, at)]
    whole, own = _POSTAL_ADDRESS.fullmatch(address) is not None, letter.requester in OWN_MATTER
    return whole and _LIVED_AT.search(before) is not None and not (own and _OF_SOMEBODY_ELSE.search(before))


def _house(address: str) -> str:
    """Street and number of *address*."""
    return fold(re.split(r"(?<=\d)(?!\d)|(?<=\d [A-Za-z])(?!\w)", address, maxsplit=1)[0])


def _in_one_line(address: str) -> str:
    return ", ".join(" ".join(line.split()).rstrip(",") for line in address.splitlines() if line.strip(" ,"))


def _ours(identifier: Identifier, letter: Letter, is_ours: Callable[[str], bool]) -> bool:
    if identifier.type is not IdentifierType.EMAIL:
        return False
    if identifier.value == letter.address:
        return letter.requester not in OWN_MATTER
    return is_ours(identifier.value)


def _share_out(people: list[TriageSubject], requests: Sequence[FoundRequest]) -> tuple[TriageSubject, ...]:
    """Give each person the requests whose evidence names them; whoever is named in none gets all of them."""
    if len(people) == 1:
        return (replace(people[0], requests=tuple(requests)),)
    shared = []
    for place, person in enumerate(people):
        mine = [r for r in requests if _names(person.name, r.evidence) or (place == 0 and _says_self(r.evidence))]
        together = [r for r in requests if not any(_names(other.name, r.evidence) for other in people)]
        own = [r for r in requests if r in mine or (r in together and (place == 0 or _says_all(r.evidence)))]
        shared.append(replace(person, requests=tuple(own or requests)))
    return tuple(shared)


def _names(name: str | None, evidence: str) -> bool:
    return name is not None and name.split()[0] in evidence


def _says_self(evidence: str) -> bool:
    return says("self_words", fold(evidence))


def _says_all(evidence: str) -> bool:
    return (
        re.search(
            r"(?<!\w)(?:vi|vara|oss|alla|bada|foljande|nedanstaende|we|us|our|all|both|following|everyone)(?!\w)",
            fold(evidence),
        )
        is not None
    )


def _is_about_writer(letter: Letter, sentences: Sequence[Sentence]) -> bool:
    if letter.requester not in OWN_MATTER:
        return False
    return any(
        says("own_data", s.folded) or says("own_person", s.folded) or says("own_thing", s.folded) for s in sentences
    )


def _group(letter: Letter, sentences: Sequence[Sentence], language: str) -> dict[str | None, list[Identifier]]:
    """Person named in the text, or None for the writer -> the identifiers that stand after that name."""
    grouped: dict[str | None, list[Identifier]] = {None: []}
    if letter.principal:
        grouped[letter.principal] = []
    taken, alone = partial(identifiers_in, letter=letter, language=language), not names_another(letter)
    current: str | None = letter.principal
    for place, sentence in enumerate(sentences):
        if not sentence.heading and not (letter.principal and len(grouped) == 2):
            current = letter.principal
        start = 0
        for name, at in _people_in(sentence.text, letter):
            grouped[current] += taken(sentence.text[start:at], of_writer=alone and current is None)
            current, start = name, at
            grouped.setdefault(current, [])
        following = " ".join(each.text for each in sentences[place + 1 : place + 3])
        grouped[current] += taken(sentence.text[start:], of_writer=alone and current is None, following=following)
    return grouped


def _people_in(text: str, letter: Letter) -> list[tuple[str | None, int]]:
    """(name, place) of each person that *text* marks as one; None stands for the writer."""
    marked = {match.start(1): match[1] for match in RELATION.finditer(text)}
    for match in NAME_IN_TEXT.finditer(text):
        if re.match(
            r"s?[\s,;:(–-]{1,3}(?:\(|e-post|mail|email|personnummer|pnr|tel|mobil"
            r"|kundnummer)?[\s:]{0,2}(?:[^\s@]{1,64}@|[0-9]{6,8}-?[0-9])",
            text[match.end() :],
        ):
            marked.setdefault(match.start(), match[0])
    found: list[tuple[str | None, int]] = []
    for at, written in sorted(marked.items()):
        if letter.requester is Requester.EMPLOYER and (
            comes_in_place(text[:at]) or takes_over(text[at + len(written) :])
        ):
            continue
        name = clean_name(written)
        if name and not (letter.principal and _same(name, letter.principal)):
            own = letter.name is not None and letter.requester in OWN_MATTER and _same(name, letter.name)
            found.append((None if own else name, at))
        elif name:
            found.append((letter.principal, at))
    return found


def _same(name: str, other: str) -> bool:
    return fold(name).split()[0] == fold(other).split()[0] and fold(name).split()[-1].rstrip("s") == fold(
        other
    ).split()[-1].rstrip("s")
