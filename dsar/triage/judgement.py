"""
Hits of the rules and the second opinion -> the rights that a mail exercises, and how certain that is.

Effects: none. Where the two disagree a person decides; in doubt it is a request (GDPR Art. 12(2)).
"""

from collections.abc import Collection, Mapping, Sequence
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


#: Measured by five-fold cross-validation over the training mails (tests/cross_validate_triage.py), so on mails that the
#: opinion had not seen.
_TRUST = {
    Reading.CLEAR: _Trust(0.05, 0.48, 0.43),
    Reading.NAMED: _Trust(0.46, -0.31, 0.62),
    Reading.DOUBTFUL: _Trust(0.3, -0.46, 0.66),
    Reading.SETTLED: _Trust(1.1, -1.69, 0.17),
    Reading.NOTHING: _Trust(0.72, -1.55, 0.94),
}
#: Least chances where the opinion has not learned the language well.
_LEAST_IF_FOREIGN = {
    Reading.CLEAR: 0.0, Reading.NAMED: 0.0, Reading.DOUBTFUL: 0.0, Reading.SETTLED: 1.1, Reading.NOTHING: 0.92,
}  # fmt: skip
#: What is left of a chance whose sentence another right explains.
_EXPLAINED = 0.5
#: How much a chance of noise takes from the certainty that a right is exercised.
_NOISE_COSTS, _MOST_NOISE = 0.8, 0.9


class Wanted(NamedTuple):
    """One right that a mail exercises."""

    evidence: str  #: The sentence.
    reason: str  #: Rule, or BY_OPINION.
    reading: Reading


def weigh(hits: Sequence[Hit], opinion: Opinion, *, learned: bool) -> dict[Right, Wanted]:
    """
    The rights that *hits* and *opinion* find together.

    Args: learned: the opinion has learned the language well; if not, it adds what it is sure of and takes nothing away.
    """
    found = {}
    for right in Right:
        reading, hit = _reading(right, hits)
        least = _TRUST[reading].least if learned else _LEAST_IF_FOREIGN[reading]
        if _chance(right, hits, opinion) < least:
            continue
        if hit is not None:
            found[right] = Wanted(hit.sentence.text, hit.rule, reading)
        else:
            found[right] = Wanted(opinion.evidence[right.value], BY_OPINION, reading)
    return found


def certainty(found: Mapping[Right, Wanted], hits: Sequence[Hit], opinion: Opinion) -> float:
    """
    Estimate of the chance that *found* is exactly what is exercised, no more and no less.

    It is 0 where the rules do not clearly find each of them, or find another.
    """
    if any(wanted.reading is not Reading.CLEAR for wanted in found.values()):
        return 0.0
    if any(hit.stance in (Stance.WANTED, Stance.DOUBTFUL) and hit.right not in found for hit in hits):
        return 0.0
    certain = 1 - min(_MOST_NOISE, opinion.chances["noise"]) * _NOISE_COSTS
    for right in Right:
        exercised = _exercised(right, hits, opinion)
        certain *= exercised if right in found else 1 - exercised
    return certain


def likeliest_other(
    found: Mapping[Right, Wanted], hits: Sequence[Hit], opinion: Opinion, *, heard_in: Collection[str]
) -> float:
    """The opinion's chance of that right which it hears most, in the sentences *heard_in*, of those not *found*."""
    others = (right for right in Right if right not in found and opinion.evidence[right.value] in heard_in)
    return max((_chance(right, hits, opinion) for right in others), default=0.0)


def noise_certainty(hits: Sequence[Hit], opinion: Opinion, *, topics: int, bulk: bool, private: bool) -> float:
    """
    Log-odds that a mail is of no concern to the privacy mailbox.

    Args: topics: how many kinds of noise the rules see in it; bulk: a list sent it; private: it speaks of
    somebody's data.
    """
    nothing = 1.0
    for right in Right:
        nothing *= 1 - _exercised(right, hits, opinion)
    signs = _PER_TOPIC * min(topics, 2) + _FROM_LIST * bulk - _PRIVATE * private
    return _BASE + _NOISE_COUNTS * _log_odds(opinion.chances["noise"]) + _NOTHING_COUNTS * _log_odds(nothing) + signs


#: How much each sign adds to the log-odds of noise; measured as _TRUST.
_BASE, _NOISE_COUNTS, _NOTHING_COUNTS, _PER_TOPIC, _FROM_LIST, _PRIVATE = -0.29, 0.75, 0.19, 0.77, 0.67, 0.2


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
