"""
Hits of the rules and the second opinion -> the rights that a mail exercises, and how certain each is.

Effects: none. Where the two disagree a person decides; in doubt it is a request (GDPR Art. 12(2)).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsar.model import Right
from dsar.triage.opinion import Opinion
from dsar.triage.rights import Hit, Stance

#: A clear rule counts as certain if the second opinion gives it at least this chance.
AGREED = 0.5
#: Below this chance not even a clear rule counts.
DENIED = 0.04
#: What a rule finds doubtfully counts from this chance on.
SUPPORTED = 0.5
#: What no rule finds counts from this chance on.
ALONE = 0.6
#: The bare name of a right counts from this chance on.
NAMED = 0.3
#: From this chance on a person looks whether a right was overlooked.
OVERLOOKED = 0.2

BY_OPINION = "the second opinion"


class Wanted(NamedTuple):
    """One right that a mail exercises."""

    evidence: str  #: The sentence.
    reason: str  #: Rule, or BY_OPINION.
    certain: bool


def weigh(hits: Sequence[Hit], opinion: Opinion | None) -> dict[Right, Wanted]:
    """The rights that *hits* and *opinion* find together; without an opinion none is certain."""
    if opinion is None:
        asked = [hit for hit in hits if hit.stance in (Stance.DOUBTFUL, Stance.WANTED)]
        return {hit.right: Wanted(hit.sentence.text, hit.rule, certain=False) for hit in reversed(asked)}
    found = {}
    for right in Right:
        wanted = _wanted(
            [h for h in hits if h.right is right and h.stance in (Stance.WANTED, Stance.DOUBTFUL)],
            opinion.chances[right.value],
            opinion.evidence[right.value],
            settled=any(hit.right is right for hit in hits),
        )
        if wanted is not None:
            found[right] = wanted
    return found


def _wanted(hits: Sequence[Hit], chance: float, sentence: str, *, settled: bool) -> Wanted | None:
    clear = next((hit for hit in hits if hit.stance is Stance.WANTED and not hit.bare), None)
    if clear is not None and chance >= DENIED:
        return Wanted(clear.sentence.text, clear.rule, certain=chance >= AGREED)
    named = next((hit for hit in hits if hit.stance is Stance.WANTED), None)
    if named is not None and chance >= NAMED:
        return Wanted(named.sentence.text, named.rule, certain=chance >= AGREED)
    if hits and chance >= SUPPORTED:
        return Wanted(hits[0].sentence.text, hits[0].rule, certain=False)
    if not settled and chance >= ALONE:
        return Wanted(sentence, BY_OPINION, certain=False)
    return None


def overlooked(found: Mapping[Right, Wanted], hits: Sequence[Hit], opinion: Opinion | None) -> list[Right]:
    """Rights not found that a person should look for."""
    if opinion is None:
        return []
    hinted = {hit.right for hit in hits if hit.stance in (Stance.WANTED, Stance.DOUBTFUL)}
    return [r for r in Right if r not in found and (r in hinted or opinion.chances[r.value] >= OVERLOOKED)]
