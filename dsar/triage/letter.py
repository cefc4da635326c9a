"""
InboundMail -> the letter in it: who wrote it, in which role, for whom.

Effects: none. Names are taken only where the mail itself marks them as a person: "jag heter", a sign-off, a relation
("min fru Eva Ek"). What stands below a sign-off is the writer's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsar.identifiers import is_role_mailbox, normalise
from dsar.mentions import find_identifiers
from dsar.model import (
    Identifier,
    IdentifierType,
    InboundMail,
    Requester,
)
from dsar.triage.forms import Form, read_form
from dsar.triage.forwards import received_when
from dsar.triage.vocabulary import fold, says

_WORD = r"[A-ZÅÄÖÆØÉÜÁÓŁŠŽ][\w'’]*[a-zåäöæøéüáó](?:-[A-ZÅÄÖ][\w'’]+)?"
_NAME = rf"{_WORD}(?: (?:(?:von|af|de|van|der|al|bin) )?(?:{_WORD}|[A-ZÅÄÖ]\.)){{1,3}}"
NAME_IN_TEXT = re.compile(_NAME)
_DECLARED = re.compile(
    rf"(?:[Jj]ag heter|[Mm]itt namn är|[Mm]itt fullständiga namn är|[Nn]amn ?:|NAMN ?:|[Mm]y name is"
    rf"|[Mm]y full name is|[Nn]ame ?:|[Ii] am|[Jj]eg heter"
    rf"|[Ee]g heiter|[Nn]avn ?:|[Mm]it navn er|[Mm]itt navn er|[Ii]ch heiße|[Mm]ein Name ist|[Nn]imeni on"
    rf"|[Jj]e m'appelle|[Jj]ag,) +({_NAME})"
)
RELATION = re.compile(
    rf"(?:[Mm]in|[Mm]itt|[Vv]år|[Vv]årt|[Mm]y|[Oo]ur|[Mm]it|[Hh]ans|[Hh]ennes)(?: (?:lilla|äldsta|yngsta"
    rf"|minderåriga|före|detta|tidigare|fd|former|late|avlidne|avlidna|framlidne"
    rf"|framlidna|elderly))*"
    rf" (?:son|dotter|barn|fru|hustru|man|make|maka|sambo|partner|flickvän|pojkvän|mamma|mor|pappa|far|farmor"
    rf"|farfar|mormor|morfar|bror|syster|kollega|vän|klient|huvudman|uppdragsgivare"
    rf"|anställda|anställde|medarbetare|användare|medlem|kund|daughter|child|wife|husband|mother|father"
    rf"|brother|sister|colleague|friend|client|employee|user|member|sønn|datter"
    rf"|kone|mann|søn)s?(?: [a-zåäö]+)?,? +({_NAME})"
)
_PRINCIPAL = re.compile(
    rf"(?:ombud för|företräder|representerar|för räkning av|på uppdrag av|å vägnar av|[Oo]n behalf of"
    rf"|represent|acting for|dödsboet efter|dödsbo efter|[Dd]en avlidne|[Dd]en avlidna|bortgångna?e?|late"
    rf"|[Ee]state of|förvaltare för|god man för|[Dd]en registrerade|[Dd]ata subject|[Aa]vser|[Gg]äller"
    rf"|[Rr]egarding|[Uu]ser|[Ff]ullmakt från|vegne af|vegne av)"
    rf"(?: (?:vår|min|our|my|the)? ?(?:klient|client|huvudman|användare|user|medlem|member|kund"
    rf"|person))?(?: is| är)?:? +({_NAME})"
)
#: Of whom an employer tells that they are no longer there.
_LEFT = re.compile(
    rf"({_NAME}) (?:(?:har|hon|han|is|er|has) )?(?:nu |nyligen |just |already )?(?:slut(?:a[tr]|ade|tet|tar|ter)"
    r"|left|leaving|leaves|stoppet|stopper|fratrådt|fratrer|no longer"
    r"|(?:jobbar|arbetar|finns) inte (?:längre|kvar))(?!\w)(?! (?:att|röka|snusa|dricka|smoking|å) )"
)
_GENITIVE_PRINCIPAL = re.compile(rf"(?:för|å) ({_NAME})s (?:räkning|vägnar)")
_SIGN_OFF = re.compile(
    r"(?:med )?(?:vänlig|vänliga|bästa|varma|goda)?\s*(?:mvh|m\.?v\.?h\.?|hälsning|hälsningar|hälsn|vänligen"
    r"|vh|tack på förhand|tack|tackar|best regards|kind regards|warm regards"
    r"|regards|best|sincerely|yours sincerely|yours faithfully|cheers|thanks|thank you|many thanks"
    r"|vennlig hilsen|med vennlig hilsen|med venlig hilsen|venlig hilsen|hilsen|mit freundlichen"
    r" grüßen|viele grüße|terveisin|ystävällisin terveisin|cordialement|högaktningsfullt|med vänlig hälsning"
    r"|med vänliga hälsningar)(?!\w)[\s,.!/]*",
    re.IGNORECASE,
)
_FORM_FIELD = re.compile(
    r"^\s*(namn|för- och efternamn|name|navn|e-post|e-postadress|epost|email|e-mail|telefon|telefonnummer"
    r"|phone|företag|company|ämne|subject|meddelande|message|ärende)\s*[:=]\s*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_NO_NAMES = re.compile(
    r"(?:Xelent|Office|Sweden|AB|Hej|Hello|Dear|Dataskydd\w*|Gdpr|GDPR|Artikel|Article|Art|Med|Mvh|Vänlig\w*"
    r"|Best|Kind|Regards|Skickat|Sent|Från|Till|Kundtjänst|Support|Personuppgift\w*|Data|Privacy|Begäran"
    r"|Request"
    r"|Protection|Officer|Regulation|General|European|Union|Box|Team|Registerutdrag|Policy|The|Jag|Vi|Om|Tack"
    r"|Den|Det|Nyhetsbrev|Newsletter"
    r"|Radera|Stryk|Glöm|Rätta|Ändra|Spärra|Sluta|Stoppa|Slett|Slet|Stryg|Glem|Fjern|Rett|Ret|Delete|Erase|Remove|Forget"
    r"|Stop|Correct|Strike)\b"
)
_SERVICES = re.compile(
    r"(?:saymine|mine|incogni|deleteme|joindeleteme|abine|privacybee|optery|kanary|yourdigitalrights"
    r"|datarequests|privacyrights|rightly|tapmydata|mydatadoneright|privacyduck|unroll|conscia"
    r"|consciousprivacy)\.",
    re.IGNORECASE,
)
#: Local part of the address from which a deletion service sends.
_MACHINE_SENDER = re.compile(
    r"request|removal|privacy|opt-?out|delet|eras|dsa?r|no-?reply|svar-ikke|ikke-svar|data|agent|slet|radera|begar"
    r"|anmod",
    re.IGNORECASE,
)
#: Somebody's representative by profession, whatever the address from which it writes.
_BY_PROFESSION = re.compile(
    r"(?<!\w)(?:client|solicitors?|counsel|klient|huvudman|advokat\w*|ombudsman|union|fack\w*|fagforening\w*)(?!\w)"
)
#: What something is called: 'bilden under "Våra medarbetare"'.
_TITLE = re.compile(r"[\"“”„»«][^\"“”„»«\n]{1,40}[\"“”«»]")
#: The reader's, who does not write here; "er" alone is "is" in Norwegian and Danish.
_YOUR_LAWYER = re.compile(
    r"(?:(?<!\w)(?:deres|jeres|dykkar|your)|(?:^|[.!?,;:\n]\s{0,3}|(?<!\w)(?:av|från|till|med) )er)"
    r" (?:advokat|lawyer|solicitor|jurist)(?!\w)",
    re.IGNORECASE,
)
#: Folded and loosened, "skriver att" is "skriver åt": who writes that something is so writes for nobody.
_THAT = re.compile(r" att(?!\w)")
#: In the subject of a deletion service: for whom.
_FOR_WHOM = re.compile(rf"(?:\bför|\bfor|\bangående|\bregarding|\bavser|:)\s+({_NAME})\s*$")
#: What a colleague tells of somebody who came or called.
_CAME_BY = re.compile(r"(?<!\w)(?:ringde|ringt|rang|called|kom in|came in|var inne|horde av sig|hort av sig)(?!\w)")
_FORWARD_SUBJECT = re.compile(r"\s*(?:vb|vs|fw|fwd|wg|tr|vidarebefordrat)\s*:", re.IGNORECASE)
_HEAD_FROM = re.compile(r"^\W*(?:från|from|fra|von)\*?\s*:\*?\s*(.*)$", re.IGNORECASE | re.MULTILINE)


#: Roles in which the writer asks about himself.
OWN_MATTER = (Requester.SELF, Requester.COLLEAGUE_FORWARD, Requester.WEB_FORM)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What the requester wrote: the mail itself, or the mail that a colleague forwarded, or the fields of a form."""

    requester: Requester
    address: str | None  #: Of the person who asks; None if unknown.
    name: str | None  #: Of the person who wrote.
    body: str  #: Above the sign-off.
    closing: str  #: Sign-off and what stands below it.
    principal: str | None = None  #: Whom the writer speaks for.
    stated: tuple[Identifier, ...] = ()  #: Identifiers from fields that say what they hold.
    first_received_at: datetime | None = None  #: When a colleague got it.
    doubts: tuple[str, ...] = ()  #: What about it only a person can settle.


