"""
InboundMail -> Triage: what a mail asks, about whom, by whom, with the evidence.

Effects: none. By meaning, not by word: sentences, clauses, denial and condition are told apart, quoted text does not
count, and in doubt it is a request (GDPR Art. 12(2)) that a person looks at.

    languages.py   text -> language
    sentences.py   text -> sentences and clauses
    vocabulary.py  sv.toml, en.toml ... -> one pattern per concept
    rights.py      sentences -> rights, by a table of rules
    people.py      mail -> writer, role, persons
    changes.py     sentences -> old and new values
    flags.py       mail -> flags
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dsar.model import (
    Disposition,
    FoundRequest,
    InboundMail,
    RequestedChange,
    Requester,
    Right,
    RIGHTS_IN_ORDER,
    SenderAuthentication,
    Triage,
    TriageSubject,
)
from dsar.triage.changes import find_changes
from dsar.triage.flags import find_flags, is_authority
from dsar.triage.languages import READ_WELL, language_of
from dsar.triage.people import Letter, read_letter, subjects
from dsar.triage.rights import Hit, Stance, find_hits
from dsar.triage.sentences import LONGEST_TEXT, Sentence, sentence, split
from dsar.triage.vocabulary import count, says, fold

__all__ = ["triage"]

OWN_ADDRESSES = frozenset({"gdpr@xelent.se", "info@xelent.se", "dataskydd@xelent.se"})

_REPLY_PREFIX = re.compile(r"\s*(?:(?:sv|re|vb|vs|fw|fwd|ang|aw|antw|tr|wg)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_CASE_REFERENCE = re.compile(r"\bD-20\d\d-\d{5}\b")
_AUTO_SUBJECT = re.compile(
    r"\s*(?:automatiskt svar|autosvar|auto-svar|frånvaro|ej på plats|out of office|automatic reply|auto(?:matic)?[ -]?reply|autoreply|automatisk svar|fraværsmelding|fraværsmeddelelse"
    r"|abwesenheitsnotiz|automatische antwort|automaattinen vastaus|poissaoloviesti|réponse automatique|semestersvar|read:|läst:|lest:|olvasva:)",
    re.IGNORECASE,
)


def triage(
    mail: InboundMail,
    *,
    sender_authentication: SenderAuthentication,
    own_addresses: frozenset[str] = OWN_ADDRESSES,
    staff_domain: str = "xelent.se",
) -> Triage:
    """
    Sort one mail.

    Args: sender_authentication: what our own server found out about the sender; own_addresses: e-mail addresses of
    ours, which point at nobody; staff_domain: domain whose senders are colleagues.
    """
    facts = _read(mail, staff_domain)
    verdict = next(rule for rule in _DISPOSITIONS if rule.holds(facts))
    requests = _requests(facts) if verdict.keeps_requests else ()
    people = subjects(
        facts.letter,
        facts.body,
        requests,
        is_ours=lambda address: address in own_addresses or address.endswith(f"@{staff_domain}"),
    )
    if any(request.right is Right.UPDATE for request in requests):
        people = _with_changes(people, _changes(facts, own_addresses))
    flags = find_flags(mail, facts.letter, facts.folded, staff_domain=staff_domain)
    doubts = _doubts(facts, verdict, people, requests, flags, sender_authentication)
    reasons = [f"{verdict.disposition}: {verdict.reason}"]
    reasons += [f"{hit.right}: {hit.rule} ({hit.stance})" for hit in facts.hits]
    return Triage(
        disposition=verdict.disposition,
        subjects=people,
        language=facts.language,
        requester=facts.letter.requester,
        flags=flags,
        sender_authentication=sender_authentication,
        needs_person=bool(doubts),
        reasons=tuple(dict.fromkeys([*reasons, *doubts])),
    )


# --------------------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What the rules of disposition look at."""

    mail: InboundMail
    letter: Letter
    language: str
    body: tuple[Sentence, ...]
    folded: str  #: Subject and body, folded.
    hits: tuple[Hit, ...]

    def topic(self, name: str) -> int:
        """How many different phrases of the concept *name* the writer used."""
        return count(name, self.folded)

    def has(self, *stances: Stance) -> bool:
        return any(hit.stance in stances for hit in self.hits)

    @property
    def signs(self) -> frozenset[str]:
        return frozenset(self.mail.machine_signs)

    @property
    def is_bulk(self) -> bool:
        """Sent to a list, by its headers or its footer."""
        return bool(self.signs & {"list-id", "list-unsubscribe", "precedence"}) or self.topic("newsletter") > 0

    @property
    def is_reply(self) -> bool:
        """Answers one of our letters or names one of our cases."""
        named = _CASE_REFERENCE.search(self.mail.subject) or _CASE_REFERENCE.search(self.letter.body)
        return bool(self.mail.own_message_ids or named)


