"""
Signs -> the rights that a mail exercises, its kind, and how certain that is.

Effects: reads the package's own weights, once. Each sign has one weight; the sum of them tells. They were found by
tests/train_judgement.py from labelled mails that neither opinion had seen, so that each counts for as much as it
may be trusted on new mail. In doubt it is a request (GDPR Art. 12(2)).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import repeat
from math import exp
from operator import mul
from typing import NamedTuple

from dsar.model import Right
from dsar.triage.opinion import probability
from dsar.triage.signs import (
    BY_OPINION,
    SUREST,
    Reading,
    Wanted,
    Witnesses,
    reading_of,
    signs_of_certainty,
    signs_of_kind,
    signs_of_mail,
    signs_of_right,
    with_pairs,
)

#: What a mail may be; "other" is what only a person can tell.
KINDS = ("request", "follow_up", "question", "noise", "other")
#: Chance from which a right counts as exercised.
LIKELY = 0.5
#: The same of an update that only the opinion hears, beside a right that the rules clearly see.
_LIKELY_BESIDE = 0.9
#: The same of the likeliest of a mail that is a request anyway.
_LIKELIEST = 0.15
#: The same where the rules see it asked for: the wording is plain, and whoever would take it away must be sure.
_LIKELY_IF_SEEN = 0.25
#: The same where the rules see it denied, or as a matter of another time.
_LIKELY_IF_SETTLED = 0.95
#: The same where nothing else is asked for.
_SLIGHT = 0.03
#: The same where the rules see nothing, in a language that the opinion has not learned well.
_LIKELY_IF_FOREIGN = 0.95

_SEEN = (Reading.CLEAR, Reading.NAMED)
_LEAST = dict.fromkeys(_SEEN, _LIKELY_IF_SEEN) | {Reading.SETTLED: _LIKELY_IF_SETTLED}


class Judged(NamedTuple):
    """What a mail exercises, and of which kind it is."""

    chances: Mapping[Right, float]  #: That the mail exercises each.
    kinds: Mapping[str, float]  #: Of KINDS, the chance that it is of each.
    wanted: Mapping[Right, Wanted]  #: What counts as exercised.
    certainty: float  #: Estimate of the chance that it is a request and `wanted` is exactly right.


def judge(seen: Witnesses, *, learned: bool) -> Judged:
    """All that rules and opinions tell. Args: learned: the opinions have learned the language well."""
    by_right = chances(seen)
    by_kind = kinds(by_right, seen)
    found = weigh(by_right, by_kind, seen, learned=learned)
    return Judged(by_right, by_kind, found, certainty(found, by_right, by_kind, seen))


def chances(seen: Witnesses) -> dict[Right, float]:
    """Right -> chance that the mail exercises it."""
    weights = _weights()["right"]
    of_mail = summed(signs_of_mail(seen), weights)
    found = {right: probability(of_mail + summed(signs_of_right(right, seen), weights)) for right in Right}
    if _only_identifies(found[Right.UPDATE], seen):
        found[Right.UPDATE] = 0.0
    return {right: min(max(chance, SUREST), 1 - SUREST) for right, chance in found.items()}


def _only_identifies(update: float, seen: Witnesses) -> bool:
    """Who asks for something says who they are: "my number is ..." beside that is no update."""
    beside = any(seen.readings[right] is Reading.CLEAR for right in Right if right is not Right.UPDATE)
    return beside and seen.readings[Right.UPDATE] is Reading.NOTHING and update < _LIKELY_BESIDE


def kinds(chances: Mapping[Right, float], seen: Witnesses) -> dict[str, float]:
    """Kind -> chance that the mail is of it."""
    signs = signs_of_kind(chances, seen)
    return shares({kind: summed(signs, _weights()[kind]) for kind in KINDS})


def weigh(
    chances: Mapping[Right, float], kinds: Mapping[str, float], seen: Witnesses, *, learned: bool
) -> dict[Right, Wanted]:
    """
    The rights that count as exercised: a request asks for one at least.

    Args: learned: the opinion has learned the language well; if not, what the rules say stands.
    """
    counted = [right for right in Right if _counts(seen.readings[right], chances[right], learned=learned)]
    likeliest = max(chances, key=chances.__getitem__)
    settled = {Reading.SETTLED, Reading.NOTHING} if likeliest is Right.UPDATE else {Reading.SETTLED}  # "My number is"
    is_open = seen.readings[likeliest] not in settled and chances[likeliest] >= _LIKELIEST
    if learned and not counted and is_open and max(kinds, key=kinds.__getitem__) == "request":
        counted = [likeliest]
    if not counted and kinds["noise"] < LIKELY:  # GDPR Art. 12(2): what the rules see asked for is a request in doubt
        counted = [right for right in Right if seen.readings[right] in _SEEN and chances[right] >= _SLIGHT]
    return {right: _wanted(right, seen) for right in counted}


def certainty(
    found: Mapping[Right, Wanted], chances: Mapping[Right, float], kinds: Mapping[str, float], seen: Witnesses
) -> float:
    """Estimate of the chance that it is a request and *found* exactly what it exercises, no more and no less."""
    if not found:
        return 0.0
    return probability(summed(with_pairs(signs_of_certainty(found, chances, kinds, seen)), _weights()["exact"]))


def _counts(reading: Reading, chance: float, *, learned: bool) -> bool:
    if learned:
        return chance >= _LEAST.get(reading, LIKELY)
    return reading is not Reading.SETTLED and (reading is not Reading.NOTHING or chance >= _LIKELY_IF_FOREIGN)


def _wanted(right: Right, seen: Witnesses) -> Wanted:
    reading, hit = reading_of(right, seen.hits)
    if hit is not None and reading is not Reading.SETTLED:
        return Wanted(hit.sentence.text, hit.rule, reading)
    return Wanted(seen.opinion.evidence(right.value), BY_OPINION, reading)


# ------------------------------------------------------------------------------------------------------ the weights


def summed(signs: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Log-odds: what all signs together weigh."""
    told: float = sum(map(mul, signs.values(), map(weights.get, signs, repeat(0.0))))
    return told


def shares(log_odds: Mapping[str, float]) -> dict[str, float]:
    """The chance of each, where exactly one is true."""
    powers = {name: exp(max(-30.0, min(30.0, each))) for name, each in log_odds.items()}
    return {name: power / sum(powers.values()) for name, power in powers.items()}


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    """ "right" or a kind -> {sign: weight}."""
    loaded: dict[str, dict[str, float]] = json.loads(
        files(__package__).joinpath("judgement.json").read_text(encoding="utf-8")
    )
    return loaded
