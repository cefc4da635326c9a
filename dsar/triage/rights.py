"""
Sentences -> rights that they exercise, with the evidence.

Effects: none. A rule names an action ("radera") and what it must be done to ("mina uppgifter"); the words before the
action decide whether it is wanted, denied, threatened, remembered or only asked about. GDPR Art. 12(2): the controller
facilitates the exercise of rights; hence in doubt it is a request.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from dsar.model import Right
from dsar.triage.sentences import Sentence
from dsar.triage.vocabulary import concept, possible, says


class Stance(StrEnum):
    """How a sentence stands to the action that it names."""

    WANTED = "wanted"
    DOUBTFUL = "doubtful"  #: Probably wanted; a person looks.
    DENIED = "denied"
    CONDITIONAL = "conditional"  #: Threatened or planned for later.
    REMEMBERED = "remembered"  #: Asked for earlier.
    STATUS = "status"  #: Asked whether it was done.
    ASKED = "asked"  #: Asked how it works.


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One rule that matched one sentence."""

    rule: str
    right: Right
    stance: Stance
    sentence: Sentence
    bare: bool  #: Only the name of the right was found, nothing that it is asked for.
    portability: bool = False

    @property
    def folded(self) -> str:
        """Its sentence as the second opinion reads it."""
        return self.sentence.folded


#: Rule that finds any objection: Art. 21(1) is weighed, Art. 21(2) on direct marketing is absolute.
_ANY_OBJECTION = "objects"
#: Rule that finds a whole sentence that says no more than that: "Unsubscribe".
SAYS_STOP = "says stop"


class Rule(NamedTuple):
    """An action, and the things of which one must stand near it."""

    name: str
    right: Right
    action: str
    objects: tuple[str, ...] = ()  #: Concepts; none: the action says enough.
    owned: str = ""  #: Concept of things that count where it is said whose they are.
    loose: tuple[str, ...] = ()  #: Concepts that do if the mail speaks of personal data anyway.
    unless: tuple[str, ...] = ()  #: Concepts beside the action that make it something else.
    needs_wish: bool = True  #: Without a word that asks, and not at the start, it is doubtful.
    negation_words: int = 8  #: How far before the action a "not" reaches it.
    portability: bool = False
    machine_too: bool = False  #: Could be meant of a machine where the clause speaks of one.


#: Name of the rule by which somebody takes a consent back (Art. 7(3)).
CONSENT_WITHDRAWN = "withdraws consent"

_PERSONS = ("own_person", "others_person")

#: In this order; every rule that matches counts.
RULES = (
    Rule("asks what we hold", Right.ACCESS, "what_have_you", needs_wish=False, negation_words=0),
    Rule("names the right of access", Right.ACCESS, "access_noun"),
    Rule("asks for the data", Right.ACCESS, "get", ("own_data", "others_data"), owned="record_noun"),
    Rule(
        "asks for a portable copy",
        Right.ACCESS,
        "portable",
        ("own_data", "others_data"),
        "record_noun",
        ("pronoun",),
        portability=True,
    ),
    Rule("asks for a recording", Right.ACCESS, "get", ("recording",), machine_too=True),
    Rule(
        "asks for erasure",
        Right.ERASE,
        "erase_verb",
        ("own_data", "others_data", "own_thing"),
        "data_noun",
        ("all_data",),
        machine_too=True,
    ),
    Rule("asks to be removed", Right.ERASE, "erase_verb", _PERSONS, machine_too=True),
    Rule("names the right to erasure", Right.ERASE, "erase_noun"),
    Rule("must not be kept", Right.ERASE, "not_kept", needs_wish=False, negation_words=0),
    Rule("asks to be taken out", Right.ERASE, "out_of_register", unless=("access_noun", "get", "what_have_you")),
    Rule("asks for a change", Right.UPDATE, "change_verb", ("own_field",), "field_noun", machine_too=True),
    Rule("tells of a change", Right.UPDATE, "changed", needs_wish=False, negation_words=2, machine_too=True),
    Rule(
        "says that data are wrong",
        Right.UPDATE,
        "wrong",
        ("own_field", "own_data"),
        "field_noun",
        needs_wish=False,
        negation_words=0,
    ),
    Rule(
        "something is mistaken",
        Right.UPDATE,
        "mistaken",
        unless=("protected",),  # "Jag lever" says that one is not dead, but not in "jag lever med skyddade uppgifter".
        needs_wish=False,
        negation_words=0,
        machine_too=True,
    ),
    Rule("stops marketing", Right.OBJECT, "stop", ("marketing", "mailing_list"), needs_wish=False, negation_words=1),
    Rule("stops contact", Right.OBJECT, "stop", ("contact_verb",), needs_wish=False, negation_words=1),
    Rule("forbids contact", Right.OBJECT, "no_contact", needs_wish=False, negation_words=0),
    Rule(CONSENT_WITHDRAWN, Right.OBJECT, "consent_withdrawn", needs_wish=False, negation_words=2),
    Rule(
        _ANY_OBJECTION,
        Right.OBJECT,
        "objection",
        ("processing", "marketing"),
        unless=("restriction",),
        needs_wish=False,
        negation_words=2,
    ),
    Rule("asks for restriction", Right.RESTRICT, "restriction", needs_wish=False, negation_words=6),
)