def _read(mail: InboundMail, staff_domain: str) -> _Facts:
    letter = read_letter(mail, staff_domain=staff_domain)
    body = split(letter.body)
    subject = "" if letter.requester is Requester.WEB_FORM else _REPLY_PREFIX.sub("", mail.subject)
    folded = fold(f"{subject}\n{letter.body[:LONGEST_TEXT]}")
    about_data = any(says(name, folded) for name in ("own_data", "others_data", "own_thing"))
    hits = find_hits(body, about_data=about_data)
    hits = _with_subject(hits, subject, replied=subject != mail.subject, about_data=about_data)
    facts = _Facts(
        mail=mail,
        letter=letter,
        language=language_of(f"{subject}\n{letter.body}"),
        body=body,
        folded=folded,
        hits=tuple(hits),
    )
    return replace(facts, hits=tuple(hit for hit in hits if not _is_about_something_else(facts, hit)))


def _with_subject(hits: list[Hit], subject: str, *, replied: bool, about_data: bool) -> list[Hit]:
    """Add what the subject asks, unless it is a reply's or the body says otherwise about the same right."""
    if replied:
        return hits
    otherwise = {hit.right for hit in hits if hit.stance not in (Stance.WANTED, Stance.DOUBTFUL)}
    wanted = {hit.right for hit in hits if hit.stance is Stance.WANTED}
    asked = find_hits([sentence(subject, heading=True)], about_data=about_data)
    return hits + [hit for hit in asked if hit.right not in otherwise | wanted]


def _is_about_something_else(facts: _Facts, hit: Hit) -> bool:
    """The bare name of a right, or a change without a value, in a mail of another topic."""
    if (
        hit.rule in ("tells of a change", "asks for a change", "stops marketing")
        and facts.is_bulk
        and not _own_words(hit)
    ):
        return True
    if hit.rule == "tells of a change" and not _own_words(hit) and (facts.topic("sales") or facts.topic("business")):
        return True
    if facts.is_bulk and hit.rule == "says stop":
        return True
    if hit.bare:
        other = facts.is_bulk or facts.topic("sales") > 1 or facts.topic("supplier_privacy") > 0
        return other or (facts.topic("study") > 0 and hit.stance is not Stance.WANTED)
    return (
        facts.topic("application") > 1
        and hit.right is Right.ACCESS
        and hit.rule == "asks for the data"
        and hit.stance is Stance.DOUBTFUL
    )


def _own_words(hit: Hit) -> bool:
    return says("self_words", hit.sentence.folded)


# -------------------------------------------------------------------------------------------------- dispositions


class _DispositionRule(NamedTuple):
    disposition: Disposition
    reason: str
    holds: Callable[[_Facts], bool]
    keeps_requests: bool = True
    doubtful: bool = False


_WANTED = (Stance.WANTED, Stance.DOUBTFUL)


def _is_auto_reply(facts: _Facts) -> bool:
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


def _is_reminder(facts: _Facts) -> bool:
    asked_before = facts.has(Stance.REMEMBERED, Stance.STATUS)
    if facts.hits and says("reminder", facts.folded):
        return True
    if says("open_answer", facts.folded) and (asked_before or says("past", facts.folded)):
        return True
    return asked_before and not facts.has(*_WANTED)


