"""
Facts -> disposition, by an ordered literal table.

Effects: none. The first rule that holds decides; what no rule knows goes before a person, never away.
"""

import re
from collections.abc import Callable
from itertools import chain, repeat
from typing import NamedTuple

from dsar.model import Disposition, Right
from dsar.triage.facts import FEW_WORDS, Facts
from dsar.triage.flags import is_authority
from dsar.triage.judgement import LIKELY
from dsar.triage.letter import OWN_MATTER
from dsar.triage.rights import Stance
from dsar.triage.sentences import Sentence
from dsar.triage.vocabulary import says

_AUTO_SUBJECT = re.compile(
    r"\s*(?:automatiskt svar|autosvar(?!\w)|auto-svar|frånvaro(?!\w)|ej på plats|out of office|automatic reply"
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
    titled = _AUTO_SUBJECT.match(mail.subject) is not None and not facts.wanted  # people write "Frånvaro" above wishes
    answered = bool(facts.signs & {"auto-replied"}) or titled
    machine = bool(facts.signs & {"auto-submitted", "null-return-path", "report"})
    absent = facts.topic("absence") > 0
    return (
        answered
        or (machine and absent and not facts.wanted and not facts.has(*WANTED))
        or "report" in facts.signs
        or (facts.topic("absence") > 1 and not facts.has(Stance.WANTED))
    )


def is_reminder(facts: Facts) -> bool:
    """It asks after an earlier request, or answers what was asked about one."""
    if facts.kinds["request"] >= _PLAINLY:
        return False
    return facts.reminds or (facts.has(Stance.REMEMBERED, Stance.STATUS) and not facts.wanted)


def _says_nothing(facts: Facts) -> bool:
    return len(facts.folded.split()) < FEW_WORDS and not facts.hits and not facts.is_bulk


def _takes_back(facts: Facts) -> bool:
    changed_mind = says("changed_mind", facts.folded) and (facts.is_reply or says("past", facts.folded))
    return says("withdrawn", facts.folded) or changed_mind


def _is_noise(facts: Facts) -> bool:
    return _sounds_like_noise(facts) and _hides_nothing(facts)


def _sounds_like_noise(facts: Facts) -> bool:
    """No right may hide in it by what rules and opinions see (GDPR Art. 12(2)), and nobody speaks for another."""
    asked = {hit.right for hit in facts.hits if hit.stance is Stance.WANTED and not hit.bare}
    # The footer of a list speaks of unsubscribing.
    quiet = asked <= ({Right.OBJECT} if facts.is_bulk else set()) or is_plainly_noise(facts)
    own = facts.letter.requester in OWN_MATTER and not says("employer", facts.folded)  # in a form, too
    silent = facts.hears_no_right and _is_faint(facts) and facts.topic("breach") == 0
    return facts.kinds["noise"] >= NOISY and silent and quiet and own and not facts.wanted


def _is_faint(facts: Facts) -> bool:
    """No right is likely by all that is told, nor without the encoder, which hears other things."""
    return max(facts.chances.values()) < _FAINT and max(facts.first.chances.values()) < _FAINT_AT_FIRST


def _hides_nothing(facts: Facts) -> bool:
    """No sentence asks for anything if it is read by itself; what a list sent speaks of registers to everybody."""
    name = facts.letter.name or ""
    return facts.is_bulk or all(
        odds < (_ALONE_OF_A_PERSON if _is_of_a_person(sentence, name) else _ALONE)
        for sentence, odds in zip(facts.body, chain(facts.heard_alone[1:], repeat(_UNREAD)), strict=False)
    )


def _is_of_a_person(sentence: Sentence, name: str) -> bool:
    """Somebody is kept somewhere, or is called by the writer's *name*, but not below the text: "Anna Ek utgår."."""
    first, signed = name.partition(" ")[0], sentence.text.startswith(name) and not sentence.text.endswith(".")
    named = len(first) > _INITIALS and re.search(rf"(?<!\w){re.escape(first)}(?:'?s)?(?!\w)", sentence.text) is not None
    return (named and not signed) or says("on_file", sentence.folded)


#: "Ta bort mitt gamla konto", amid whatever business.
_MINE = re.compile(r"(?<!\w)(?:min|mitt|mina|mit|mine|my|mig|meg|me)(?!\w)")


def is_plainly_noise(facts: Facts) -> bool:
    """Rules may hit a word of business ("radera skanningarna"), yet all that is told of the mail is against them."""
    asked = [hit.sentence.folded for hit in facts.hits if hit.stance in WANTED]
    own = any(_MINE.search(text) or says("own_person", text) for text in asked)
    if facts.heard is None or not facts.heard.whole or facts.wanted or own:
        return False
    unheard = facts.heard.any_right < _UNHEARD and max(facts.chances.values()) < _FAINTEST
    return unheard and facts.kinds["noise"] >= _PLAINLY_NOISE


def _is_letter_to_many(facts: Facts) -> bool:
    """A list sent it, likely noise, and nobody asks as themselves: its footer speaks of unsubscribing."""
    asked = any(hit.stance in WANTED and hit.right is not Right.OBJECT for hit in facts.hits)
    heard = max(facts.opinion.chance(right.value) for right in Right if right is not Right.OBJECT)
    quiet = not asked and not facts.asks_as_self and heard < LIKELY
    return facts.has_list_headers and facts.kinds["noise"] >= (_TO_MANY if facts.hits else _TO_MANY_UNHIT) and quiet


#: Chance of a request from which it asks for something new, although it speaks of an earlier one.
_PLAINLY = 0.8
#: Chance of noise from which what a list sent is filed; the same if no rule hits it.
_TO_MANY, _TO_MANY_UNHIT = 0.7, 0.4
#: Chance from which a mail is called noise, and filed.
NOISY = 0.92
#: Log-odds of a right in a sentence by itself from which it is not, and the same where a person is kept or named in it.
_ALONE, _ALONE_OF_A_PERSON = 2.0, -3.0
#: What counts for them of a sentence beyond what the encoder reads.
_UNREAD = 0.0
#: Letters that are no name.
_INITIALS = 2
#: Chance of any one right from which it is not, and the same as it is judged without the encoder.
_FAINT, _FAINT_AT_FIRST = 0.05, 0.25
#: The same where rules hit, and log-odds of a right in any sentence: of 4,888 mails that nothing had learned from, 66
#: were so, all of them noise.
_PLAINLY_NOISE, _FAINTEST, _UNHEARD = 0.97, 0.02, -3.0


#: Chance of a request from which a mail that asks for something is one, even if it rather belongs to another.
_MAY_BE_NEW = 0.4


def _belongs(facts: Facts) -> bool:
    """It rather belongs to an earlier request than asks for anything new; in doubt it is new (GDPR Art. 12(2))."""
    return facts.likeliest == "follow_up" and not (facts.wanted and facts.kinds["request"] >= _MAY_BE_NEW)


def _is(kind: str) -> Callable[[Facts], bool]:
    return lambda facts: facts.likeliest == kind


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
    DispositionRule(Disposition.NOT_REQUEST, "it is a letter to many", _is_letter_to_many, keeps_requests=False),
    DispositionRule(Disposition.NOT_REQUEST, "the signs together: noise", _is_noise, keeps_requests=False),
    DispositionRule(
        Disposition.UNCLEAR,
        "amid noise, a sentence by itself may ask for something",
        _sounds_like_noise,
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(Disposition.REQUEST, "it exercises a right", lambda f: _is("request")(f) and bool(f.wanted)),
    DispositionRule(
        Disposition.UNCLEAR,
        "it reports a breach",
        lambda f: f.topic("breach") > 0 and not f.wanted,
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.FOLLOW_UP, "the signs together: it belongs to an earlier request", _belongs, doubtful=True
    ),
    DispositionRule(
        Disposition.QUESTION,
        "the signs together: it asks how rights work",
        _is("question"),
        keeps_requests=False,
        doubtful=True,
    ),
    DispositionRule(
        Disposition.REQUEST, "a right may be exercised", lambda f: bool(f.wanted), doubtful=True
    ),  # GDPR Art. 12(2): in doubt it is one
    DispositionRule(Disposition.UNCLEAR, "the signs do not agree", bool, keeps_requests=False, doubtful=True),
)