#: Rules whose object is the person: it must follow at once ("ta bort mig", not "ta bort tonern och ring mig").
_REACH_OF_PERSON = 2
_REACH_AFTER = 10
_REACH_BEFORE = 6
#: So many words before or after a thing tell whose it is.
_OWNER_BEFORE, _OWNER_AFTER = 2, 5
#: What asks for a copy is no access when one of these is what shall happen to the data ("få mina uppgifter raderade").
_OTHER_FATES = ("erase_verb", "change_verb", "restriction", "erase_noun")
_CUES = ("wish", "not_wish", "threatened", "past", "status")
_START_WORDS = 4
#: In a longer mail "STOPP?" alone on a line is no order.
_SHORT_MAIL = 25
#: "radera inte ...", "radera dem inte."
_DENIED_AFTER = re.compile(
    r"\s+(?:alltsa |absolut )?(?:inte|ej|ikke|ikkje|not|nicht|pas)(?!\w)"
    r"|(?:\s+\w+){1,4}\s+(?:inte|ej|ikke|ikkje|nicht)\s*(?:[.!,;]|$)"
)


#: "... och radera sedan allt" is one more wish, "... och bilder raderade" the same.
_AND = re.compile(r"(?:och|and|og|und|sowie|ja|seka|et|puis|y|luego|i|oraz|ning)\s+|و")
#: What may stand between "and" and the next wish.
_BETWEEN = frozenset({
    "sedan", "sen", "darefter", "jag", "vill", "att", "ni", "sa", "then", "afterwards", "please", "i", "want", "you",
    "to", "siden", "derefter", "jeg", "at", "dere", "dann", "danach", "bite", "ich", "sie", "sitten", "jalken",
    "ensuite", "apres", "je", "vous", "despues", "luego", "por", "favor", "potem", "prosze", "sejarel", "palun",
})  # fmt: skip


class About(IntEnum):
    """How far a mail speaks of somebody's data, so that "radera allt" needs no more."""

    NOTHING = 0
    THINGS = 1  #: Of things that may be data: an account, a picture.
    DATA = 2  #: Of somebody's data.


def find_hits(sentences: Sequence[Sentence], *, about: About) -> list[Hit]:
    """Every rule that matches, in order of the text; *about*: what the whole mail speaks of."""
    hits: list[Hit] = []
    alone = sum(len(sentence.text.split()) for sentence in sentences) <= _SHORT_MAIL
    for sentence in sentences:
        hits += _standalone(sentence) if alone else ()
        for clause in sentence.clauses:
            named = possible(clause)
            for rule in RULES:
                if rule.action in named:
                    hits += _match(rule, clause, sentence, about=about)
    return hits


def is_about_marketing(hit: Hit) -> bool:
    """Whether an objection is plainly one to marketing, or takes a consent back."""
    return hit.rule != _ANY_OBJECTION or says("marketing", hit.sentence.folded)


def _standalone(sentence: Sentence) -> Iterator[Hit]:
    """A whole sentence such as "Unsubscribe" or "STOPP"."""
    words = re.sub(r"[^\w\s-]", "", sentence.folded).strip()
    if concept("standalone_stop").fullmatch(words):
        yield Hit(rule=SAYS_STOP, right=Right.OBJECT, stance=Stance.WANTED, sentence=sentence, bare=True)