def _is_sales(facts: _Facts) -> bool:
    return facts.topic("sales") > 1 and not facts.has(Stance.WANTED)


def _noise(name: str, least: int = 1) -> Callable[[_Facts], bool]:
    return lambda facts: facts.topic(name) >= least


def _asks_how(facts: _Facts) -> bool:
    rights = ("erase_verb", "erase_noun", "access_noun", "consent_withdrawn", "restriction")
    about = facts.topic("question") > 0 or (says("all_data", facts.folded) and any(says(r, facts.folded) for r in rights))
    return about and says("how_general", facts.folded) and facts.topic("support") == 0



#: The first that holds decides.
_DISPOSITIONS = (
    _DispositionRule(
        Disposition.BOUNCE,
        "it reports that a mail could not be delivered",
        lambda f: f.mail.is_bounce,
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.AUTHORITY,
        "the sender is an authority",
        lambda f: is_authority(f.mail.sender),
        keeps_requests=False,
        doubtful=True,
    ),
    _DispositionRule(Disposition.AUTO_REPLY, "a machine answered", _is_auto_reply, keeps_requests=False),
    _DispositionRule(Disposition.FOLLOW_UP, "it answers a letter of ours or names a case", lambda f: f.is_reply),
    _DispositionRule(
        Disposition.FOLLOW_UP, "it takes a request back", lambda f: says("withdrawn", f.folded), keeps_requests=False
    ),
    _DispositionRule(Disposition.FOLLOW_UP, "it asks about an earlier request", _is_reminder),
    _DispositionRule(Disposition.NOT_REQUEST, "it sells something", _is_sales, keeps_requests=False),
    _DispositionRule(Disposition.REQUEST, "it exercises a right", lambda f: f.has(Stance.WANTED)),
    _DispositionRule(Disposition.NOT_REQUEST, "it is a newsletter", lambda f: f.is_bulk, keeps_requests=False),
    _DispositionRule(Disposition.REQUEST, "it may exercise a right", lambda f: f.has(Stance.DOUBTFUL), doubtful=True),
    _DispositionRule(Disposition.UNCLEAR, "it reports a breach", _noise("breach"), keeps_requests=False, doubtful=True),
    _DispositionRule(
        Disposition.NOT_REQUEST,
        "it is a supplier's own privacy notice",
        _noise("supplier_privacy"),
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.QUESTION, "it asks how rights work", lambda f: f.has(Stance.ASKED) or _asks_how(f), keeps_requests=False
    ),
    _DispositionRule(
        Disposition.QUESTION,
        "it is a study",
        lambda f: f.topic("study") > 0 and f.topic("question") > 0,
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.NOT_REQUEST, "it is a job application", _noise("application", 2), keeps_requests=False
    ),
    _DispositionRule(
        Disposition.UNCLEAR,
        "a right is named that is not asked for now",
        lambda f: f.has(Stance.CONDITIONAL),
        keeps_requests=False,
        doubtful=True,
    ),
    _DispositionRule(Disposition.NOT_REQUEST, "it is spam", _noise("spam", 2), keeps_requests=False),
    _DispositionRule(
        Disposition.NOT_REQUEST,
        "it is about machines",
        lambda f: f.topic("support") > 0 and f.topic("question") == 0,
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.NOT_REQUEST,
        "it is about business",
        lambda f: f.topic("business") > 0 and f.topic("question") == 0,
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.QUESTION,
        "it asks about privacy",
        lambda f: f.topic("question") > 0 and "?" in f.letter.body + f.mail.subject,
        keeps_requests=False,
    ),
    _DispositionRule(Disposition.UNCLEAR, "it complains", _noise("complaint"), keeps_requests=False, doubtful=True),
    _DispositionRule(
        Disposition.NOT_REQUEST,
        "it is an application, a survey, sales or spam",
        lambda f: any(f.topic(n) > 0 for n in ("application", "survey", "sales", "spam")),
        keeps_requests=False,
    ),
    _DispositionRule(
        Disposition.NOT_REQUEST,
        "a right is named and not wanted",
        lambda f: f.has(Stance.DENIED),
        keeps_requests=False,
        doubtful=True,
    ),
    _DispositionRule(
        Disposition.UNCLEAR, "no rule knows what it is", lambda f: True, keeps_requests=False, doubtful=True
    ),  # noqa: ARG005
)


