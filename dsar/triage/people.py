"""
Mail -> who writes, for whom, and about which persons.

Effects: none. Names are taken only where the mail itself marks them as a person: "jag heter", a sign-off, a relation
("min fru Eva Ek") or a name beside an identifier. What stands below a sign-off is the sender's own.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dsar.identifiers import find_identifiers, normalise
from dsar.model import (
    FoundRequest,
    Identifier,
    IdentifierType,
    InboundMail,
    Requester,
    TriageSubject,
)
from dsar.triage.sentences import Sentence
from dsar.triage.vocabulary import fold, says

_WORD = r"[A-ZÅÄÖÆØÉÜÁÓŁŠŽ][\w'’]*[a-zåäöæøéüáó](?:-[A-ZÅÄÖ][\w'’]+)?"
_NAME = rf"{_WORD}(?: (?:(?:von|af|de|van|der|al|bin) )?(?:{_WORD}|[A-ZÅÄÖ]\.)){{1,3}}"
_NAME_IN_TEXT = re.compile(_NAME)
_DECLARED = re.compile(
    rf"(?:[Jj]ag heter|[Mm]itt namn är|[Mm]itt fullständiga namn är|[Nn]amn ?:|NAMN ?:|[Mm]y name is|[Mm]y full name is|[Nn]ame ?:|[Ii] am|[Jj]eg heter"
    rf"|[Ee]g heiter|[Nn]avn ?:|[Mm]it navn er|[Mm]itt navn er|[Ii]ch heiße|[Mm]ein Name ist|[Nn]imeni on|[Jj]e m'appelle|[Jj]ag,) +({_NAME})"
)
_RELATION = re.compile(
    rf"(?:[Mm]in|[Mm]itt|[Vv]år|[Vv]årt|[Mm]y|[Oo]ur|[Mm]it|[Hh]ans|[Hh]ennes)(?: (?:lilla|äldsta|yngsta|minderåriga|före|detta|tidigare|fd|former|late|avlidne|avlidna|framlidne"
    rf"|framlidna|elderly))*"
    rf" (?:son|dotter|barn|fru|hustru|man|make|maka|sambo|partner|flickvän|pojkvän|mamma|mor|pappa|far|farmor|farfar|mormor|morfar|bror|syster|kollega|vän|klient|huvudman|uppdragsgivare"
    rf"|anställda|anställde|medarbetare|användare|medlem|kund|daughter|child|wife|husband|mother|father|brother|sister|colleague|friend|client|employee|user|member|sønn|datter"
    rf"|kone|mann|søn)s?(?: [a-zåäö]+)?,? +({_NAME})"
)
_PRINCIPAL = re.compile(
    rf"(?:ombud för|företräder|representerar|för räkning av|på uppdrag av|å vägnar av|[Oo]n behalf of|represent|acting for|dödsboet efter|dödsbo efter|[Dd]en avlidne|[Dd]en avlidna|bortgångna?e?|late"
    rf"|[Ee]state of|förvaltare för|god man för|[Dd]en registrerade|[Dd]ata subject|[Aa]vser|[Gg]äller|[Rr]egarding|[Uu]ser|[Ff]ullmakt från|vegne af|vegne av)"
    rf"(?: (?:vår|min|our|my|the)? ?(?:klient|client|huvudman|användare|user|medlem|member|kund|person))?(?: is| är)?:? +({_NAME})"
)
_GENITIVE_PRINCIPAL = re.compile(rf"(?:för|å) ({_NAME})s (?:räkning|vägnar)")
_SIGN_OFF = re.compile(
    r"(?:med )?(?:vänlig|vänliga|bästa|varma|goda)?\s*(?:mvh|m\.?v\.?h\.?|hälsning|hälsningar|hälsn|vänligen|vh|tack på förhand|tack|tackar|best regards|kind regards|warm regards"
    r"|regards|best|sincerely|yours sincerely|yours faithfully|cheers|thanks|thank you|many thanks|vennlig hilsen|med vennlig hilsen|med venlig hilsen|venlig hilsen|hilsen|mit freundlichen"
    r" grüßen|viele grüße|terveisin|ystävällisin terveisin|cordialement|högaktningsfullt|med vänlig hälsning|med vänliga hälsningar)[\s,.!/]*",
    re.IGNORECASE,
)
_FORM_FIELD = re.compile(
    r"^\s*(namn|för- och efternamn|name|navn|e-post|e-postadress|epost|email|e-mail|telefon|telefonnummer|phone|företag|company|ämne|subject|meddelande|message|ärende)\s*[:=]\s*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_NO_NAMES = re.compile(
    r"(?:Xelent|Office|Sweden|AB|Hej|Hello|Dear|Dataskydd\w*|Gdpr|GDPR|Artikel|Article|Art|Med|Mvh|Vänlig\w*|Best|Kind|Regards|Skickat|Sent|Från|Till|Kundtjänst|Support|Personuppgift\w*|Data|Privacy|Begäran|Request"
    r"|Protection|Officer|Regulation|General|European|Union|Box|Team|Registerutdrag|Policy|The|Jag|Vi|Om|Tack|Den|Det|Nyhetsbrev|Newsletter)\b"
)
_SERVICES = re.compile(
    r"(?:saymine|mine|incogni|deleteme|joindeleteme|abine|privacybee|optery|kanary|yourdigitalrights|datarequests|privacyrights|rightly|tapmydata|mydatadoneright|privacyduck|unroll|conscia|consciousprivacy)\.",
    re.IGNORECASE,
)
_FORWARD_SUBJECT = re.compile(r"\s*(?:vb|vs|fw|fwd|wg|tr|vidarebefordrat)\s*:", re.IGNORECASE)
_HEAD_FROM = re.compile(r"^\W*(?:från|from|fra|von)\*?\s*:\*?\s*(.*)$", re.IGNORECASE | re.MULTILINE)
_AGE = re.compile(r"(?:jag (?:är|fyller)|i am|i'm|jeg er) (\d{1,2}) (?:år|years)", re.IGNORECASE)
#: Föräldrabalken 9 kap. 1 §: who is under eighteen is a minor.
_MAJORITY = 18


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What the requester wrote: the mail itself, or the mail that a colleague forwarded, or the fields of a form."""

    requester: Requester
    address: str | None  #: Of the person who asks; None if unknown.
    name: str | None  #: Of the person who wrote.
    body: str  #: Above the sign-off.
    closing: str  #: Sign-off and what stands below it.
    principal: str | None = None  #: Whom the writer speaks for.


