"""
InboundMail -> the facts that decide what it is.

Effects: none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsar.model import InboundMail, Requester, Right
from dsar.triage.forms import Form
from dsar.triage.languages import language_of
from dsar.triage.letter import Letter, read_letter
from dsar.triage.rights import Hit, Stance, find_hits
from dsar.triage.sentences import LONGEST_TEXT, Sentence, sentence, split
from dsar.triage.vocabulary import count, fold, says

_REPLY_PREFIX = re.compile(
    r"\s*(?:(?:sv|re|vb|vs|fw|fwd|ang|aw|antw|tr|wg)\s*(?:\[\d+\])?\s*:\s*)+",
    re.IGNORECASE,
)
_CASE_REFERENCE = re.compile(r"\bD-20\d\d-\d{5}\b")


@dataclass(frozen=True, kw_only=True)
class Facts:
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
        signs = frozenset() if self.letter.requester is Requester.WEB_FORM else self.signs
        return bool(signs & {"list-id", "list-unsubscribe", "precedence"}) or self.topic("newsletter") > 0

    @property
    def is_reply(self) -> bool:
        """Answers one of our letters or names one of our cases."""
        named = _CASE_REFERENCE.search(self.mail.subject) or _CASE_REFERENCE.search(self.letter.body)
        return bool(self.mail.own_message_ids or named)


def read_facts(mail: InboundMail, staff_domain: str, forms: Sequence[Form] = ()) -> Facts:
    letter = read_letter(mail, staff_domain=staff_domain, forms=forms)
    body = split(letter.body)
    subject = "" if letter.requester is Requester.WEB_FORM else _REPLY_PREFIX.sub("", mail.subject)
    folded = fold(f"{subject}\n{letter.body[:LONGEST_TEXT]}")
    about_data = any(says(name, folded) for name in ("own_data", "others_data", "own_thing"))
    hits = find_hits(body, about_data=about_data)
    hits = _with_subject(hits, subject, replied=subject != mail.subject, about_data=about_data)
    facts = Facts(
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


def _is_about_something_else(facts: Facts, hit: Hit) -> bool:
    """The bare name of a right, or a change without a value, in a mail of another topic."""
    if (
        hit.rule in ("tells of a change", "asks for a change", "stops marketing")
        and facts.is_bulk
        and not own_words(hit)
    ):
        return True
    if hit.rule == "tells of a change" and not own_words(hit) and (facts.topic("sales") or facts.topic("business")):
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


def own_words(hit: Hit) -> bool:
    return says("self_words", hit.sentence.folded)
