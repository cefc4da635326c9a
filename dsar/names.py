"""
Two names -> whether they can be the same person's.

Effects: none. Word order, case, accents, initials and left-out middle names make no difference; a different first name
or surname does. It tells persons on one contact point apart; it never proves that two records are one person's.
"""

import re
import unicodedata

_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """*text* without case and accents, for comparing: "Öberg" and "OBERG" fold alike."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def name_words(name: str) -> tuple[str, ...]:
    """The folded words of *name* in their order; "Lindqvist, Åsa M." gives lindqvist, asa, m."""
    return tuple(_WORD.findall(fold(name)))


def can_be_same_person(one: str, other: str) -> bool:
    """Whether every word of the shorter name stands in the longer one, in full or as an initial."""
    shorter, longer = sorted((name_words(one), name_words(other)), key=len)
    left = list(longer)
    for word in sorted(shorter, key=len, reverse=True):
        partner = next((candidate for candidate in left if _same_word(word, candidate)), None)
        if partner is None:
            return False
        left.remove(partner)
    return True


def _same_word(one: str, other: str) -> bool:
    return one == other or (1 in (len(one), len(other)) and one[:1] == other[:1])