def read_letter(mail: InboundMail, *, staff_domain: str, forms: Sequence[Form] = ()) -> Letter:
    """Find the letter in *mail* and the role of its writer."""
    form = next((form for form in forms if form.sender == mail.sender), None)
    if form is not None:
        return _from_layout(mail, form)
    if _is_forward(mail, staff_domain):
        return _forwarded(mail, staff_domain)
    fields = _form_fields(mail, staff_domain)
    if fields:
        return _from_form(mail, fields)
    if _is_told(mail, staff_domain):
        return _told(mail)
    body, closing = _at_sign_off(mail.own_text, mail.sender_name)
    added, closing = _written_below(closing)
    body = "\n\n".join(filter(None, (body, added)))
    closing = "\n".join((closing, _signature(mail)))
    requester, principal = _role(mail, f"{mail.subject}\n{body}")
    name = _writer(body, closing, mail.sender_name)
    return Letter(requester=requester, address=mail.sender, name=name, body=body, closing=closing, principal=principal)


# --------------------------------------------------------------------------------------------------------- roles


def _role(mail: InboundMail, text: str) -> tuple[Requester, str | None]:
    folded = _THAT.sub("", fold(_YOUR_LAWYER.sub(" ", text)))
    local, _, domain = (mail.sender or "").rpartition("@")
    for_another = any(says(name, folded) for name in ("service", "agent"))
    by_profession = _BY_PROFESSION.search(folded) is not None and says("agent", folded)
    machine = _MACHINE_SENDER.search(local) is not None and not by_profession
    if _SERVICES.search(f"{domain}.") or (machine and (for_another or _FOR_WHOM.search(mail.subject))):
        return Requester.SERVICE, _served(mail.subject, text)
    for requester, concept_name in _ROLES:
        if requester is Requester.SERVICE and by_profession:
            continue
        if requester is Requester.EMPLOYER and not says(concept_name, fold(_TITLE.sub(" ", text))):
            continue
        if says(concept_name, folded) and (requester is not Requester.AGENT or not _is_protest(folded)):
            left = _LEFT.search(text) if requester is Requester.EMPLOYER else None
            return requester, _principal(text) or (clean_name(_named(left[1])) if left else None)
    return Requester.SELF, None