def _requests(facts: _Facts) -> tuple[FoundRequest, ...]:
    """One request per right, with the clearest evidence, in the order of handling."""
    wanted = _WANTED if facts.has(*_WANTED) else (Stance.REMEMBERED,)
    if _is_reminder(facts):
        wanted = (*_WANTED, Stance.REMEMBERED)
    order = list(Stance)
    found = []
    for right in RIGHTS_IN_ORDER:
        hits = sorted(
            (h for h in facts.hits if h.right is right and h.stance in wanted), key=lambda h: order.index(h.stance)
        )
        if hits:
            portable = right is Right.ACCESS and any(hit.portability for hit in hits)
            found.append(
                FoundRequest(right=right, portability=portable, evidence=hits[0].sentence.text, reason=hits[0].rule)
            )
    return tuple(found)


# ------------------------------------------------------------------------------------------- changes and doubts


def _changes(facts: _Facts, own_addresses: frozenset[str]) -> tuple[RequestedChange, ...]:
    """Values from the sentences that ask for a change and those right after them."""
    places = {at for at, s in enumerate(facts.body) for h in facts.hits if h.right is Right.UPDATE and h.sentence is s}
    near = sorted({at + step for at in places for step in (-1, 0, 1, 2)} or range(len(facts.body)))
    return find_changes([facts.body[at] for at in near if 0 <= at < len(facts.body)], is_ours=own_addresses)


def _with_changes(people: tuple[TriageSubject, ...], changes: tuple[RequestedChange, ...]) -> tuple[TriageSubject, ...]:
    first, *others = people
    return (replace(first, changes=changes), *others)


def _doubts(
    facts: _Facts,
    verdict: _DispositionRule,
    people: Sequence[TriageSubject],
    requests: Sequence[FoundRequest],
    flags: Sequence[str],
    authentication: SenderAuthentication,
) -> list[str]:
    """Why a person must sort it, in words; empty if nothing is in doubt."""
    if verdict.disposition in (Disposition.BOUNCE, Disposition.AUTO_REPLY):
        return (
            ["a machine answered, yet its text asks for something"]
            if facts.has(Stance.WANTED) and verdict.disposition is Disposition.AUTO_REPLY
            else []
        )
    noise = verdict.disposition is Disposition.NOT_REQUEST
    clear = {h.right for h in facts.hits if h.stance in (Stance.WANTED, Stance.REMEMBERED)}
    doubtful = {request.right for request in requests} - clear
    update = next((r for r in requests if r.right is Right.UPDATE), None)
    doubts = {
        f"a person decides: {verdict.reason}": verdict.doubtful,
        f"flags: {', '.join(flags)}": bool(
            set(flags)
            - (
                {"hidden_text", "breach", "complaint", "legal_person", "sender_mismatch"}
                if noise and facts.is_bulk
                else set()
            )
        ),
        f"the language is {facts.language}": facts.language not in READ_WELL and not noise,
        "some of it is asked in doubtful words": bool(doubtful) and not noise,
        "somebody asks for another person": facts.letter.requester not in (Requester.SELF, Requester.WEB_FORM)
        and not noise,
        "it is about several persons": len(people) > 1 and not noise,
        "the change has no value": update is not None and not people[0].changes,
        "the sender failed authentication": authentication is SenderAuthentication.FAIL and not noise,
        "the sender is unknown": facts.mail.sender is None,
        "it is too long to be read by a machine": len(facts.letter.body) > LONGEST_TEXT,
        "its text and HTML say different things": any("different" in defect for defect in facts.mail.defects)
        and not noise,
    }
    return [reason for reason, holds in doubts.items() if holds]