def _match(rule: Rule, clause: str, sentence: Sentence, *, about: About) -> list[Hit]:
    hits: list[Hit] = []
    actions = list(concept(rule.action).finditer(clause))
    if not actions or any(says(name, clause) for name in rule.unless):
        return hits
    for action in actions:
        near = _object_near(rule, clause, action, about=about)
        if near is None:
            continue
        stance = _stance(rule, clause, action, sentence)
        if near.loose and stance is Stance.DOUBTFUL:
            continue
        cool = (rule.machine_too and says("support", clause)) or (near.loose and about is About.THINGS)
        hits.append(
            Hit(
                rule=rule.name,
                right=rule.right,
                stance=_cooled(stance) if cool else stance,
                sentence=sentence,
                bare=rule.action in ("access_noun", "erase_noun") and not says("wish", clause[: action.start()]),
                portability=rule.portability or (rule.right is Right.ACCESS and says("portable", clause)),
            )
        )
    return _strongest(hits)


def _cooled(stance: Stance) -> Stance:
    return Stance.DOUBTFUL if stance is Stance.WANTED else stance


def _strongest(hits: list[Hit]) -> list[Hit]:
    """Of several matches of one rule in one clause the clearest."""
    if len(hits) < 2:
        return hits
    order = list(Stance)
    return sorted(hits, key=lambda hit: order.index(hit.stance))[:1]


# ------------------------------------------------------------------------------------------------------- objects


class _Near(NamedTuple):
    loose: bool


def _object_near(rule: Rule, clause: str, action: re.Match[str], *, about: About) -> _Near | None:
    """The object of *action*; None if it has none or another rule's."""
    if not rule.objects:
        if rule.action == "access_noun" and says("attached", clause):
            return None
        if rule.right is Right.ERASE and says("support", clause):
            return None
        if rule.action == "what_have_you" and _only_sets_the_scene(clause[: action.start()], action[0]):
            return None
        return _Near(loose=False)
    if rule.objects == _PERSONS:
        return _person_follows(clause, action)
    for thing, loose in _things(rule, clause, about=about):
        if _reaches(clause, action, thing) and not _has_other_fate(rule, clause, action, thing):
            return None if loose and says("support", clause) else _Near(loose=loose)
    return None


def _things(rule: Rule, clause: str, *, about: About) -> Iterator[tuple[re.Match[str], bool]]:
    """(match, whether it counts only loosely) of everything in *clause* that *rule* may be about."""
    for name in rule.objects:
        yield from ((thing, False) for thing in concept(name).finditer(clause))
    if rule.owned:
        yield from ((thing, False) for thing in concept(rule.owned).finditer(clause) if is_owned(clause, thing))
    for name in rule.loose if about else ():
        yield from ((thing, True) for thing in concept(name).finditer(clause))


def is_owned(clause: str, thing: re.Match[str]) -> bool:
    """Whether words near *thing* say whose it is: "mina gamla bilder", "filmen där jag syns", "his address"."""
    before = " ".join(clause[: thing.start()].split()[-_OWNER_BEFORE:])
    after = " ".join(clause[thing.end() :].split()[:_OWNER_AFTER])
    return says("whose", before) or says("whose", after)


def _only_sets_the_scene(before: str, action: str) -> bool:
    """ "Om ni har uppgifter om mig ..." is a premise; "radera allt ni har om mig" erases, and does not ask."""
    last = " ".join(before.split()[-3:])
    if not last:
        return action.startswith(("om ", "if ", "whether ", "hvis "))
    return any(says(fate, last) for fate in _OTHER_FATES)


def _person_follows(clause: str, action: re.Match[str]) -> _Near | None:
    after = clause[action.end() :]
    found = [match for name in _PERSONS for match in concept(name).finditer(after)]
    person = min(found, key=lambda match: match.start(), default=None)
    if person is None or _words(after[: person.start()]) > _REACH_OF_PERSON or "," in after[: person.start()]:
        return None
    if concept("mailing_list").search(after[person.end() : person.end() + 60]):
        return None  # that stops marketing
    return _Near(loose=False)


def _reaches(clause: str, action: re.Match[str], thing: re.Match[str]) -> bool:
    if thing.start() >= action.end():
        return _words(clause[action.end() : thing.start()]) <= _REACH_AFTER
    if thing.end() <= action.start():
        return _words(clause[thing.end() : action.start()]) <= _REACH_BEFORE
    return action.start() <= thing.start() and thing.end() < action.end()  # "stavat mitt namn fel"


