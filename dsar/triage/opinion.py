"""
Sentences -> a second, statistical opinion on what they exercise.

Effects: reads the package's own weights, once. A linear model per class over words, parts of words and
neighbours, trained by tests/train_opinion.py from the labelled mails and sentences of tests/mails alone. It never
decides: where it and the rules disagree, a person does.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from math import exp

from dsar.triage.vocabulary import fold, loosen

#: What a sentence may exercise, in the order of the weights; the last is about the whole mail.
CLASSES = ("access", "erase", "update", "object", "restrict", "portable", "follow_up", "question", "noise")
#: Languages that it has learned well; of others it knows a few hundred sentences.
LEARNED = frozenset({"sv", "en", "no", "nn", "da"})
_WORD = re.compile(r"[^\W\d_]+|[?!]|\d+")
#: Words of one sentence that are looked at.
_MOST_WORDS = 60
_SENTENCES = 60
_LOWEST = -9.0
#: What joins the parts of a sentence.
_JOINT = re.compile(
    r"[,;:()–]+\s+|\s+-\s+|\s+(?:och|and|og|und|et|y|samt|men|but|ja|i|oraz|så|so|sen|then)\s+", re.IGNORECASE
)
#: Words of a sentence that is taken apart, and of a part that counts.
_LONG_SENTENCE, _LEAST_WORDS = 9, 3
#: Letters of a part of a word, and of the longest word that has none.
_PART, _SHORT = 4, 5
Weights = Mapping[str, Sequence[tuple[int, float]]]


def features(text: str) -> list[str]:
    """Features of one sentence, each once."""
    words = [_shape(word) for word in _WORD.findall(loosen(fold(text[:600])))[:_MOST_WORDS]]
    return list(dict.fromkeys(_of_words(words)))


def _shape(word: str) -> str:
    return "0" if word.isdigit() else word


def _of_words(words: Sequence[str]) -> Iterator[str]:
    yield "^"
    last, before = "^", "^"
    for word in words:
        yield from _parts(word)
        yield f"{before} {word}"
        if last != "^":
            yield f"{last} _ {word}"
        last, before = before, word


@lru_cache(maxsize=20_000)
def _parts(word: str) -> tuple[str, ...]:
    """A word, and of a long one every four letters in a row, which compounds, inflections and slips share."""
    framed = f"<{word}>"
    return (
        (word, *(framed[at : at + _PART] for at in range(len(framed) - _PART + 1))) if len(word) > _SHORT else (word,)
    )


def score(text: str, weights: Weights | None = None) -> list[float]:
    """Log-odds of each class of CLASSES for one sentence."""
    total = [0.0] * len(CLASSES)
    known = _weights() if weights is None else weights
    for feature in features(text):
        for at, weight in known.get(feature, ()):
            total[at] += weight
    return total


def segments(text: str) -> tuple[str, ...]:
    """Parts of a long sentence that may each exercise something: "..., and post me a list before you do so"."""
    if len(text.split()) < _LONG_SENTENCE:
        return ()
    parts = [part.strip() for part in _JOINT.split(text)]
    return tuple(part for part in parts if len(part.split()) >= _LEAST_WORDS) if len(parts) > 1 else ()


@dataclass(frozen=True)
class Opinion:
    """What the model thinks of a whole mail."""

    chances: Mapping[str, float]  #: Class -> probability that any sentence, or part of one, exercises it.
    evidence: Mapping[str, str]  #: Class -> the sentence that does so most.

    @property
    def right(self) -> float:
        """Chance of the likeliest right."""
        return max(self.chances[name] for name in CLASSES[:5])

    @classmethod
    def of(
        cls, sentences: Sequence[str], *, settled: Collection[tuple[str, int]] = (), weights: Weights | None = None
    ) -> "Opinion":
        """
        Opinion on *sentences*.

        Args: settled: (class, place) of sentences of which it is known that they do not exercise that class now;
        weights: others than the package's.
        """
        sentences = sentences[:_SENTENCES]
        wholes = [score(text, weights) for text in sentences]
        parts = [(place, score(part, weights)) for place, text in enumerate(sentences) for part in segments(text)]
        units = [*enumerate(wholes), *parts]
        chances, evidence = {}, {}
        for at, name in enumerate(CLASSES[:-1]):
            open_ = [(each[at], -place) for place, each in units if (name, place) not in settled]
            best, place = max(open_, default=(_LOWEST, 0))
            chances[name], evidence[name] = _probability(best), sentences[-place] if open_ else ""
        chances["noise"] = _probability(sum(each[-1] for each in wholes) / max(1, len(wholes)) ** 0.5)
        return cls(chances, evidence)


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, log_odds))))


@cache
def _weights() -> Weights:
    raw = json.loads(files(__package__).joinpath("opinion.json").read_text(encoding="utf-8"))
    return {feature: [(int(at), value / 100) for at, value in pairs] for feature, pairs in raw.items()}
