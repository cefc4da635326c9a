"""
Tasks -> the words of mails to colleagues, in Swedish and English.

Effects: none. Written for somebody who has never heard of the GDPR: what to look for, where, and which answers there
are. What a requester wrote is never quoted; their name stands on one line and is cut (P10).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dsar.casework.context import Question
from dsar.casework.desks import SEARCH
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType, PlanStep, StepAction, Text

_WIDTH = 78
_LONGEST_VALUE = 60

#: A value that holds one of these is not passed on.
_SECRET = frozenset({IdentifierType.PERSONNUMMER, IdentifierType.NATIONAL_ID})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One task as a colleague reads it."""

    reference: str
    kind: str
    place: str  #: What they answer for.
    question: Question
    instead_of: str  #: Name of the absent colleague; "" if it is their own.


@dataclass(frozen=True, kw_only=True)
class _Words:
    """One language."""

    subject: str
    reminder: str
    greeting: str
    why: str
    search: str
    changes: Mapping[str, str]  #: {kind of a task: what is asked}
    instead: str
    how: str
    how_search: tuple[str, ...]
    how_change: tuple[str, ...]
    leave: (
        str  #: Said where nothing is to be changed: who hears of a request may think that it wants something removed.
    )
    both: str
    several: str
    end: str
    clear_subject: str
    clear: str


_SV = _Words(
    subject="Fråga om personuppgifter, svara senast {reply_by}",
    reminder="Påminnelse: {subject}",
    greeting="Hej {name}!",
    why="En person har hört av sig om sina personuppgifter, och lagen kräver att vi\n"
    "svarar. Titta i det som du har hand om: papper, telefon, e-post och filer.\n"
    "Allt räknas, även en rad i en lista. Svara sedan på det här mejlet.",
    search="Vad har du om {person}?",
    changes={
        "update": "Ändra för {person}: {what}",
        "erase": "Ta bort om {person}: {what}",
        "suppress": "Skicka ingen mer reklam till {person}: {what}",
    },
    instead=" (i stället för {name})",
    how="Två svar finns:",
    how_search=(
        "  saknas     om du har letat och inte har något",
        "  finns:     följt av det du har, eller bifoga det (CSV, Excel, vCard, PDF)",
    ),
    how_change=(
        "  klart      när det är gjort och du har sett efter att det stämmer",
        "  går inte:  följt av varför",
    ),
    leave="Ändra och ta bort ingenting nu, och hör inte av dig till personen.",
    both="På en fråga finns två svar, på en ändring två andra:",
    several="Skriv referensen (TASK-...) framför varje svar.",
    end="Svara senast {reply_by}; utan ditt svar kan vi inte svara personen.\nUndrar du något? {contact}",
    clear_subject="Vi förstod inte svaret om {reference}",
    clear="Vi kunde inte läsa ut ditt svar om {reference}. Svara så här:",
)
_EN = _Words(
    subject="Question about personal data, answer by {reply_by}",
    reminder="Reminder: {subject}",
    greeting="Hello {name},",
    why="A person has contacted us about their personal data, and the law demands that\n"
    "we answer. Please look through what you keep: paper, phone, e-mail and files.\n"
    "Everything counts, a row in a list too. Then reply to this mail.",
    search="What do you have about {person}?",
    changes={
        "update": "Change for {person}: {what}",
        "erase": "Remove about {person}: {what}",
        "suppress": "Send no more advertising to {person}: {what}",
    },
    instead=" (in place of {name})",
    how="There are two answers:",
    how_search=(
        "  nothing    if you have looked and have nothing",
        "  found:     followed by what you have, or attach it (CSV, Excel, vCard, PDF)",
    ),
    how_change=(
        "  done       when you have done it and have checked that it is so",
        "  cannot:    followed by the reason",
    ),
    leave="Change and remove nothing now, and do not contact the person.",
    both="A question has two answers, a change two others:",
    several="Write the reference (TASK-...) before each answer.",
    end="Answer by {reply_by}; without your answer we cannot answer the person.\nQuestions? {contact}",
    clear_subject="We did not understand the answer about {reference}",
    clear="We could not tell what your answer about {reference} means. Please reply with:",
)
_LANGUAGES = {"sv": _SV, "en": _EN}

_CALLED = {
    IdentifierType.CUSTOMER_NO: Text(sv="kundnummer", en="customer number"),
    IdentifierType.ORDER_NO: Text(sv="ordernummer", en="order number"),
    IdentifierType.SERIAL: Text(sv="serienummer", en="serial number"),
    IdentifierType.USERNAME: Text(sv="användarnamn", en="user name"),
}
_EMPTY = Text(sv="(tomt)", en="(empty)")
_THE_RECORD = Text(sv="det som du har svarat att du har", en="what you answered that you have")


