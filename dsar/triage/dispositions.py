"""
Facts -> disposition, by an ordered literal table.

Effects: none. The first rule that holds decides; what no rule knows goes before a person, never away.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from dsar.model import Disposition
from dsar.triage.facts import Facts, own_words
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
        or (machine and absent and not facts.wanted)
        or "report" in facts.signs
        or (facts.topic("absence") > 1 and not facts.has(Stance.WANTED))
    )


def is_reminder(facts: Facts) -> bool:
    """It asks after an earlier request, or answers what was asked about one."""
    asked_before = facts.has(Stance.REMEMBERED, Stance.STATUS) or says("past", facts.folded)
    if facts.has(Stance.REMEMBERED, Stance.STATUS) and not facts.wanted:
        return True
    return asked_before and (says("open_answer", facts.folded) or says("reminder", facts.folded))


def _says_nothing(facts: Facts) -> bool:
    return len(facts.folded.split()) < _FEW_WORDS and not facts.hits and not facts.is_bulk


def _takes_back(facts: Facts) -> bool:
    changed_mind = says("changed_mind", facts.folded) and (facts.is_reply or says("past", facts.folded))
    return says("withdrawn", facts.folded) or changed_mind


def _answers_a_question(facts: Facts) -> bool:
    return says("answers_you", facts.folded) and not facts.wanted


def _is_sales(facts: Facts) -> bool:
    """It offers something, and whoever wants something in it is not the writer."""
    if facts.topic("sales") + facts.topic("spam") < 2 or (not facts.is_bulk and facts.opinion.right >= _LOUD):
        return False
    return not facts.asks_as_self


def _is_letter_to_many(facts: Facts) -> bool:
    """A list sent it, and nobody in it asks for anything; services send requests as lists send letters."""
    if facts.wanted and facts.noise < _QUIET:
        return False
    return facts.is_bulk and not facts.asks_as_self


def _noise(name: str, least: int = 1) -> Callable[[Facts], bool]:
    return lambda facts: facts.topic(name) >= least and _is_quiet(facts)


def _is_quiet(facts: Facts) -> bool:
    """No right may hide in it by what rules and second opinion see (GDPR Art. 12(2))."""
    if facts.is_bulk:
        return True
    unheard = facts.opinion.right < _AUDIBLE and not facts.speaks_privately
    quiet = facts.noise >= _QUIET if facts.is_learned else unheard
    return quiet and not facts.has(*WANTED)


def _least_noise(facts: Facts, usual: float) -> float:
    """Log-odds of noise that are needed: more where no list sent it and it may ask for something."""
    if facts.is_bulk:
        return usual
    if facts.opinion.right >= _LOUD:
        return _NOISY_IF_LOUD
    return max(usual, _NOISY_IF_KNOWN) if facts.hits else usual


def _is_plain_noise(facts: Facts) -> bool:
    """All of it sounds like noise, none of it like a question, and the writer asks for nothing that a rule knows."""
    return (
        facts.is_learned
        and facts.noise >= _least_noise(facts, _PLAINLY_NOISY)
        and _chance(facts, "question") < _LIKELY
        and not any(hit.stance in WANTED and own_words(hit) for hit in facts.hits)
    )


def _chance(facts: Facts, name: str) -> float:
    return facts.opinion.chances[name] if facts.is_learned else 0.0


#: With fewer words a mail says nothing that could be sorted.
_FEW_WORDS = 6
#: Log-odds of noise from which it is filed without a person.
NOISY = 1.2
#: The same where the second opinion sees a right in it, too.
_PLAINLY_NOISY = 1.5
#: The same where a rule knows something in it, and where the second opinion is loud.
_NOISY_IF_KNOWN, _NOISY_IF_LOUD = 1.8, 2.5
#: Chance from which the second opinion is loud.
_LOUD = 0.8
#: Below these log-odds it is not called noise at all (GDPR Art. 12(2)).
_QUIET = 0.5
#: In a language that the second opinion knows little of, the same from this chance of a right on.
_AUDIBLE = 0.3
#: Chance of the second opinion from which it is a follow-up, or a question.
_LIKELY = 0.6


def _asks_how(facts: Facts) -> bool:
    rights = ("erase_verb", "erase_noun", "access_noun", "consent_withdrawn", "restriction")
    about = facts.topic("question") + facts.topic("study") > 0 or (
        says("all_data", facts.folded) and any(says(r, facts.folded) for r in rights)
    )
    return about and says("how_general", facts.folded)


#: The first that holds decides.
DISPOSITIONS = (
    DispositionRule(
        Disposition.BOUNCE,
        "it reports that a mail could not be delivered, or not yet",
        lambda f: f.mail.is_bounce or f.mail.is_delay,
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
    DispositionRule(Disposition.FOLLOW_UP, "it answers a letter of ours", lambda f: bool(f.mail.own_message_ids)),
    DispositionRule(
        Disposition.FOLLOW_UP, "it names a case or answers a letter as ours are", lambda f: f.is_reply, doubtful=True
    ),
    DispositionRule(Disposition.UNCLEAR, "it says nothing", _says_nothing, keeps_requests=False, doubtful=True),
    DispositionRule(Disposition.FOLLOW_UP, "it takes a request back", _takes_back, doubtful=True),
    DispositionRule(Disposition.FOLLOW_UP, "it asks about an earlier request", is_reminder, doubtful=True),
    DispositionRule(Disposition.FOLLOW_UP, "it answers what was asked", _answers_a_question, doubtful=True),
    DispositionRule(Disposition.NOT_REQUEST, "it sells something", _is_sales, keeps_requests=False),
    DispositionRule(Disposition.NOT_REQUEST, "it is a newsletter", _is_letter_to_many, keeps_requests=False),
    DispositionRule(Disposition.NOT_REQUEST, "all of it is noise", _is_plain_noise, keeps_requests=False),
    DispositionRule(Disposition.REQUEST, "it exercises a right", lambda f: bool(f.wanted)),
    DispositionRule(Disposition.NOT_REQUEST, "it is a newsletter", lambda f: f.is_bulk, keeps_requests=False),
    DispositionRule(
        Disposition.UNCLEAR, "it reports a breach", lambda f: f.topic("breach") > 0, keeps_requests=False, doubtful=True
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is a supplier's own privacy notice",
        lambda f: f.topic("supplier_privacy") > 0,
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it asks how rights work",
        lambda f: f.has(Stance.ASKED) or _asks_how(f),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it is a study",
        lambda f: f.topic("study") > 0 and f.topic("question") > 0,
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.FOLLOW_UP,
        "the second opinion: it belongs to an earlier request",
        lambda f: not f.wanted and _chance(f, "follow_up") >= _LIKELY,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "the second opinion: it asks how rights work",
        lambda f: _chance(f, "question") >= _LIKELY,
        keeps_requests=False,
        doubtful=True,
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
        lambda f: f.topic("support") > 0 and f.topic("question") == 0 and _is_quiet(f),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is about business",
        lambda f: f.topic("business") > 0 and f.topic("question") == 0 and _is_quiet(f),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.QUESTION,
        "it asks about privacy",
        lambda f: f.topic("question") > 0 and "?" in f.letter.body + f.mail.subject,
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.UNCLEAR, "it complains", lambda f: f.topic("complaint") > 0, keeps_requests=False, doubtful=True
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "it is an application, a survey, sales or spam",
        lambda f: any(f.topic(n) > 0 for n in ("application", "survey", "sales", "spam")) and _is_quiet(f),
        keeps_requests=False,
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "a right is named and not wanted",
        lambda f: f.has(Stance.DENIED) and _is_quiet(f),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.NOT_REQUEST,
        "the second opinion: noise",
        lambda f: f.noise >= _least_noise(f, NOISY) and not f.wanted,
        keeps_requests=False,
    ),
    DispositionRule(Disposition.UNCLEAR, "no rule knows what it is", bool, keeps_requests=False, doubtful=True),
)