def read_letter(mail: InboundMail, *, staff_domain: str) -> Letter:
    """Find the letter in *mail* and the role of its writer."""
    if _is_forward(mail, staff_domain):
        return _forwarded(mail)
    fields = _form_fields(mail, staff_domain)
    if fields:
        return _from_form(mail, fields)
    body, closing = _at_sign_off(mail.own_text)
    closing = "\n".join((closing, _signature(mail)))
    requester, principal = _role(mail, f"{mail.subject}\n{body}")
    name = _writer(body, closing, mail.sender_name)
    return Letter(requester=requester, address=mail.sender, name=name, body=body, closing=closing, principal=principal)


def is_minor(body: str) -> bool:
    """The writer says to be under eighteen."""
    return any(int(age) < _MAJORITY for age in _AGE.findall(body))


def subjects(
    letter: Letter, sentences: Sequence[Sentence], requests: Sequence[FoundRequest], *, is_ours: Callable[[str], bool]
) -> tuple[TriageSubject, ...]:
    """
    The persons whom *letter* is about, the writer first if it is about the writer; never empty.

    Args: is_ours: tells our own e-mail addresses, which are nobody's identifier.
    """
    grouped = _group(letter, sentences)
    own = list(grouped.pop(None))
    if letter.requester in (Requester.SELF, Requester.COLLEAGUE_FORWARD, Requester.WEB_FORM):
        own += find_identifiers(letter.closing)
        address = normalise(IdentifierType.EMAIL, letter.address) if letter.address else None
        own = [address, *own] if address else own
    people: list[tuple[str | None, list[Identifier]]] = [(name, found) for name, found in grouped.items() if name]
    together = letter.requester in _OWN_MATTER and any(_says_all(request.evidence) for request in requests)
    if not people or together or _is_about_writer(letter, sentences):
        name = letter.name if letter.requester in _OWN_MATTER else letter.principal
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


_OWN_MATTER = (Requester.SELF, Requester.COLLEAGUE_FORWARD, Requester.WEB_FORM)