#: In this order: who writes about a dead person writes for the estate, whatever else is said.
_ROLES = (
    (Requester.ESTATE, "estate"),
    (Requester.SERVICE, "service"),
    (Requester.PARENT, "parent"),
    (Requester.EMPLOYER, "employer"),
    (Requester.AGENT, "agent"),
)


def _served(subject: str, text: str) -> str | None:
    """For whom a deletion service writes: that name is the only one that it has to give."""
    named = _FOR_WHOM.search(subject)
    return _principal(text) or _declared(text) or (clean_name(named[1]) if named else None)


def _is_protest(folded: str) -> bool:
    """ "min advokat" threatens; it does not write."""
    return re.search(r"(?<!\w)(?:min|var|en|my|a|our) (?:advokat|lawyer|solicitor|jurist)(?!\w)", folded) is not None


def _principal(text: str) -> str | None:
    for pattern in (_GENITIVE_PRINCIPAL, RELATION, _PRINCIPAL):
        for match in pattern.finditer(text):
            name = clean_name(match[1])
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
    return head is not None and "@" in head[1] and not head[1].rstrip("> ").endswith(staff_domain)


def _is_told(mail: InboundMail, staff_domain: str) -> bool:
    """A colleague writes down what somebody wanted who called or came."""
    if (mail.sender or "").rpartition("@")[2] != staff_domain:
        return False
    folded = fold(mail.own_text)
    called = _CAME_BY.search(folded) is not None and not says("own_data", folded)
    return called or _is_read_by_several(mail)


