"""
Text -> numbered pieces of words, as the encoder reads them.

Effects: none. A word is put together from the pieces of a list in the likeliest way (a unigram model: Kudo 2018,
https://aclanthology.org/P18-1007). The package `tokenizers` does the same, but brings a client of a model hub with it.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

#: Numbers of what stands for no piece: before a text, after a sentence, for letters that no piece has.
BEGIN, END, UNKNOWN = 0, 2, 3
#: What each word begins with.
_WORD = "\u2581"
#: How much less likely than the least likely piece an unknown letter is, in log-odds.
_STRANGE = 10.0
#: Letters of a text and of a word that are looked at.
LONGEST, _LONGEST_WORD = 600, 60


class Pieces:
    """Pieces with their log-probabilities; a piece's number is its place in the list."""

    def __init__(self, listed: Sequence[tuple[str, float]]) -> None:
        """Take the list; what its first numbers stand for no text has, whatever is written in it."""
        self._known: Mapping[str, tuple[int, float]] = {
            piece: (number, score) for number, (piece, score) in enumerate(listed) if number > UNKNOWN
        }
        self._longest = max(len(piece) for piece in self._known)
        self._strange = min(score for _, score in self._known.values()) - _STRANGE
        self.of_word = lru_cache(maxsize=10_000)(self._of_word)

    def numbers(self, text: str) -> list[int]:
        """The pieces of *text*, one word after the other."""
        words = unicodedata.normalize("NFKC", text[:LONGEST]).split()
        return [number for word in words for number in self.of_word(_WORD + word[:_LONGEST_WORD])]

    def _of_word(self, word: str) -> tuple[int, ...]:
        """The likeliest way through *word*, by dynamic programming; unknown letters in a row are one piece."""
        best = [0.0]  # of each beginning of the word, the log-probability of the likeliest way
        last: list[tuple[int, int]] = [(0, 0)]  # of each, the number of its last piece and where that begins
        for end in range(1, len(word) + 1):
            ways = [(best[end - 1] + self._strange, UNKNOWN, end - 1)]
            parts = ((begin, self._known.get(word[begin:end])) for begin in range(max(0, end - self._longest), end))
            ways += [(best[begin] + found[1], found[0], begin) for begin, found in parts if found is not None]
            likeliest, number, begin = max(ways)
            best.append(likeliest)
            last.append((number, begin))
        numbers: list[int] = []
        end = len(word)
        while end:
            number, end = last[end]
            if not (numbers and number == numbers[-1] == UNKNOWN):
                numbers.append(number)
        return tuple(reversed(numbers))