def digest_text(
    language: str, *, name: str, items: Sequence[Asked], reply_by: date, contact: str, reminds: bool
) -> tuple[str, str]:
    """Subject and text of the mail about *items*; with the usual one or two it fits a screen of 24 lines."""
    words = _LANGUAGES[language]
    subject = words.subject.format(reply_by=reply_by)
    lines = [words.greeting.format(name=name), "", words.why, ""]
    for item in items:
        instead = words.instead.format(name=item.instead_of) if item.instead_of else ""
        lines += [f"{item.reference}  {item.place}{instead}", *_wrapped(_asked(language, item)), ""]
    kinds = {item.kind == SEARCH for item in items}
    lines += _how(words, kinds)
    if kinds == {True}:
        lines.append(words.leave)
    if len(items) > 1:
        lines.append(words.several)
    lines += ["", words.end.format(reply_by=reply_by, contact=contact)]
    return (words.reminder.format(subject=subject) if reminds else subject), "\n".join(lines) + "\n"


def clarity_text(language: str, reference: str, kind: str) -> tuple[str, str]:
    """Subject and text of the one question about an unclear answer."""
    words = _LANGUAGES[language]
    lines = [words.clear.format(reference=reference), "", *_how(words, {kind == SEARCH})]
    return words.clear_subject.format(reference=reference), "\n".join(lines) + "\n"


def escalation_text(
    reference: str, *, case: str, place: str, colleague: str, asked_on: date, send_by: date
) -> tuple[str, str]:
    """Subject and text to whoever can make somebody answer."""
    text = (
        f"{case} is to be answered by {send_by} and waits for {colleague} ({place}), who was asked on {asked_on} and "
        f"has not answered {reference}.\n\nThe law's time goes on (Art. 12(3) GDPR). Please see to it that it is "
        f"answered by a reply to the mail about it, or tell the handler, who writes it down: "
        f"'dsar task answer {reference}'.\n"
    )
    return f"dsar: {reference} holds up {case}", text


def _how(words: _Words, kinds: set[bool]) -> list[str]:
    """Which answers there are. Args: kinds: of the tasks: True for questions, False for changes."""
    if len(kinds) > 1:
        return [words.both, *words.how_search, *words.how_change]
    return [words.how, *(words.how_search if True in kinds else words.how_change)]


def _asked(language: str, item: Asked) -> str:
    question = item.question
    found_by = [_called(language, each) for each in question.identifiers if each.type not in _SECRET]
    person = ", ".join(map(_one_line, filter(None, [question.name, *found_by]))) or item.reference
    words = _LANGUAGES[language]
    if question.step is None:
        return words.search.format(person=person)
    kind = "erase" if item.kind == StepAction.ANONYMISE else item.kind
    return words.changes[kind].format(person=person, what=_what(language, question.step))


def _called(language: str, identifier: Identifier) -> str:
    """Its value, after what it is if nobody could tell from how it looks."""
    label = _CALLED.get(identifier.type)
    return f"{label.in_language(language)} {identifier.value}" if label else identifier.value


def _what(language: str, step: PlanStep) -> str:
    """What is to be changed: from and to; of what goes the values that tell which record it is."""
    if step.action in {StepAction.ERASE, StepAction.ANONYMISE}:
        values = [each.before for each in step.changes if each.before and each.path != "text"]
        told = [_one_line(each) for each in values if not _is_secret(each)][:3]
        label = step.object_label.in_language(language)
        return f"{label} ({', '.join(told)})" if told else f"{label}, {_THE_RECORD.in_language(language)}"
    empty = _EMPTY.in_language(language)
    return "; ".join(
        f"{each.label.in_language(language)} {_one_line(each.before) or empty} → {_one_line(each.after or '') or empty}"
        for each in step.changes
        if not _is_secret(f"{each.before} {each.after}")
    )


def _is_secret(text: str) -> bool:
    return any(each.type in _SECRET for each in find_identifiers(text))


def _one_line(text: str) -> str:
    """*text* on one line, without what cannot be seen, cut where nobody's name goes on."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(visible.split())[:_LONGEST_VALUE]


def _wrapped(text: str) -> list[str]:
    """*text* indented, in lines that fit a screen."""
    lines, line = [], "  "
    for word in text.split():
        if len(line) + len(word) + 1 > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = "  "
        line += f"{word} "
    return [*lines, line.rstrip()]
