"""
Hits of the rules and two more opinions -> the signs of a mail, of a right, of a kind and of certainty.

Effects: none. A sign is a name and a number; judgement.py weighs them. All numbers are of one size, log-odds bounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import combinations
from math import exp, log, log1p
from typing import NamedTuple

from dsar.model import Right
from dsar.triage.impression import Impression
from dsar.triage.opinion import CLASSES, LOWEST, Odds, Opinion, probability
from dsar.triage.rights import Hit, Stance

BY_OPINION, BY_ENCODER = "the second opinion", "the fourth opinion"
#: The sign that every mail has.
ALWAYS = "always"
#: Log-odds beyond this say no more; and what they are divided by, so that all signs are of one size.
_MOST, _SCALE = 6.0, 3.0
#: Chances are never surer than this.
SUREST = 1e-4
_AT = {name: at for at, name in enumerate(CLASSES)}
#: Classes that tell of the whole mail.
_OF_MAIL = ("follow_up", "question", "portable", "noise", "any_right")

#: Targets of the third opinion that tell of no right.
_OF_WHOLE = ("request", "follow_up", "question", "noise", "several")

Signs = dict[str, float]


class Reading(StrEnum):
    """What the rules make of one right in a mail."""

    CLEAR = "clear"  #: It is asked for.
    NAMED = "named"  #: Only its name stands there.
    DOUBTFUL = "doubtful"
    SETTLED = "settled"  #: It is denied, conditional, asked about, or was asked for before.
    NOTHING = "nothing"


class Wanted(NamedTuple):
    """One right that a mail exercises."""

    evidence: str  #: The sentence.
    reason: str  #: Rule, BY_OPINION or BY_ENCODER.
    reading: Reading


@dataclass(frozen=True)
class Witnesses:
    """All that is known of a mail before it is judged."""

    hits: Sequence[Hit]
    opinion: Opinion
    whole: Impression
    traits: Mapping[str, float]  #: Signs of the whole mail.
    texts: Sequence[str]  #: Verbatim sentences, the subject first.

    @cached_property
    def readings(self) -> dict[Right, Reading]:
        """Right -> what the rules make of it."""
        return {right: reading_of(right, self.hits)[0] for right in Right}


def signs_of_mail(seen: Witnesses) -> Signs:
    """What speaks for or against any right in this mail."""
    noise = _column(seen.opinion, "noise")
    signs = {ALWAYS: 1.0} | {f"mail: {trait}": value for trait, value in seen.traits.items()}
    signs |= {f"mail heard: {name}": bounded(seen.opinion.heard[name].odds) for name in _OF_MAIL}
    signs["mail heard: noise on the whole"] = bounded(sum(noise) / len(noise))
    signs["mail heard: noise together"] = bounded(_together(noise))
    signs["sentences"] = length(len(noise))
    return signs | {f"mail as a whole: {name}": bounded(seen.whole[name]) for name in _OF_WHOLE}


def signs_of_right(right: Right, seen: Witnesses) -> Signs:
    """What speaks for and against *right*, beside the signs of the mail."""
    name, heard, reading = right.value, seen.opinion.heard[right.value], seen.readings[right]
    odds = bounded(heard.odds)
    others = [other for other in Right if other is not right]
    of_right = [hit for hit in seen.hits if hit.right is right]
    signs = {
        f"rules: {reading}": 1.0,
        f"rules: {reading}, heard": odds,
        "heard": odds,
        "heard, if likely": max(0.0, odds),
        "heard again": bounded(heard.second),
        "heard below the subject": bounded(heard.below_subject),
        "heard in the subject": bounded(seen.opinion.wholes[0][_AT[name]]),
        f"{name}": 1.0,
        f"{name} heard": odds,
        f"{name} heard again": bounded(heard.second),
        "most in the subject": float(heard.place == 0),
        "most in a part": float(heard.in_part),
        "another right clear": float(any(seen.readings[other] is Reading.CLEAR for other in others)),
        "another right heard": max(bounded(seen.opinion.heard[other.value].odds) for other in others),
        "rules that see it": float(min(3, sum(hit.stance is Stance.WANTED for hit in of_right))),
    }
    for other in others:
        signs[f"{name}, and heard {other}"] = bounded(seen.opinion.heard[other.value].odds)
        signs[f"{name}, and rules on {other}: {seen.readings[other]}"] = 1.0
    signs |= {f"rules: {name} {hit.stance}": 1.0 for hit in of_right}
    signs |= {f"rule: {hit.rule} {hit.stance}": 1.0 for hit in of_right}
    return signs | dict(_signs_of_place(right, seen)) | dict(_signs_of_whole(right, seen))


def _signs_of_whole(right: Right, seen: Witnesses) -> Iterator[tuple[str, float]]:
    """What the mail as a whole says of *right*, and whether the sentence in which it is heard says the same."""
    name, heard = right.value, seen.opinion.heard[right.value].odds
    odds = bounded(seen.whole[name])
    others = [other.value for other in Right if other is not right]
    yield "whole", odds
    yield f"whole: {name}", odds
    yield "whole, if likely", max(0.0, odds)
    yield f"whole, rules: {seen.readings[right]}", odds
    yield "whole: likeliest of the others", max(bounded(seen.whole[other]) for other in others)
    yield f"{name}, and whole: several", bounded(seen.whole["several"])
    yield "whole and heard, if both are likely", max(0.0, odds) * max(0.0, bounded(heard))
    yield "whole or heard, the less likely", bounded(min(seen.whole[name], heard))
    yield "whole or heard, the likelier", bounded(max(seen.whole[name], heard))
    for other in others:
        yield f"{name}, and whole: {other}", bounded(seen.whole[other])


def _signs_of_place(right: Right, seen: Witnesses) -> Iterator[tuple[str, float]]:
    """Of the sentence that exercises *right* most: what else it says, and what stands around it."""
    opinion, heard = seen.opinion, seen.opinion.heard[right.value]
    text, at = opinion.evidence(right.value), heard.place
    strongest = max(heard.beside[_AT[other.value]] for other in Right if other is not right)
    yield "there: another right", bounded(strongest)
    yield "there: rather another right", float(strongest > heard.odds)
    around = {"before": opinion.wholes[at - 1] if at > 1 else None, "after": _next(opinion, at)}
    for name in ("follow_up", "question", "noise", right.value):
        if name != right.value:
            yield f"there: {name}", bounded(heard.beside[_AT[name]])
        for where, odds in around.items():
            if odds is not None:
                yield f"{where}: {'the same' if name == right.value else name}", bounded(odds[_AT[name]])
    there = [hit for hit in seen.hits if hit.stance is Stance.WANTED and hit.folded == text]
    yield "rules see it there", float(any(hit.right is right for hit in there))
    explained = {hit.right for hit in there if not hit.bare} - {right}
    if explained:  # "Radera allt ni har om mig" sounds like access, too.
        yield "rules see another there", 1.0
        yield "rules see another there, heard", bounded(heard.odds)
    for other in explained:
        yield f"rules see {other} there, not {right}", 1.0
    yield "there: a question mark", float("?" in seen.texts[at])
    yield "there: words", length(len(text.split()))
    yield "place", min(at, _LATE) / _LATE
    yield "last", float(at == len(opinion.sentences) - 1)


#: Places beyond this are all late.
_LATE = 6


def _next(opinion: Opinion, at: int) -> Odds | None:
    return opinion.wholes[at + 1] if at + 1 < len(opinion.wholes) else None


def signs_of_kind(chances: Mapping[Right, float], seen: Witnesses) -> Signs:
    """What tells of which kind a mail is."""
    odds = {right: log_odds(chance) for right, chance in chances.items()}
    first, second, *_ = sorted(odds.values(), reverse=True)
    nothing = 1.0
    for chance in chances.values():
        nothing *= 1 - chance
    signs = {ALWAYS: 1.0} | {f"mail: {trait}": value for trait, value in seen.traits.items()}
    signs |= {"likeliest right": bounded(first), "next right": bounded(second)}
    signs["no right"] = bounded(log_odds(nothing))
    signs |= {f"{right}": bounded(each) for right, each in odds.items()}
    signs["heard: any right"] = bounded(max(seen.opinion.heard[right.value].odds for right in Right))
    signs["sentences"] = length(len(seen.opinion.wholes))
    signs |= {f"rules: {hit.stance}": 1.0 for hit in seen.hits}
    for name in _OF_MAIL:
        signs |= {f"{name} {how}": value for how, value in _throughout(_column(seen.opinion, name)).items()}
    signs |= {f"whole: {name}": bounded(odds) for name, odds in seen.whole.items()}
    signs["whole: any right"] = bounded(max(seen.whole[right.value] for right in Right))
    return signs


def signs_of_certainty(
    found: Mapping[Right, Wanted], chances: Mapping[Right, float], kinds: Mapping[str, float], seen: Witnesses
) -> Signs:
    """What tells whether *found* is exactly right: how sure each part is, and what of the mail is left unexplained."""
    sure = kinds["request"]
    for right, chance in chances.items():
        sure *= chance if right in found else 1 - chance
    left = _unexplained(found, seen)
    others = [bounded(log_odds(chance)) for right, chance in chances.items() if right not in found]
    words = sum(len(text.split()) for text in seen.texts)
    noise = _column(seen.opinion, "noise")
    return {
        ALWAYS: 1.0,
        "sure": bounded(log_odds(sure)),
        "a request": bounded(log_odds(kinds["request"])),
        "least sure of those found": min(bounded(log_odds(chances[right])) for right in found),
        "likeliest of the others": max(others, default=-1.0),
        "unexplained": bounded(max(left, default=LOWEST)),
        "unexplained, if likely": max(0.0, bounded(max(left, default=LOWEST))),
        "unexplained on the whole": sum(probability(each) for each in left),
        "strange words": length(sum(seen.opinion.strangers)),
        "words": length(words),
        "rights": float(len(found)),
        "rules find all": float(all(each.reading is Reading.CLEAR for each in found.values())),
        "rules find none": float(all(each.reason == BY_OPINION for each in found.values())),
        "rules find another": float(any(hit.right not in found for hit in seen.hits)),
        "noise": bounded(max(noise)),
        "question": bounded(seen.opinion.heard["question"].odds),
        "follow-up": bounded(seen.opinion.heard["follow_up"].odds),
        "role: self": seen.traits.get("role: self", 0.0),
        "speaks of machines or business": min(1.0, sum(seen.traits.get(f"topic: {each}", 0.0) for each in _ELSEWHERE)),
        **{f"found: {right}": 1.0 for right in found},
        **_certainty_of_whole(found, seen),
    }


def with_pairs(signs: Signs) -> Signs:
    """*signs* and the product of every two of them: what both say together may be more or less than what each says."""
    pairs = _pairs(tuple(sign for sign in signs if sign != ALWAYS))
    return signs | {name: signs[one] * signs[other] for one, other, name in pairs}


@lru_cache(maxsize=1000)
def _pairs(names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [(one, other, f"{one} * {other}") for one, other in combinations(sorted(names), 2)]


def _certainty_of_whole(found: Mapping[Right, Wanted], seen: Witnesses) -> Signs:
    """How well the mail as a whole agrees with *found*."""
    mine = [seen.whole[right.value] for right in found]
    others = [seen.whole[right.value] for right in Right if right not in found]
    strongest = max(others, default=LOWEST)
    sure = 1.0
    for right in Right:
        chance = probability(seen.whole[right.value])
        sure *= chance if right in found else 1 - chance
    several = bounded(seen.whole["several"])
    return {
        "whole: least of those found": bounded(min(mine)),
        "whole: most of the others": bounded(strongest),
        "whole: most of the others, if likely": max(0.0, bounded(strongest)),
        "whole: sure": bounded(log_odds(sure)),
        "whole: agrees": float(min(mine) > 0 >= strongest),
        f"whole: several, found {min(2, len(found))}": several,
        **{f"whole: {name}": bounded(seen.whole[name]) for name in _OF_WHOLE},
    }


_ELSEWHERE = ("support", "business", "sales", "spam", "application")


def _unexplained(found: Mapping[Right, Wanted], seen: Witnesses) -> list[float]:
    """Of each sentence below the subject in which none of *found* is heard, the log-odds that it asks for anything."""
    at = _AT["any_right"]
    explained = {wanted.evidence for wanted in found.values()}
    left = []
    for place, odds in enumerate(seen.opinion.wholes):
        names_it = any(odds[_AT[right.value]] > 0 for right in found)
        if place and not names_it and not {seen.texts[place], seen.opinion.sentences[place]} & explained:
            left.append(odds[at])
    return left


def _throughout(odds: Odds) -> Signs:
    """How a class sounds through all sentences of a mail; the first is the subject."""
    first, second = sorted((*odds, LOWEST), reverse=True)[:2]
    return {
        "most": bounded(first),
        "next": bounded(second),
        "on the whole": bounded(sum(odds) / len(odds)),
        "together": bounded(_together(odds)),
        "in the subject": bounded(odds[0]),
        "share": sum(each > 0 for each in odds) / len(odds),
    }


def _column(opinion: Opinion, name: str) -> Odds:
    at = _AT[name]
    return [each[at] for each in opinion.wholes] or [LOWEST]


def _together(odds: Odds) -> float:
    return log(sum(exp(max(-9.0, min(9.0, each))) for each in odds)) / 2


def length(words: int) -> float:
    """A number of words as a sign."""
    return log1p(words) / _SCALE


def bounded(odds: float) -> float:
    """Log-odds as a sign."""
    return max(-_MOST, min(_MOST, odds)) / _SCALE


def log_odds(chance: float) -> float:
    chance = min(max(chance, SUREST), 1 - SUREST)
    return log(chance / (1 - chance))


def reading_of(right: Right, hits: Sequence[Hit]) -> tuple[Reading, Hit | None]:
    """What the rules make of *right*, with the hit that says so."""
    of_right = [hit for hit in hits if hit.right is right]
    for reading, hit in (
        (Reading.CLEAR, next((h for h in of_right if h.stance is Stance.WANTED and not h.bare), None)),
        (Reading.NAMED, next((h for h in of_right if h.stance is Stance.WANTED), None)),
        (Reading.DOUBTFUL, next((h for h in of_right if h.stance is Stance.DOUBTFUL), None)),
        (Reading.SETTLED, next(iter(of_right), None)),
    ):
        if hit is not None:
            return reading, hit
    return Reading.NOTHING, None
