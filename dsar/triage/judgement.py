"""
Hits of the rules and the second opinion -> the rights that a mail exercises, and how certain that is.

Effects: none. Where the two disagree a person decides; in doubt it is a request (GDPR Art. 12(2)).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import exp, log
from typing import NamedTuple

from dsar.model import Right
from dsar.triage.opinion import Opinion
from dsar.triage.rights import Hit, Stance

BY_OPINION = "the second opinion"


class Reading(StrEnum):
    """What the rules make of one right in a mail."""

    CLEAR = "clear"  #: It is asked for.
    NAMED = "named"  #: Only its name stands there.
    DOUBTFUL = "doubtful"
    SETTLED = "settled"  #: It is denied, conditional, asked about, or was asked for before.
    NOTHING = "nothing"


class _Trust(NamedTuple):
    least: float  #: Chance by the second opinion from which the right counts.
    base: float  #: Log-odds that it is exercised, where the opinion is undecided.
    weight: float  #: How much the opinion's log-odds add.


#: Measured by five-fold cross-validation over the training mails, so on mails that the opinion had not seen.
_TRUST = {
    Reading.CLEAR: _Trust(0.04, 1.4, 0.45),
    Reading.NAMED: _Trust(0.5, -1.0, 0.8),
    Reading.DOUBTFUL: _Trust(0.4, -1.2, 0.8),
    Reading.SETTLED: _Trust(1.1, -3.0, 0.8),
    Reading.NOTHING: _Trust(0.5, -1.0, 0.8),
}
#: What is left of a chance whose sentence another right explains.
_EXPLAINED = 0.5
#: How much a chance of noise takes from the certainty that a right is exercised.
_NOISE_COSTS, _MOST_NOISE = 0.8, 0.9


class Wanted(NamedTuple):
    """One right that a mail exercises."""

    evidence: str  #: The sentence.
    reason: str  #: Rule, or BY_OPINION.
    reading: Reading


def weigh(hits: Sequence[Hit], opinion: Opinion | None) -> dict[Right, Wanted]:
    """The rights that *hits* and *opinion* find together."""
    found = {}
    for right in Right:
        reading, hit = _reading(right, hits)
        if opinion is None:
            counts = hit is not None and reading is not Reading.SETTLED
        else:
            counts = _chance(right, hits, opinion) >= _TRUST[reading].least
        if not counts:
            continue
        if hit is not None:
            found[right] = Wanted(hit.sentence.text, hit.rule, reading)
        elif opinion is not None:
            found[right] = Wanted(opinion.evidence[right.value], BY_OPINION, reading)
    return found


def certainty(found: Mapping[Right, Wanted], hits: Sequence[Hit], opinion: Opinion | None) -> float:
    """
    Estimate of the chance that *found* is exactly what is exercised, no more and no less.

    It is 0 where the rules do not clearly find each of them, or find another, or there is no second opinion.
    """
    if opinion is None or any(wanted.reading is not Reading.CLEAR for wanted in found.values()):
        return 0.0
    if any(hit.stance in (Stance.WANTED, Stance.DOUBTFUL) and hit.right not in found for hit in hits):
        return 0.0
    certain = 1 - min(_MOST_NOISE, opinion.chances["noise"]) * _NOISE_COSTS
    for right in Right:
        exercised = _exercised(right, hits, opinion)
        certain *= exercised if right in found else 1 - exercised
    return certain


def noise_certainty(hits: Sequence[Hit], opinion: Opinion | None, *, topics: int, bulk: bool, private: bool) -> float:
    """
    Log-odds that a mail is of no concern to the privacy mailbox; without a second opinion it is never certain.

    Args: topics: how many kinds of noise the rules see in it; bulk: a list sent it; private: it speaks of
    somebody's data.
    """
    if opinion is None:
        return -1.0
    nothing = 1.0
    for right in Right:
        nothing *= 1 - _exercised(right, hits, opinion)
    signs = _PER_TOPIC * min(topics, 2) + _FROM_LIST * bulk - _PRIVATE * private
    return _log_odds(opinion.chances["noise"]) + _NOTHING_COUNTS * _log_odds(nothing) + signs


#: How much each sign adds to the log-odds of noise; measured as _TRUST.
_NOTHING_COUNTS, _PER_TOPIC, _FROM_LIST, _PRIVATE = 1.2, 0.5, 0.8, 1.0


def _exercised(right: Right, hits: Sequence[Hit], opinion: Opinion) -> float:
    """Chance that *right* is exercised, by what rules and opinion say."""
    trust = _TRUST[_reading(right, hits)[0]]
    return 1 / (1 + exp(-(trust.base + trust.weight * _log_odds(_chance(right, hits, opinion)))))


def _chance(right: Right, hits: Sequence[Hit], opinion: Opinion) -> float:
    """
    The opinion's chance of *right*, less where its sentence is one in which the rules clearly find another right.

    "Radera allt ni har om mig" sounds like access, too.
    """
    chance, sentence = opinion.chances[right.value], opinion.evidence[right.value]
    if _reading(right, hits)[0] is not Reading.NOTHING:
        return chance
    explained = any(hit.stance is Stance.WANTED and not hit.bare and hit.folded == sentence for hit in hits)
    return chance * _EXPLAINED if explained else chance


def _log_odds(chance: float) -> float:
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    return log(chance / (1 - chance))


def _reading(right: Right, hits: Sequence[Hit]) -> tuple[Reading, Hit | None]:
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