def _has_other_fate(rule: Rule, clause: str, action: re.Match[str], thing: re.Match[str]) -> bool:
    between = clause[action.end() : thing.start()] if thing.start() >= action.end() else ""
    if re.search("[,:]", between) and any(says(name, between) for name in (*_OTHER_FATES, "wish", "condition")):
        return True
    if rule.action == "get":
        between = clause[action.start() : thing.start()]  # "vill ha bort"
        after = " ".join(clause[thing.end() :].split()[:5])
        after = "" if _begins_another_wish(after) else after
        return thing.start() < action.start() or any(says(fate, between) or says(fate, after) for fate in _OTHER_FATES)
    if rule.objects == ("contact_verb",):
        return concept("erase_verb").fullmatch(action[0]) is not None  # "ta bort tonern och ring mig"
    if rule.action == "erase_verb":
        after = " ".join(clause[action.end() :].split()[:7])
        return says("mailing_list", after) and not says("own_data", after)
    return False


def _begins_another_wish(after: str) -> bool:
    """Whether *after* goes on with "and" and what else shall be done, naming no other thing first."""
    joined = _AND.match(after)
    if not joined:
        return False
    for word in after[joined.end() :].split():
        if any(says(fate, word) for fate in _OTHER_FATES):
            return True
        if word not in _BETWEEN and not says("wish", word):
            return False
    return False


# ------------------------------------------------------------------------------------------------------- stances


def _stance(rule: Rule, clause: str, action: re.Match[str], sentence: Sentence) -> Stance:
    before = clause[: action.start()]
    if rule.action != "what_have_you" and says("how_general", before):
        return Stance.ASKED
    if says("condition", before):
        return Stance.CONDITIONAL
    if rule.action != "what_have_you" and says("how_self", before):
        return Stance.DOUBTFUL
    if _DENIED_AFTER.match(clause[action.end() :]):
        return Stance.DENIED
    if _is_done(before, action[0]):
        return Stance.STATUS
    if says("later", clause):
        return Stance.DOUBTFUL
    if rule.action == "get" and says("wish", action[0]):
        return _last_cue(rule, before) or Stance.WANTED
    cue = _last_cue(rule, before)
    if cue is not None:
        return cue
    start_words = _START_WORDS if rule.objects else 1
    part = re.split(r"[,:–]|(?<!\w)(?:och|and|og|sa|so|then|sen)(?!\w)", before)[-1]
    if not rule.needs_wish or sentence.heading or _words(before) <= start_words or (rule.objects and _words(part) <= 1):
        return Stance.WANTED
    if says("modal", " ".join(before.split()[-2:])):
        return Stance.WANTED
    return Stance.DOUBTFUL


def _is_done(before: str, action: str) -> bool:
    """ "har ni raderat", but not "vill ha raderat"."""
    last = " ".join(before.split()[-3:])
    return bool(concept("done_verb").fullmatch(action)) and says("has_done", last) and not says("wish", last)


_STANCE_OF_CUE = {
    "wish": Stance.WANTED,
    "not_wish": Stance.DENIED,
    "threatened": Stance.WANTED,  # "om ni inte raderar mina uppgifter ..." demands it
    "past": Stance.REMEMBERED,
    "status": Stance.STATUS,
}


def _last_cue(rule: Rule, before: str) -> Stance | None:
    """Stance of the last word before the action that says how it is meant; the longer of two that end together."""
    negations = [match.span() for match in concept("not_wish").finditer(before)]
    found = [
        (match.end(), -match.start(), name)
        for name in _CUES
        for match in concept(name).finditer(before)
        if (name != "not_wish" or _negation_reaches(rule, match[0], before[match.end() :]))
        and (name != "wish" or not any(start <= match.start() < end for start, end in negations))  # "not asking you to"
    ]
    return _STANCE_OF_CUE[max(found)[2]] if found else None


def _negation_reaches(rule: Rule, negation: str, between: str) -> bool:
    reach = rule.negation_words if " " in negation else min(rule.negation_words, 3)
    return _words(between) < max(reach, 1) and not re.search(r"[,;:]", between) and rule.negation_words > 0


def _words(text: str) -> int:
    return len(text.split())
