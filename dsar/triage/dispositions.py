"""
Facts -> disposition, by an ordered literal table.

Effects: none. The first rule that holds decides; what no rule knows goes before a person, never away.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from dsar.model import Disposition
from dsar.triage.facts import Facts
from dsar.triage.flags import is_authority
from dsar.triage.rights import Stance
from dsar.triage.vocabulary import says

_AUTO_SUBJECT = re.compile(
    r"\s*(?:automatiskt svar|autosvar|auto-svar|frånvaro|ej på plats|out of office|automatic reply"
    r"|auto(?:matic)?[ -]?reply|autoreply|automatisk svar|fraværsmelding|fraværsmeddelelse"
    r"|abwesenheitsnotiz|automatische antwort|automaattinen vastaus|poissaoloviesti|réponse automatique"
    r"|semestersvar|read:|läst:|lest:|olvasva:)",
    re.IGNORECASE,
)


class DispositionRule(NamedTuple):
    disposition: Disposition
    reason: str
    holds: Callable[[Facts], bool]
    keeps_requests: bool = True
    doubtful: bool = False


WANTED = (Stance.WANTED, Stance.DOUBTFUL)


def _is_auto_reply(facts: Facts) -> bool:
    mail = facts.mail
    answered = bool(facts.signs & {"auto-replied"}) or _AUTO_SUBJECT.match(mail.subject) is not None
    machine = bool(facts.signs & {"auto-submitted", "null-return-path", "report"})
    absent = facts.topic("absence") > 0
    return (
        answered
        or (machine and absent)
        or "report" in facts.signs
        or (facts.topic("absence") > 1 and not facts.has(Stance.WANTED))
    )


def is_reminder(facts: Facts) -> bool:
    asked_before = facts.has(Stance.REMEMBERED, Stance.STATUS)
    if facts.hits and says("reminder", facts.folded):
        return True
    if says("open_answer", facts.folded) and (asked_before or says("past", facts.folded)):
        return True
    return asked_before and not facts.has(*WANTED)


def _is_sales(facts: Facts) -> bool:
    return facts.topic("sales") > 1 and not facts.has(Stance.WANTED)


def _noise(name: str, least: int = 1) -> Callable[[Facts], bool]:
    return lambda facts: facts.topic(name) >= least


def _asks_how(facts: Facts) -> bool:
    rights = ("erase_verb", "erase_noun", "access_noun", "consent_withdrawn", "restriction")
    about = facts.topic("question") + facts.topic("study") > 0 or (
        says("all_data", facts.folded) and any(says(r, facts.folded) for r in rights)
    )
    return about and says("how_general", facts.folded) and facts.topic("support") == 0


#: The first that holds decides.
DISPOSITIONS = (
    DispositionRule(
        Disposition.BOUNCE,
        "it reports that a mail could not be delivered",
        lambda f: f.mail.is_bounce,
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.AUTHORITY,
        "the sender is an authority",
        lambda f: is_authority(f.mail.sender),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(Disposition.AUTO_REPLY, "a machine answered", _is_auto_reply, keeps_requests=False),
    DispositionRule(Disposition.FOLLOW_UP, "it answers a letter of ours or names a case", lambda f: f.is_reply),
    DispositionRule(
        Disposition.FOLLOW_UP, "it takes a request back", lambda f: says("withdrawn", f.folded), keeps_requests=False
    ),
    DispositionRule(Disposition.FOLLOW_UP, "it asks about an earlier request", is_reminder),
    DispositionRule(Disposition.NOT_REQUEST, "it sells something", _is_sales, keeps_requests=False),
    DispositionRule(Disposition.REQUEST, "it exercises a right", lambda f: f.has(Stance.WANTED)),
    DispositionRule(Disposition.NOT_REQUEST, "it is a newsletter", lambda f: f.is_bulk, keeps_requests=False),
    DispositionRule(Disposition.REQUEST, "it may exercise a right", lambda f: f.has(Stance.DOUBTFUL), doubtful=True),
    DispositionRule(Disposition.UNCLEAR, "it reports a breach", _noise("breach"), keeps_requests=False, doubtful=True),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is a supplier's own privacy notice",
        _noise("supplier_privacy"),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it asks how rights work",
        lambda f: f.has(Stance.ASKED) or _asks_how(f),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it is a study",
        lambda f: f.topic("study") > 0 and f.topic("question") > 0,
        keeps_requests=False,
    ),
    DispositionRule(Disposition.NOT_REQUEST, "it is a job application", _noise("application", 2), keeps_requests=False),
    DispositionRule(
        Disposition.UNCLEAR,
        "a right is named that is not asked for now",
        lambda f: f.has(Stance.CONDITIONAL),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(Disposition.NOT_REQUEST, "it is spam", _noise("spam", 2), keeps_requests=False),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is about machines",
        lambda f: f.topic("support") > 0 and f.topic("question") == 0,
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is about business",
        lambda f: f.topic("business") > 0 and f.topic("question") == 0,
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it asks about privacy",
        lambda f: f.topic("question") > 0 and "?" in f.letter.body + f.mail.subject,
        keeps_requests=False,
    ),
    DispositionRule(Disposition.UNCLEAR, "it complains", _noise("complaint"), keeps_requests=False, doubtful=True),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is an application, a survey, sales or spam",
        lambda f: any(f.topic(n) > 0 for n in ("application", "survey", "sales", "spam")),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "a right is named and not wanted",
        lambda f: f.has(Stance.DENIED),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(Disposition.UNCLEAR, "no rule knows what it is", bool, keeps_requests=False, doubtful=True),
)
