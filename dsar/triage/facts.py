"""
InboundMail -> the facts that decide what it is.

Effects: none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dsar.model import InboundMail, Requester, Right
from dsar.triage.forms import Form
from dsar.triage.impression import Impression, impression_of
from dsar.triage.judgement import Judged, judge
from dsar.triage.languages import language_of
from dsar.triage.letter import Letter, read_letter
from dsar.triage.opinion import LEARNED, Opinion
from dsar.triage.rights import SAYS_STOP, About, Hit, Stance, find_hits, is_owned
from dsar.triage.sentences import LONGEST_TEXT, Sentence, clauses_of, sentence, split
from dsar.triage.signs import Wanted, Witnesses, length
from dsar.triage.vocabulary import concept, count, fold, says

if TYPE_CHECKING:
    from dsar.triage.encoder import Hearing

_REPLY_PREFIX = re.compile(
    r"\s*(?:(?:sv|re|vb|vs|fw|fwd|ang|aw|antw|tr|wg)\s*(?:\[\d+\])?\s*:\s*)+",
    re.IGNORECASE,
)
_CASE_REFERENCE = re.compile(r"\b[A-Z]{1,4}-20\d\d-\d{3,6}\b")
#: What a mail may be about, and what is said in it that tells its kind.
_TOPICS = (
    "sales", "spam", "application", "support", "business", "survey", "supplier_privacy", "newsletter", "absence",
    "study", "question", "breach", "complaint",
)  # fmt: skip
_SAID = (
    "withdrawn", "changed_mind", "past", "open_answer", "reminder", "how_general", "answers_you", "company", "threat",
    "legal_threat", "condition", "later", "status",
)  # fmt: skip
#: With fewer words a mail says nothing that could be sorted.
FEW_WORDS = 6
#: Concepts in which a right may hide.
_PRIVATE = (
    "own_data", "others_data", "own_thing", "access_noun", "erase_noun", "what_have_you", "consent_withdrawn",
    "objection", "restriction", "no_contact", "marketing", "protected", "breach", "legal_threat", "out_of_register",
)  # fmt: skip
#: From so many words on the encoder hears more than the others.
_ENOUGH_WORDS = 12
#: Log-odds of a right in a sentence below which the encoder hears none.
_UNHEARD = -1.0
_OUR_LETTER = re.compile(r"(?:gdpr|dataskydd|privacy|personuppgifter)@xelent\.se", re.IGNORECASE)
#: Words between quotation marks: three or more are somebody else's.
_QUOTATION = re.compile(r"[\"”“„»][^\"”“„«»]{0,3}(?:\w[^\s\"”“„«»]*\s+){2,120}[^\"”“„«»]{0,60}[\"”“«»]")


#: Signs of a machine that those headers leave which only lists write.
_OF_LISTS = frozenset({"list-id", "list-unsubscribe", "precedence"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules of disposition look at."""

    mail: InboundMail
    letter: Letter
    language: str
    body: tuple[Sentence, ...]
    folded: str  #: Subject and body, folded.
    hits: tuple[Hit, ...]

    @cached_property
    def sentences(self) -> list[str]:
        """Subject and body as the second opinion reads them: folded, without what is quoted inside."""
        subject = _REPLY_PREFIX.sub("", self.mail.subject)
        return [subject, *(" ".join(_without_quotation(each).clauses) for each in self.body)]

    @cached_property
    def verbatim(self) -> list[str]:
        """The same as they are written, for the encoder, which has read much that was spelled well."""
        subject = _REPLY_PREFIX.sub("", self.mail.subject)
        return [subject, *(_QUOTATION.sub(" ", each.text) for each in self.body)]

    @property
    def settled(self) -> set[tuple[str, int]]:
        """(right, place) of sentences in which the rules see that the right is denied, done, or only spoken of."""
        places = {each.text: place for place, each in enumerate(self.body, start=1)}
        return {
            (hit.right.value, places[hit.sentence.text])
            for hit in self.hits
            if hit.stance not in (Stance.WANTED, Stance.DOUBTFUL) and hit.sentence.text in places
        }

    @cached_property
    def opinion(self) -> Opinion:
        """The second opinion, without what the rules know to be denied or done."""
        return Opinion.of(self.sentences, settled=self.settled)

    @cached_property
    def impression(self) -> Impression:
        """
        The third opinion, on the mail as a whole.

        Of a right that the rules know to be denied or done somewhere it says no more than it would without that;
        nor of whether it is a request, where nothing else is asked there.
        """
        found, settled = dict(impression_of(self.sentences)), self.settled
        asking = {hit.sentence.text for hit in self.hits if hit.stance in (Stance.WANTED, Stance.DOUBTFUL)}
        places = {place for place, each in enumerate(self.body, start=1) if each.text not in asking}
        unheard = {right: {place for each, place in settled if each == right} for right, _ in settled}
        if unheard:
            unheard["request"] = set().union(*unheard.values()) & places
        for name, silent in unheard.items():
            others = ["" if place in silent else text for place, text in enumerate(self.sentences)]
            found[name] = min(found[name], impression_of(others)[name])
        return found

    @property
    def is_learned(self) -> bool:
        """Whether the second opinion has learned its language well."""
        return self.language in LEARNED

    @cached_property
    def first(self) -> Judged:
        """What rules and opinions tell."""
        return judge(self.witnesses, learned=self.is_learned)

    @cached_property
    def heard(self) -> "Hearing | None":
        """
        The fourth opinion.

        None of so few words that the others hear as much, and of what is sent to many, which it would only slow down.
        """
        if self.is_bulk or self.mail.is_bounce or sum(len(text.split()) for text in self.verbatim) < _ENOUGH_WORDS:
            return None
        from dsar.triage.encoder import heard_in  # loads numpy

        return heard_in(self.verbatim)

    @cached_property
    def judged(self) -> Judged:
        """What all tell together."""
        if self.heard is None:
            return self.first
        from dsar.triage.rereading import judge_again

        return judge_again(self.first, self.heard, self.witnesses)

    @property
    def hears_no_right(self) -> bool:
        """In no sentence a right is heard: by the encoder, and where it has not read all, by the second opinion."""
        by_opinion = self.opinion.heard["any_right"].odds < 0
        if self.heard is None:
            return by_opinion
        return self.heard.any_right < _UNHEARD and (self.heard.whole or by_opinion)

    @cached_property
    def heard_alone(self) -> Sequence[float]:
        """Log-odds of the right that the encoder hears most in each of `verbatim` by itself, as far as it reads."""
        from dsar.triage.encoder import heard_alone  # loads numpy

        return heard_alone(self.verbatim)

    @property
    def chances(self) -> Mapping[Right, float]:
        """Right -> chance that the mail exercises it."""
        return self.judged.chances

    @property
    def kinds(self) -> Mapping[str, float]:
        """Kind of mail -> chance that it is of it."""
        return self.judged.kinds

    @property
    def likeliest(self) -> str:
        """The likeliest kind of mail."""
        return max(self.kinds, key=self.kinds.__getitem__)

    @property
    def wanted(self) -> Mapping[Right, Wanted]:
        """The rights that it exercises, as far as rules and opinions see."""
        return self.judged.wanted

    @property
    def certainty(self) -> float:
        """Estimate of the chance that it is a request and `wanted` is exactly right."""
        return self.judged.certainty

    @cached_property
    def witnesses(self) -> Witnesses:
        """Rules, second and third opinion and signs of the whole mail, to be judged together."""
        subject = _REPLY_PREFIX.sub("", self.mail.subject)
        texts = [subject, *(each.text for each in self.body)]
        return Witnesses(self.hits, self.opinion, self.impression, self._traits, texts)

    @property
    def _traits(self) -> dict[str, float]:
        """Signs of the whole mail, literal: what it speaks of, how, and who sent it."""
        yes = {
            "a list sent it": self.is_bulk,
            "a list sent it, nobody asks as himself": self.is_bulk and not self.asks_as_self,
            "speaks privately": self.speaks_privately,
            "answers us": self.is_reply,
            "asks as himself": self.asks_as_self,
            "language known": self.is_learned,
            "asks after an earlier request": self.reminds,
            "a question mark": "?" in self.letter.body,
            "quotes": bool(self.mail.quoted_text),
            "signs of a machine": bool(self.signs),
            "a reply": _REPLY_PREFIX.match(self.mail.subject) is not None,
            "rules hit": bool(self.hits),
            "few words": len(self.folded.split()) < FEW_WORDS,
            "sells": self.topic("sales") + self.topic("spam") > 1 and not self.asks_as_self,
            f"role: {self.letter.requester}": True,
        }
        yes |= {f"says: {name}": says(name, self.folded) for name in _SAID}
        found = {f"topic: {name}": float(min(2, self.topic(name))) for name in _TOPICS}
        found |= {name: 1.0 for name, holds in yes.items() if holds}
        return found | {"length": length(len(self.letter.body.split()))}

    @property
    def reminds(self) -> bool:
        """It speaks of a request as made before, and of an answer that is missing."""
        before = self.has(Stance.REMEMBERED, Stance.STATUS) or says("past", self.folded)
        return before and (says("open_answer", self.folded) or says("reminder", self.folded))

    def topic(self, name: str) -> int:
        """How many different phrases of the concept *name* the writer used."""
        return count(name, self.folded)

    def has(self, *stances: Stance) -> bool:
        return any(hit.stance in stances for hit in self.hits)

    @property
    def asks_as_self(self) -> bool:
        """Something is asked for in the first person."""
        return any(hit.stance is Stance.WANTED and own_words(hit) for hit in self.hits)

    @property
    def signs(self) -> frozenset[str]:
        return frozenset(self.mail.machine_signs)

    @property
    def is_bulk(self) -> bool:
        """Sent to a list, by its headers or its footer."""
        return self.has_list_headers or self.topic("newsletter") > 0

    @property
    def has_list_headers(self) -> bool:
        return self.letter.requester is not Requester.WEB_FORM and bool(self.signs & _OF_LISTS)

    @property
    def speaks_privately(self) -> bool:
        """Anything in it might be meant as the exercise of a right; what a list sends to everybody is not."""
        if self.is_bulk or self.topic("sales") > 2:
            return False
        owned = any(
            is_owned(clause, thing)
            for each in self.body
            for clause in each.clauses
            for thing in concept("record_noun").finditer(clause)
        )
        return bool(self.hits) or owned or any(says(name, self.folded) for name in _PRIVATE)

    @property
    def is_reply(self) -> bool:
        """Answers one of our letters or names one of our cases."""
        named = _CASE_REFERENCE.search(self.mail.subject) or _CASE_REFERENCE.search(self.letter.body)
        return bool(self.mail.own_message_ids or named or self._answers_us)

    @property
    def _answers_us(self) -> bool:
        """Quotes a letter of the privacy mailbox, or its subject answers one."""
        replied = _REPLY_PREFIX.match(self.mail.subject) is not None
        return replied and (
            _OUR_LETTER.search(self.mail.quoted_text[:2000]) is not None or says("our_subject", fold(self.mail.subject))
        )