def _ours(identifier: Identifier, letter: Letter, is_ours: Callable[[str], bool]) -> bool:
    if identifier.type is not IdentifierType.EMAIL:
        return False
    if identifier.value == letter.address:
        return letter.requester not in _OWN_MATTER
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
    if letter.requester not in _OWN_MATTER:
        return False
    return any(
        says("own_data", s.folded) or says("own_person", s.folded) or says("own_thing", s.folded) for s in sentences
    )


def _group(letter: Letter, sentences: Sequence[Sentence]) -> dict[str | None, list[Identifier]]:
    """Person named in the text, or None for the writer -> the identifiers that stand after that name."""
    grouped: dict[str | None, list[Identifier]] = {None: []}
    if letter.principal:
        grouped[letter.principal] = []
    current: str | None = letter.principal
    for sentence in sentences:
        if not sentence.heading and not (letter.principal and len(grouped) == 2):
            current = letter.principal
        start = 0
        for name, at in _people_in(sentence.text, letter):
            grouped[current] += find_identifiers(sentence.text[start:at])
            current, start = name, at
            grouped.setdefault(current, [])
        grouped[current] += find_identifiers(sentence.text[start:])
    return grouped


def _people_in(text: str, letter: Letter) -> list[tuple[str | None, int]]:
    """(name, place) of each person that *text* marks as one; None stands for the writer."""
    marked = {match.start(1): match[1] for match in _RELATION.finditer(text)}
    for match in _NAME_IN_TEXT.finditer(text):
        if re.match(
            r"s?[\s,;:(–-]{1,3}(?:\(|e-post|mail|email|personnummer|pnr|tel|mobil|kundnummer)?[\s:]{0,2}(?:[^\s@]{1,64}@|[0-9]{6,8}-?[0-9])",
            text[match.end() :],
        ):
            marked.setdefault(match.start(), match[0])
    found: list[tuple[str | None, int]] = []
    for at, written in sorted(marked.items()):
        name = _clean(written)
        if name and not (letter.principal and _same(name, letter.principal)):
            own = letter.name is not None and letter.requester in _OWN_MATTER and _same(name, letter.name)
            found.append((None if own else name, at))
        elif name:
            found.append((letter.principal, at))
    return found


def _same(name: str, other: str) -> bool:
    return fold(name).split()[0] == fold(other).split()[0] and fold(name).split()[-1].rstrip("s") == fold(
        other
    ).split()[-1].rstrip("s")


# --------------------------------------------------------------------------------------------------------- roles


def _role(mail: InboundMail, text: str) -> tuple[Requester, str | None]:
    folded = fold(text)
    domain = (mail.sender or "").rpartition("@")[2]
    for requester, concept_name in _ROLES:
        if says(concept_name, folded) and (requester is not Requester.AGENT or not _is_protest(folded)):
            return requester, _principal(text)
    if _SERVICES.search(domain):
        return Requester.SERVICE, _principal(text)
    return Requester.SELF, None


#: In this order: who writes about a dead person writes for the estate, whatever else is said.
_ROLES = (
    (Requester.ESTATE, "estate"),
    (Requester.SERVICE, "service"),
    (Requester.PARENT, "parent"),
    (Requester.EMPLOYER, "employer"),
    (Requester.AGENT, "agent"),
)


def _is_protest(folded: str) -> bool:
    """ "min advokat" threatens; it does not write."""
    return re.search(r"(?<!\w)(?:min|var|en|my|a|our) (?:advokat|lawyer|solicitor|jurist)(?!\w)", folded) is not None


def _principal(text: str) -> str | None:
    for pattern in (_GENITIVE_PRINCIPAL, _RELATION, _PRINCIPAL):
        for match in pattern.finditer(text):
            name = _clean(match[1])
            if name:
                return name
    return None


# ---------------------------------------------------------------------------------------------- forwards and forms


def _is_forward(mail: InboundMail, staff_domain: str) -> bool:
    if (mail.sender or "").rpartition("@")[2] != staff_domain or not mail.quoted_text:
        return False
    return (
        bool(_FORWARD_SUBJECT.match(mail.subject))
        or "orwarded" in mail.quoted_text[:400]
        or _names_an_outsider(mail, staff_domain)
    )


def _names_an_outsider(mail: InboundMail, staff_domain: str) -> bool:
    head = _HEAD_FROM.search(mail.quoted_text[:1000])
    return bool(head) and "@" in head[1] and not head[1].rstrip("> ").endswith(staff_domain)


