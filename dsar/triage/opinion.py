"""
Sentences -> a second, statistical opinion on what they exercise.

Effects: reads the package's own weights, once. A linear model per class over words, their beginnings and neighbours,
trained by tests/train_opinion.py from the labelled mails and sentences of tests/mails alone. It never decides: where it
and the rules disagree, a person does.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

from dsar.triage.vocabulary import fold, loosen

#: What a sentence may exercise, in the order of the weights; the last is about the whole mail.
CLASSES = ("access", "erase", "update", "object", "restrict", "portable", "follow_up", "question", "noise")
#: Languages that it was trained in.
LEARNED = frozenset({"sv", "en", "no", "nn", "da"})
_WORD = re.compile(r"[^\W\d_]+|[?!]|\d+")
#: Words of one sentence that are looked at.
_MOST_WORDS = 60
_SENTENCES = 60
_LOWEST = -9.0


def features(text: str) -> list[str]:
    """Features of one sentence, each once: words, beginnings of long words, pairs of neighbours."""
    words = [_shape(word) for word in _WORD.findall(loosen(fold(text[:600])))[:_MOST_WORDS]]
    return list(dict.fromkeys(_features(words)))


def _shape(word: str) -> str:
    return "0" if word.isdigit() else word


def _features(words: Sequence[str]) -> Iterator[str]:
    yield "^"
    before = "^"
    for word in words:
        yield word
        if len(word) > 5:
            yield word[:5] + "-"
        if len(word) > 8:
            yield "-" + word[-6:]
        yield f"{before} {word}"
        before = word


def score(text: str) -> list[float]:
    """Log-odds of each class of CLASSES for one sentence."""
    total = [0.0] * len(CLASSES)
    weights = _weights()
    for feature in features(text):
        for at, weight in weights.get(feature, ()):
            total[at] += weight
    return total


@dataclass(frozen=True)
class Opinion:
    """What the model thinks of a whole mail."""

    chances: Mapping[str, float]  #: Class -> probability that any sentence exercises it.
    evidence: Mapping[str, str]  #: Class -> the sentence that does so most.

    @property
    def right(self) -> float:
        """Chance of the likeliest right."""
        return max(self.chances[name] for name in CLASSES[:5])

    @classmethod
    def of(cls, sentences: Sequence[str], *, settled: Collection[tuple[str, int]] = ()) -> "Opinion":
        """
        Opinion on *sentences*.

        Args: settled: (class, place) of sentences of which it is known that they do not exercise that class now.
        """
        sentences = sentences[:_SENTENCES]
        scores = [score(text) for text in sentences]
        chances, evidence = {}, {}
        for at, name in enumerate(CLASSES[:-1]):
            open_ = [(each[at], -place) for place, each in enumerate(scores) if (name, place) not in settled]
            best, place = max(open_, default=(_LOWEST, 0))
            chances[name], evidence[name] = _probability(best), sentences[-place] if open_ else ""
        chances["noise"] = _probability(sum(each[-1] for each in scores) / max(1, len(scores)) ** 0.5)
        return cls(chances, evidence)


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, log_odds))))


@cache
def _weights() -> dict[str, list[tuple[int, float]]]:
    raw = json.loads(files(__package__).joinpath("opinion.json").read_text(encoding="utf-8"))
    return {feature: [(int(at), value / 100) for at, value in pairs] for feature, pairs in raw.items()}