def read_facts(mail: InboundMail, staff_domain: str, forms: Sequence[Form] = ()) -> Facts:
    letter = read_letter(mail, staff_domain=staff_domain, forms=forms)
    body = split(letter.body)
    subject = "" if letter.requester is Requester.WEB_FORM else _REPLY_PREFIX.sub("", mail.subject)
    folded = fold(f"{subject}\n{letter.body[:LONGEST_TEXT]}")
    about = _about(folded)
    hits = find_hits([_without_quotation(each) for each in body], about=about)
    hits = _with_subject(hits, subject, replied=subject != mail.subject, about=about)
    facts = Facts(
        mail=mail,
        letter=letter,
        language=language_of(f"{subject}\n{letter.body}"),
        body=body,
        folded=folded,
        hits=tuple(hits),
    )
    return replace(facts, hits=tuple(hit for hit in hits if not _is_about_something_else(facts, hit)))


def _about(folded: str) -> About:
    if any(says(name, folded) for name in ("own_data", "others_data", "own_thing")):
        return About.DATA
    return About.THINGS if says("data_noun", folded) else About.NOTHING


def _without_quotation(sentence: Sentence) -> Sentence:
    """*sentence* without what it quotes from an article, a form or a template."""
    if not _QUOTATION.search(sentence.text):
        return sentence
    return replace(sentence, clauses=clauses_of(_QUOTATION.sub(" ", sentence.text)))


def _with_subject(hits: list[Hit], subject: str, *, replied: bool, about: About) -> list[Hit]:
    """Add what the subject asks, unless it is a reply's or the body says otherwise about the same right."""
    if replied:
        return hits
    otherwise = {hit.right for hit in hits if hit.stance not in (Stance.WANTED, Stance.DOUBTFUL)}
    wanted = {hit.right for hit in hits if hit.stance is Stance.WANTED}
    asked = find_hits([sentence(subject, heading=True)], about=about)
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
    if facts.is_bulk and hit.rule == SAYS_STOP:
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