def _forwarded(mail: InboundMail) -> Letter:
    lines = [line.removeprefix(">").removeprefix(" ") for line in mail.quoted_text.split("\n")]
    quoted = "\n".join(lines)
    head = _HEAD_FROM.search(quoted)
    writer = head[1] if head else ""
    addresses = [i.value for i in find_identifiers(writer) if i.type is IdentifierType.EMAIL]
    text = re.sub(
        r"^\W*(?:från|from|fra|skickat|sent|sendt|date|datum|dato|till|to|til|kopia|cc|ämne|subject|emne)\*?\s*:.*$|^\W{0,3}[-_]{3,}.*$",
        "",
        quoted,
        flags=re.I | re.M,
    )
    body, closing = _at_sign_off(text)
    name = _clean(re.sub(r"[<(\[].*", "", writer).strip(" \"*'")) or _writer(body, closing, "")
    return Letter(
        requester=Requester.COLLEAGUE_FORWARD,
        address=addresses[0] if addresses else None,
        name=name,
        body=body,
        closing=closing,
    )


def _form_fields(mail: InboundMail, staff_domain: str) -> dict[str, str]:
    """Fields of a contact form that our own site or a form service mailed; empty if the mail is none."""
    found = {match[1].lower(): match[2].strip() for match in _FORM_FIELD.finditer(mail.own_text)}
    from_site = (mail.sender or "").rpartition("@")[2].endswith(staff_domain) or {"no-reply", "auto-submitted"} & set(
        mail.machine_signs
    )
    titled = re.search(r"formul[aä]r|contact form|webbf|kontaktskjema", f"{mail.subject} {mail.sender_name}".lower())
    return found if len(found) >= 2 and (from_site or titled) else {}


def _from_form(mail: InboundMail, fields: dict[str, str]) -> Letter:
    name = next((fields[key] for key in ("namn", "för- och efternamn", "name", "navn") if fields.get(key)), None)
    written = next((fields[k] for k in ("e-post", "e-postadress", "epost", "email", "e-mail") if fields.get(k)), "")
    address = normalise(IdentifierType.EMAIL, written)
    return Letter(
        requester=Requester.WEB_FORM,
        address=address.value if address else None,
        name=name,
        body=_FORM_FIELD.sub(lambda m: m[2] + "\n", mail.own_text),
        closing="",
    )


# --------------------------------------------------------------------------------------------------------- names


def _writer(body: str, closing: str, sender_name: str) -> str | None:
    declared = next((_clean(match[1]) for match in _DECLARED.finditer(body) if _clean(match[1])), None)
    if declared:
        return declared
    lines = [line.strip(" ,.*/") for line in _SIGN_OFF.sub("\n", closing, count=1).split("\n") if line.strip(" ,.*/")]
    signed = next((_clean(line) for line in lines[:2] if _NAME_IN_TEXT.fullmatch(line)), None)
    return signed or _clean(_turned(sender_name)) or None


def _turned(name: str) -> str:
    """ "Ek, Eva" -> "Eva Ek"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and " " not in first.strip() else name


def _clean(name: str) -> str | None:
    name = " ".join(name.split())
    words = [word for word in name.split() if not _NO_NAMES.fullmatch(word)]
    if len(words) != len(name.split()) or not _NAME_IN_TEXT.fullmatch(name):
        return None
    return name


def _at_sign_off(text: str) -> tuple[str, str]:
    """*text* up to its last sign-off, and the rest; the last short line with a name signs where no phrase does."""
    lines = text.split("\n")
    for at in range(len(lines) - 1, max(-1, len(lines) - 20), -1):
        line = lines[at].strip()
        match = _SIGN_OFF.match(line)
        if (
            match
            and (
                match.end() == len(line)
                or _NAME_IN_TEXT.match(line[match.end() :])
                or len(line[match.end() :].split()) == 1
            )
            and at > 0
        ):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    last = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].strip()), 0)
    if last > 0 and _clean(lines[last].strip(" /.,")):
        return "\n".join(lines[:last]), "\n".join(lines[last:])
    return text, ""


def _signature(mail: InboundMail) -> str:
    """Up to eight lines below the signature delimiter, which are the writer's own although no part of the letter."""
    first, *rest = mail.quoted_text.split("\n")[:9] or [""]
    return "\n".join(line for line in rest if not line.startswith(">")) if first.strip() == "--" else ""
