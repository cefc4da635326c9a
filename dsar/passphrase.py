"""
Random numbers -> a pass-phrase that opens an encrypted answer.

Effects: none. Its words are made of two open syllables each, without letters that only some keyboards have: they belong
to no language, can be read out over a telephone letter by letter or as words, and are typed the same everywhere.
"""

import math
from collections.abc import Callable

_CONSONANTS = "bdfghjklmnprstv"
_VOWELS = "aeiou"
_SYLLABLES = tuple(consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS)
#: Made by the same rule, but nobody should have them read out.
_UNFIT = frozenset({"hora", "homo", "pedo", "puta", "fika", "kuka", "lude", "negu", "nega", "nege", "nego"})
_WORDS = 6

#: Of each pass-phrase: PDF's own stretching of pass-phrases is weak, so that the words must carry the strength.
ENTROPY_BITS = _WORDS * math.log2(len(_SYLLABLES) ** 2 - len(_UNFIT))


def make(choose: Callable[[int], int]) -> str:
    """A new pass-phrase such as "bako-nitu-fero-lasi-mupe-doga". Args: choose: n -> 0..n-1, e.g. secrets.randbelow."""
    words: list[str] = []
    while len(words) < _WORDS:
        word = _SYLLABLES[choose(len(_SYLLABLES))] + _SYLLABLES[choose(len(_SYLLABLES))]
        if word not in _UNFIT:
            words.append(word)
    return "-".join(words)