def _is_read_by_several(mail: InboundMail) -> bool:
    sender = normalise(IdentifierType.EMAIL, mail.sender or "")
    return sender is not None and is_role_mailbox(sender)


def _told(mail: InboundMail) -> Letter:
    body, closing = _at_sign_off(mail.own_text, mail.sender_name)
    added, _ = _written_below(closing)
    body = "\n\n".join(filter(None, (body, added)))
    met = next((name for match in NAME_IN_TEXT.finditer(body) if (name := clean_name(_named(match[0])))), None)
    return Letter(
        requester=Requester.COLLEAGUE_FORWARD, address=None, name=met, body=body, closing="",
        doubts=("a colleague tells what somebody wanted",),
    )  # fmt: skip


def _named(words: str) -> str:
    """ "En Göran Palmkvist", "Kunden Eva Ek": the name alone."""
    return re.sub(r"^(?:En|Ett|Kunden|Kund|Kollegan|Medarbetaren|Fru|Herr|A|Mr|Mrs|Ms)\.? (?=\S+ )", "", words)


def _forwarded(mail: InboundMail, staff_domain: str) -> Letter:
    """What a colleague passed on: of several mails on top of each other the first that no colleague wrote."""
    lines = [line.removeprefix(">").removeprefix(" ") for line in mail.quoted_text.split("\n")]
    quoted = "\n".join(lines)
    heads = list(_HEAD_FROM.finditer(quoted))
    head = next((each for each in heads if not _is_of_colleague(each[1], staff_domain)), heads[0] if heads else None)
    quoted = quoted[head.start() :] if head else quoted
    writer = head[1] if head else ""
    addresses = [i.value for i in find_identifiers(writer) if i.type is IdentifierType.EMAIL]
    text = re.sub(
        r"^\W*(?:från|from|fra|skickat|sent|sendt|date|datum|dato|till|to|til|kopia|cc|ämne|subject"
        r"|emne)\*?\s*:.*$|^\W{0,3}[-_]{3,}.*$",
        "",
        quoted,
        flags=re.IGNORECASE | re.MULTILINE,
    )
    body, closing = _at_sign_off(text, re.sub(r"[<(\[].*", "", writer).strip(" \"*'"))
    name = clean_name(re.sub(r"[<(\[].*", "", writer).strip(" \"*'")) or _writer(body, closing, "")
    first_received_at = received_when(quoted)
    return Letter(
        requester=Requester.COLLEAGUE_FORWARD,
        address=addresses[0] if addresses else None,
        name=name,
        body=body,
        closing=closing,
        first_received_at=first_received_at,
        doubts=() if first_received_at else ("nobody knows when the colleague got it",),
    )


def _is_of_colleague(writer: str, staff_domain: str) -> bool:
    addresses = [each.value for each in find_identifiers(writer) if each.type is IdentifierType.EMAIL]
    return any(address.endswith(f"@{staff_domain}") for address in addresses)


def _from_layout(mail: InboundMail, form: Form) -> Letter:
    """The letter in a mail of a form that settings describe; a mail it does not fit is read whole and doubted."""
    filled = read_form(mail.text, form)
    if filled is None:
        whole = Letter(requester=Requester.WEB_FORM, address=None, name=None, body=mail.text, closing="")
        return replace(whole, doubts=("the web form does not look as the settings say",))
    return Letter(
        requester=Requester.WEB_FORM,
        address=filled.address,
        name=filled.name,
        body=filled.message,
        closing="",
        stated=filled.identifiers,
        doubts=("a field of the web form stands twice",) if filled.is_ambiguous else (),
    )


