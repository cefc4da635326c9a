"""
A mail that was sorted wrongly -> an entry of the corpus, in which nobody is to be recognised.

Effects: none. Numbers, addresses and the names that triage knows are replaced by invented ones of the same form, the
same one for the same person throughout; headers, HTML and attachments are left out. What else a text tells of its
writer only a person can see, who must read the entry before it is kept.
"""

import re
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP

from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType, InboundMail, Right, Triage

_FIRST = ("Alma", "Bror", "Cilla", "David", "Elna", "Folke", "Greta", "Helge", "Ida", "Jarl")
_LAST = ("Askvik", "Bryngelsson", "Cederfjord", "Dalhamre", "Ekeblom", "Forsmyr", "Granlund", "Hedvall")
_DIGIT = re.compile(r"\d")
_LINK = re.compile(r"https?://\S+")
#: A run of digits that nothing knew may still be somebody's.
_LONG_NUMBER = re.compile(r"\d(?:[\s-]?\d){4,}")


def corpus_entry(
    mail: InboundMail, triage: Triage, rights: Sequence[Right], *, disposition: str, own_addresses: frozenset[str]
) -> tuple[bytes, dict[str, object]]:
    """
    (mail, label) of an entry for tests/mails/training.

    Args: triage: what the program found; rights, disposition: what a person says it is.
    """
    text = f"{mail.sender_name}\n{mail.sender or ''}\n{mail.subject}\n{mail.text}"
    found = [each for each in find_identifiers(text) if each.value not in own_addresses]
    names = [
        name for name in (*(person.name for person in triage.subjects), mail.sender_name) if name and "@" not in name
    ]
    substitutes = _substitutes(found, names)
    sender = _replace(mail.sender or "", substitutes)
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{_replace(mail.sender_name, substitutes)} <{sender or 'someone@mail.example'}>".strip()
    message["To"] = "gdpr@xelent.se"
    message["Subject"] = _replace(mail.subject, substitutes).replace("\n", " ")
    message["Message-ID"] = "<entry@mail.example>"
    message.set_content(_replace(mail.text, substitutes))
    first = triage.subjects[0]
    label: dict[str, object] = {
        "disposition": disposition,
        "requests": [{"type": right.value, "portability": False} for right in rights],
        "language": triage.language,
        "requester": triage.requester.value,
        "subject_name": _replace(first.name, substitutes) if first.name else None,
        "identifiers": [{"type": each.type.value, "value": _value(each, substitutes)} for each in first.identifiers],
        "changes": [],
        "flags": list(triage.flags),
        "why": "corrected by a person",
    }
    return message.as_bytes(), label


def _substitutes(found: Sequence[Identifier], names: Sequence[str]) -> dict[re.Pattern[str], str]:
    """Pattern of what stands in the text -> what stands there instead."""
    chosen: dict[re.Pattern[str], str] = {}
    invented = {word: instead for at, name in enumerate(dict.fromkeys(names)) for word, instead in _renamed(name, at)}
    for at, each in enumerate(found):
        if each.type is IdentifierType.EMAIL:
            chosen[re.compile(re.escape(each.value), re.IGNORECASE)] = f"person{at + 1}@mail.example"
        else:
            digits = r"[\s()./–-]{0,3}".join(_DIGIT.findall(each.value)[-8:])
            if digits:
                chosen[re.compile(rf"\+?[\d\s()-]{{0,8}}{digits}")] = f" {_number(each, at)}"
    for word in sorted(invented, key=len, reverse=True):
        chosen[re.compile(rf"(?<!\w){re.escape(word)}(?=s?(?!\w))", re.IGNORECASE)] = invented[word]
    return chosen


def _renamed(name: str, at: int) -> list[tuple[str, str]]:
    words = name.split()
    instead = [_FIRST[at % len(_FIRST)], *(_LAST[(at + place) % len(_LAST)] for place in range(len(words) - 1))]
    return [(word, new) for word, new in zip(words, instead, strict=True) if len(word) > 1]


def _number(each: Identifier, at: int) -> str:
    """An invented number of the same kind; its check digit is right where one is needed."""
    match each.type:
        case IdentifierType.PERSONNUMMER:
            return "640823-3234"
        case IdentifierType.ORGNR:
            return "556036-0793"
        case IdentifierType.PHONE:
            return f"070-174 06 {10 + at % 90}"
        case _:
            return f"{10442 + at}"


def _value(each: Identifier, substitutes: Mapping[re.Pattern[str], str]) -> str:
    replaced = _replace(each.value, substitutes).strip()
    again = find_identifiers(replaced)
    return again[0].value if again else replaced


def _replace(text: str, substitutes: Mapping[re.Pattern[str], str]) -> str:
    text = _LINK.sub("https://link.example/", text)
    for pattern, instead in substitutes.items():
        text = pattern.sub(instead, text)
    known = {_digits(instead) for instead in substitutes.values()}
    return _LONG_NUMBER.sub(lambda m: m[0] if _digits(m[0]) in known else _DIGIT.sub("0", m[0]), text)


def _digits(text: str) -> str:
    return "".join(_DIGIT.findall(text))
