"""
All sentences of a mail -> a third opinion, on the mail as a whole.

Effects: reads the package's own weights, once. The second opinion hears one sentence at a time; this one hears what
they say together, with less of an ear for each: a linear model per target over the words, their parts, pairs and rows
of three of the whole mail, over those of the subject again, and over the words of the first and of the last sentence.
It never decides: judgement.py weighs it together with the rules and the second opinion. Trained by
tests/train_impression.py from the labelled mails of tests/mails alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from math import sqrt

from dsar.triage.compact import CompactLines, written
from dsar.triage.opinion import pair_features, word_features, words_of

#: What it tells of a mail, in the order of the weights: which rights it exercises, its kind, and whether it exercises
#: more than one.
TARGETS = (
    "access", "erase", "update", "object", "restrict", "request", "follow_up", "question", "noise", "several",
)  # fmt: skip
#: Sentences of a mail that are looked at.
_SENTENCES = 60
#: Each mail counts for as much as this many features would, so that a long one is no surer than a short one.
LENGTH = 6.0
#: Marks of features of one place.
_SUBJECT, _FIRST, _LAST = "S|", "F|", "L|"
#: Name of the weights that count for each mail.
BASE = ""
#: Log-odds of each of TARGETS.
Impression = Mapping[str, float]


def features(sentences: Sequence[str]) -> tuple[list[str], list[str]]:
    """Distinct words of a mail with the marks of their places, and its other features, each once."""
    words = [words_of(text) for text in sentences[:_SENTENCES]]
    if not words:
        return [], []
    marked = [
        *(word for each in words for word in each),
        *(_SUBJECT + word for word in words[0]),
        *(_FIRST + word for each in words[1:2] for word in each),
        *(_LAST + word for word in words[-1]),
    ]
    rows = [*chain.from_iterable(map(_rows, words)), *(_SUBJECT + pair for pair in pair_features(words[0]))]
    return list(dict.fromkeys(marked)), list(dict.fromkeys(rows))


def _rows(words: Sequence[str]) -> Iterator[str]:
    """Neighbours, words with one between, and three in a row."""
    return chain(pair_features(words), map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def parts_of(word: str) -> tuple[str, ...]:
    """A marked word as it is weighed: the word, and of those of the whole mail and of the subject their parts."""
    mark, word = (word[:2], word[2:]) if word[1:2] == "|" else ("", word)
    if mark in {_FIRST, _LAST}:
        return (mark + word,)
    return tuple(mark + each for each in word_features(word))


class ImpressionWeights:
    """Feature -> what it adds to the log-odds of each target."""

    def __init__(self, stored: Mapping[str, str] | CompactLines) -> None:
        """Take weights as they are stored: hundredths of each target, parted by blanks; nothing stands for none."""
        self._stored = stored if isinstance(stored, CompactLines) else CompactLines(written(stored))
        self._row = lru_cache(maxsize=10_000)(self._read_row)
        self._of_word = lru_cache(maxsize=10_000)(self._read_word)
        self._base = _parsed(self._stored.find(BASE) or "")

    def score(self, sentences: Sequence[str]) -> Impression:
        """Log-odds of each target for a mail. Args: sentences: the subject first."""
        words, rows = features(sentences)
        read = [self._of_word(word) for word in words]
        count = len(rows) + sum(parts for parts, _ in read)
        size = LENGTH / sqrt(count or 1)
        sums = map(sum, zip(_NONE, *(row for _, row in read), *filter(None, map(self._row, rows)), strict=True))
        return {name: base + size * each for name, base, each in zip(TARGETS, self._base, sums, strict=True)}

    def _read_word(self, word: str) -> tuple[int, tuple[float, ...]]:
        """How many features a word is, and what they add."""
        parts = parts_of(word)
        return len(parts), tuple(map(sum, zip(_NONE, *filter(None, map(self._row, parts)), strict=True)))

    def _read_row(self, feature: str) -> tuple[float, ...] | None:
        stored = self._stored.find(feature)
        return None if stored is None else _parsed(stored)


_NONE = (0.0,) * len(TARGETS)


def _parsed(stored: str) -> tuple[float, ...]:
    row = [int(each or "0") / 100 for each in stored.split(" ")]
    return tuple(row + [0.0] * (len(TARGETS) - len(row)))


def impression_of(sentences: Sequence[str]) -> Impression:
    """The third opinion on a mail. Args: sentences: the subject first, as the second opinion reads them."""
    return _weights().score(sentences)


@cache
def _weights() -> ImpressionWeights:
    return ImpressionWeights(CompactLines(files(__package__).joinpath("impression.tsv").read_bytes()))