def _form_fields(mail: InboundMail, staff_domain: str) -> dict[str, str]:
    """Fields of a contact form that our own site or a form service mailed; empty if the mail is none."""
    found = {match[1].lower(): match[2].strip() for match in _FORM_FIELD.finditer(mail.own_text)}
    from_site = (mail.sender or "").rpartition("@")[2].endswith(staff_domain) or {"no-reply", "auto-submitted"} & set(
        mail.machine_signs
    )
    folded = fold(mail.own_text)
    listed = says("service", folded) or says("agent", folded)  # whom they write for, field by field
    titled = re.search(r"formul[aä]r|contact form|webbf|kontaktskjema", f"{mail.subject} {mail.sender_name}".lower())
    return found if len(found) >= 2 and ((from_site and not listed) or titled) else {}


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
    if declared := _declared(body):
        return declared
    lines = [line.strip(" ,.*/") for line in _SIGN_OFF.sub("\n", closing, count=1).split("\n") if line.strip(" ,.*/")]
    signed = next((clean_name(line) for line in lines[:2] if NAME_IN_TEXT.fullmatch(line)), None)
    return signed or clean_name(_turned(sender_name)) or None


def _declared(text: str) -> str | None:
    return next((name for match in _DECLARED.finditer(text) if (name := clean_name(match[1]))), None)


def _turned(name: str) -> str:
    """ "Ek, Eva" -> "Eva Ek"."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and " " not in first.strip() else name


def clean_name(name: str) -> str | None:
    name = " ".join(name.split())
    words = [word for word in name.split() if not _NO_NAMES.fullmatch(word)]
    if len(words) != len(name.split()) or not NAME_IN_TEXT.fullmatch(name):
        return None
    return name


def _at_sign_off(text: str, writer: str = "") -> tuple[str, str]:
    """*text* up to its last sign-off, and the rest; a line with the name of *writer* signs where no phrase does."""
    lines = text.split("\n")
    for at in range(len(lines) - 1, max(-1, len(lines) - 20), -1):
        line = lines[at].strip()
        match = _SIGN_OFF.match(line)
        if (
            match
            and (
                match.end() == len(line)
                or NAME_IN_TEXT.match(line[match.end() :])
                or len(line[match.end() :].split()) == 1
            )
            and at > 0
        ):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    at = next((at for at in range(max(1, len(lines) - _CLOSING_LINES), len(lines)) if _is_signed(lines[at], writer)), 0)
    return ("\n".join(lines[:at]), "\n".join(lines[at:])) if at else (text, "")


#: Name, title, company, address, numbers: no more lines than these sign.
_CLOSING_LINES = 8
_LONGEST_SIGNATURE_LINE = 60


def _is_signed(line: str, writer: str) -> bool:
    """A short line that is a name, or begins with that of the sender, signs where no phrase does."""
    line = line.strip(" /.,-*")
    if not line or len(line) > _LONGEST_SIGNATURE_LINE:
        return False
    return clean_name(line) is not None or bool(writer and fold(line).startswith(fold(writer)))


_POSTSCRIPT = re.compile(r"\W{0,3}(?:p\.? ?s\.?|obs|nb|n\.b\.|btw)(?!\w)", re.IGNORECASE)
#: A line of so many words below the sign-off is written for this mail.
_SENTENCE_WORDS = 9


def _written_below(closing: str) -> tuple[str, str]:
    """What of *closing* is a postscript or a sentence, and the rest, which names the writer."""
    lines = closing.split("\n")
    start = next((at for at, line in enumerate(lines) if _POSTSCRIPT.match(line)), len(lines))
    written = [line for line in lines[:start] if len(line.split()) >= _SENTENCE_WORDS]
    rest = [line for line in lines[:start] if len(line.split()) < _SENTENCE_WORDS]
    return "\n".join([*written, *lines[start:]]), "\n".join(rest)


def _signature(mail: InboundMail) -> str:
    """Up to eight lines below the signature delimiter, which are the writer's own although no part of the letter."""
    first, *rest = mail.quoted_text.split("\n")[:9] or [""]
    return "\n".join(line for line in rest if not line.startswith(">")) if first.strip() == "--" else ""
