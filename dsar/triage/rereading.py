"""
What was judged of a mail, and what the encoder hears in it -> judged again.

Effects: reads the package's own weights, once. A sign is a name and a number, and each has one weight, as in
judgement.py; they were found by tests/train_rereading.py from mails that neither the encoder nor the opinions had seen.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from dsar.model import Right
from dsar.triage.encoder import OF_SENTENCE, Hearing
from dsar.triage.judgement import KINDS, Judged, shares, summed, weigh
from dsar.triage.opinion import probability
from dsar.triage.rights import Stance
from dsar.triage.signs import (
    ALWAYS,
    BY_ENCODER,
    BY_OPINION,
    SUREST,
    Reading,
    Signs,
    Wanted,
    Witnesses,
    bounded,
    length,
    log_odds,
    with_pairs,
)

_ASKING = (Stance.WANTED, Stance.DOUBTFUL)
_PLACE = {name: at for at, name in enumerate(OF_SENTENCE)}


def judge_again(first: Judged, heard: Hearing, seen: Witnesses) -> Judged:
    """
    Chances, kinds, what counts as exercised and how certain that is, by all that is known of a mail.

    The encoder knows enough of every language to be weighed like the rules. Args: first: what is judged without it.
    """
    weights, of_kinds = _weights(), dict(signs_of_kinds(first, heard))
    found = {
        right: probability(summed(signs_of_right(right, first, heard, seen) | of_kinds, weights["right"]))
        for right in Right
    }
    chances = {right: min(max(chance, SUREST), 1 - SUREST) for right, chance in found.items()}
    signs = signs_of_kind(first, heard) | of_kinds
    kinds = shares({kind: summed(signs, weights[kind]) for kind in KINDS})
    wanted = weigh(chances, kinds, seen, learned=True)
    judged = Judged(chances, kinds, {right: _heard_at(right, each, heard, seen) for right, each in wanted.items()}, 0.0)
    if not wanted:
        return judged
    certainty = summed(signs_of_certainty(judged, first, heard, seen), weights["exact"])
    return judged._replace(certainty=probability(certainty))


def _heard_at(right: Right, wanted: Wanted, heard: Hearing, seen: Witnesses) -> Wanted:
    """*wanted*; what no rule sees, with the sentence in which the encoder hears it most, and which does not deny it."""
    settled = {hit.sentence.text for hit in seen.hits if hit.right is right and hit.stance not in _ASKING}
    places = [at for at in range(len(heard.sentences)) if seen.texts[at] not in settled]
    if wanted.reason != BY_OPINION or not places:
        return wanted
    at = max(places, key=lambda place: heard.sentences[place][_PLACE[right.value]])
    return wanted._replace(evidence=seen.texts[at], reason=BY_ENCODER)


def signs_of_right(right: Right, first: Judged, heard: Hearing, seen: Witnesses) -> Signs:
    """What speaks for and against *right*, beside signs_of_kinds."""
    others = [other for other in Right if other is not right]
    judged, whole, there = log_odds(first.chances[right]), heard.rights[right.value], heard.most(right.value)
    reading = seen.readings[right]
    signs = {
        ALWAYS: 1.0,
        f"{right}": 1.0,
        f"rules: {reading}": 1.0,
        "found": float(right in first.wanted),
        "the less likely": bounded(min(judged, whole)),
        "the likelier": bounded(max(judged, whole)),
        "judged: another": max(bounded(log_odds(first.chances[other])) for other in others),
        "heard: another": max(bounded(heard.rights[other.value]) for other in others),
    }
    for what, odds in (("judged", judged), ("heard", whole), ("heard in a sentence", there)):
        signs |= {what: bounded(odds), f"{right} {what}": bounded(odds), f"rules: {reading}, {what}": bounded(odds)}
    for other in others:
        signs[f"{right}, and judged: {other}"] = bounded(log_odds(first.chances[other]))
        signs[f"{right}, and heard: {other}"] = bounded(heard.rights[other.value])
    return signs


def signs_of_kind(first: Judged, heard: Hearing) -> Signs:
    """What tells of which kind a mail is, beside signs_of_kinds."""
    signs = {ALWAYS: 1.0}
    signs |= {f"judged: {right}": bounded(log_odds(chance)) for right, chance in first.chances.items()}
    signs |= {f"heard: {right}": bounded(odds) for right, odds in heard.rights.items()}
    signs |= {f"heard in a sentence: {name}": bounded(heard.most(name)) for name in OF_SENTENCE}
    signs["judged: likeliest right"] = bounded(log_odds(max(first.chances.values())))
    signs["heard: likeliest right"] = bounded(max(heard.rights[right.value] for right in Right))
    return signs


def signs_of_certainty(judged: Judged, first: Judged, heard: Hearing, seen: Witnesses) -> Signs:
    """What tells whether what was found, judged again, is exactly right."""
    mine, others = [*judged.wanted], [right for right in Right if right not in judged.wanted]
    sure = judged.kinds["request"]
    for right, chance in judged.chances.items():
        sure *= chance if right in judged.wanted else 1 - chance
    signs = {
        ALWAYS: 1.0,
        "sure": bounded(log_odds(sure)),
        "sure at first": bounded(log_odds(first.certainty)),
        "found the same at first": float(first.wanted.keys() == judged.wanted.keys()),
        "a request": bounded(log_odds(judged.kinds["request"])),
        "heard: a request": bounded(heard.kinds["request"]),
        "heard: noise": bounded(heard.kinds["noise"]),
        "heard in a sentence: question": bounded(heard.most("question")),
        "heard in a sentence: follow-up": bounded(heard.most("follow_up")),
        "heard in a sentence: noise": bounded(heard.most("noise")),
        "words": length(sum(len(text.split()) for text in seen.texts)),
        "rights": float(len(mine)),
        "rules find all": float(all(each.reading is Reading.CLEAR for each in judged.wanted.values())),
        "rules find another": float(any(hit.right not in judged.wanted for hit in seen.hits)),
        "role: self": seen.traits.get("role: self", 0.0),
        **{f"found: {right}": 1.0 for right in mine},
    }
    for what, odds in _by_whom(judged, first, heard):
        signs[f"{what}: least of those found"] = min(bounded(odds[right]) for right in mine)
        signs[f"{what}: most of the others"] = max((bounded(odds[right]) for right in others), default=-1.0)
    return with_pairs(signs)


def _by_whom(judged: Judged, first: Judged, heard: Hearing) -> Iterator[tuple[str, Mapping[Right, float]]]:
    """Who says it, and the log-odds of each right by them."""
    yield "judged", {right: log_odds(chance) for right, chance in judged.chances.items()}
    yield "at first", {right: log_odds(chance) for right, chance in first.chances.items()}
    yield "heard", {right: heard.rights[right.value] for right in Right}
    yield "heard in a sentence", {right: heard.most(right.value) for right in Right}


def signs_of_kinds(first: Judged, heard: Hearing) -> Iterator[tuple[str, float]]:
    """Of which kind both take the mail: that tells of its rights and of its kind."""
    for kind in KINDS:
        yield f"judged: {kind}", bounded(log_odds(first.kinds[kind]))
        yield f"heard: {kind}", bounded(heard.kinds[kind])


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    """ "right", a kind or "exact" -> {sign: weight}."""
    loaded: dict[str, dict[str, float]] = json.loads(
        files(__package__).joinpath("rereading.json").read_text(encoding="utf-8")
    )
    return loaded
