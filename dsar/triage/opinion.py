"""
Sentences -> a second, statistical opinion on what they exercise.

Effects: reads the package's own weights, once. A linear model per class over words, parts of words and
neighbours, trained by tests/train_opinion.py from the labelled mails and sentences of tests/mails alone. It never
decides: judgement.py weighs it together with the rules.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, pairwise
from math import exp
from typing import NamedTuple

from dsar.triage.compact import CompactLines, written
from dsar.triage.vocabulary import fold, loosen

#: What a sentence may exercise, in the order of the weights; then, whether it is of no concern, and whether it
#: exercises any right at all, which is easier to hear than which.
CLASSES = ("access", "erase", "update", "object", "restrict", "portable", "follow_up", "question", "noise", "any_right")
#: Languages that it has learned well; of others it knows a few hundred sentences.
LEARNED = frozenset({"sv", "en", "no", "nn", "da"})
_WORD = re.compile(r"[^\W\d_]+|[?!]|\d+")
#: Characters and words of one sentence, and sentences of a mail, that are looked at.
_LONGEST, _MOST_WORDS, _SENTENCES = 600, 60, 60
#: Log-odds where there is nothing to hear.
LOWEST = -6.0
#: What joins the parts of a sentence.
_JOINT = re.compile(
    r"[,;:()–]+\s+|\s+-\s+|\s+(?:och|and|og|und|et|y|samt|men|but|ja|i|oraz|så|so|sen|then)\s+", re.IGNORECASE
)
#: Words of a sentence that is taken apart, and of a part that counts.
_LONG_SENTENCE, _LEAST_WORDS = 9, 3
#: Letters of a part of a word, and of the longest word that has none.
_PART, _SHORT = 4, 3
#: Name of the weights that count for each sentence; no other feature is empty.
BASE = ""
_BEGIN, _END = "^", "$"

#: Log-odds of each of CLASSES.
Odds = Sequence[float]


@lru_cache(maxsize=128)  # both opinions read the sentences of a mail, and the second one their parts
def words_of(text: str) -> tuple[str, ...]:
    """The words of one sentence as the model reads them, and what it asks or exclaims with; numbers are all alike."""
    found = _WORD.findall(loosen(fold(text[:_LONGEST])))[:_MOST_WORDS]
    return tuple("0" if word.isdigit() else word for word in found)


def word_features(word: str) -> tuple[str, ...]:
    """A word, and of a longer one every four letters in a row, which compounds, inflections and slips share."""
    if len(word) <= _SHORT:
        return (word,)
    framed = f"<{word}>"
    return (word, *dict.fromkeys(f"*{framed[at : at + _PART]}" for at in range(len(framed) - _PART + 1)))


def pair_features(words: Sequence[str]) -> Iterator[str]:
    """Words next to each other, and with one between."""
    framed = [_BEGIN, *words, _END]
    return chain(map(" ".join, pairwise(framed)), map(" _ ".join, zip(framed, framed[2:], strict=False)))


#: Of a stored weight, the letter of its class and its hundredths: "a120c-35" for access and update.
_STORED = re.compile(r"([a-z])(-?\d+)")
LETTERS = dict(zip("abcdefghij", range(len(CLASSES)), strict=True))
_NONE = (0.0,) * len(CLASSES)


class Weights:
    """Feature -> what it adds to the log-odds of each class."""

    def __init__(self, stored: Mapping[str, str] | CompactLines) -> None:
        """Take weights as they are stored, of which those of BASE count always; each is read when it first counts."""
        self._stored = stored if isinstance(stored, CompactLines) else CompactLines(written(stored))
        self._row = lru_cache(maxsize=10_000)(self._read_row)  # most words of a mail stood in one before
        self._of_word = lru_cache(maxsize=10_000)(self._read_word)
        self._base = _parsed(self._stored.find(BASE) or "")

    def score(self, text: str) -> list[float]:
        """Log-odds of each class for one sentence."""
        words = words_of(text)
        of_pairs = filter(None, map(self._row, pair_features(words)))
        return _added([self._base, *map(self._of_word, words), *of_pairs])

    def strangers(self, text: str) -> int:
        """How many words of a sentence the model has not met, or so rarely that they tell nothing."""
        return [*map(self._row, words_of(text))].count(None)

    def _read_word(self, word: str) -> Odds:
        """What a word adds with its parts."""
        return _added([_NONE, *filter(None, map(self._read_row, word_features(word)))])

    def _read_row(self, feature: str) -> Odds | None:
        stored = self._stored.find(feature)
        return None if stored is None else _parsed(stored)


def _parsed(stored: str) -> Odds:
    row = [*_NONE]
    for letter, hundredths in _STORED.findall(stored):
        row[LETTERS[letter]] = int(hundredths) / 100
    return tuple(row)


def _added(rows: Sequence[Odds]) -> list[float]:
    return [*map(sum, zip(*rows, strict=True))]


def segments(text: str) -> tuple[str, ...]:
    """Parts of a long sentence that may each exercise something: "..., and post me a list before you do so"."""
    if len(text.split()) < _LONG_SENTENCE:
        return ()
    parts = [part.strip() for part in _JOINT.split(text)]
    return tuple(part for part in parts if len(part.split()) >= _LEAST_WORDS) if len(parts) > 1 else ()


class Heard(NamedTuple):
    """Where a mail exercises a class most, as the opinion hears it."""

    odds: float  #: Log-odds there.
    second: float  #: The same of the next likeliest sentence.
    below_subject: float  #: The same of the likeliest sentence that is not the subject.
    beside: Odds  #: Log-odds of every class there.
    place: int  #: Of the sentence; the subject is 0.
    in_part: bool  #: A part of the sentence says it, not the whole.


@dataclass(frozen=True)
class Opinion:
    """What the model thinks of a whole mail."""

    sentences: Sequence[str]  #: The subject first.
    wholes: Sequence[Odds]  #: Of each sentence, without its parts.
    heard: Mapping[str, Heard]  #: Class -> where.
    strangers: Sequence[int]  #: Of each sentence, how many of its words the model has not met.

    @classmethod
    def of(
        cls, sentences: Sequence[str], *, settled: Collection[tuple[str, int]] = (), weights: Weights | None = None
    ) -> "Opinion":
        """
        Opinion on *sentences*.

        Args: settled: (class, place) of sentences of which it is known that they do not exercise that class now;
        weights: others than the package's.
        """
        known = weights or _weights()
        score = known.score
        sentences = sentences[:_SENTENCES]
        wholes = [score(text) for text in sentences]
        parts = [(place, score(part)) for place, text in enumerate(sentences) for part in segments(text)]
        units = [*enumerate(wholes), *parts]
        heard = {name: _heard(at, name, units, len(wholes), settled) for at, name in enumerate(CLASSES)}
        return cls(sentences, wholes, heard, [known.strangers(text) for text in sentences])

    def evidence(self, name: str) -> str:
        """The sentence that exercises the class *name* most."""
        return self.sentences[self.heard[name].place] if self.sentences else ""

    def chance(self, name: str) -> float:
        """Probability that a sentence exercises the class *name*."""
        return probability(self.heard[name].odds)

    @property
    def right(self) -> float:
        """Chance of the likeliest right."""
        return max(self.chance(name) for name in CLASSES[:5])


def _heard(
    at: int, name: str, units: Sequence[tuple[int, Odds]], wholes: int, settled: Collection[tuple[str, int]]
) -> Heard:
    best: dict[int, tuple[float, int]] = {}  # place -> (log-odds, number of the unit)
    for number, (place, odds) in enumerate(units):
        if (name, place) not in settled and (place not in best or odds[at] > best[place][0]):
            best[place] = odds[at], number
    if not best:
        return _UNHEARD
    order = sorted(best, key=lambda place: -best[place][0])
    most, number = best[order[0]]
    second = best[order[1]][0] if len(order) > 1 else LOWEST
    below = next((best[place][0] for place in order if place), LOWEST)
    return Heard(most, second, below, units[number][1], order[0], number >= wholes)


_UNHEARD = Heard(LOWEST, LOWEST, LOWEST, (LOWEST,) * len(CLASSES), 0, in_part=False)


def probability(log_odds: float) -> float:
    """Log-odds as a probability."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, log_odds))))


@cache
def _weights() -> Weights:
    return Weights(CompactLines(files(__package__).joinpath("opinion.tsv").read_bytes()))
