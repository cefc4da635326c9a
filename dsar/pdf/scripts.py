"""
Text as it is stored -> text as it is seen.

Effects: none. Arabic letters take the forms that they have beside each other, what is written from right to left is put
into the order in which the eye meets it, vowel signs that stand left of their consonant are put there.
"""

import functools
import re
import unicodedata

from arabic_reshaper import ArabicReshaper  # type: ignore[import-untyped]
from bidi import get_display  # type: ignore[import-untyped]

from dsar.pdf.fonts import UNSEEN, showable

#: Blocks of scripts that are written from right to left, and their presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
#: Joins letters, and lam with alef; one sign for a whole word is in few fonts.
_RESHAPER = ArabicReshaper({"ARABIC LIGATURE ALLAH": False})
#: Indic vowel signs of two parts -> left and right part; those that stand left, with the consonant before them.
_TWO_PARTS = {ord(sign): unicodedata.normalize("NFD", sign) for sign in "\u09cb\u09cc\u0bca\u0bcb\u0bcc"}
_LEFT_VOWELS = re.compile(
    "([\u0915-\u0939\u0958-\u095f\u0995-\u09b9\u09dc-\u09df\u0a15-\u0a39\u0a59-\u0a5e\u0b95-\u0bb9][\u093c\u09bc\u0a3c]?)"
    "([\u093f\u09bf\u09c7\u09c8\u0a3f\u0bc6-\u0bc8])"
)


def is_simple(text: str) -> bool:
    """Whether *text* is seen as it is stored: Latin letters only."""
    return text.isascii() or (max(text) < "\u0250" and "\u00ad" not in text)


def is_right_to_left(text: str) -> bool:
    """Whether *text* holds letters that are written from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def begins_at_right(text: str) -> bool:
    """Whether *text* as a whole runs from right to left, as its first letter says (Unicode Annex 9, P2 and P3)."""
    if not is_right_to_left(text):
        return False
    directions = map(unicodedata.bidirectional, text)
    return next((direction for direction in directions if direction in {"L", "R", "AL"}), "L") != "L"


@functools.lru_cache(maxsize=8192)
def shaped(text: str) -> str:
    """*text*, still in its stored order from word to word, with the forms that its letters take beside each other."""
    if is_simple(text):
        return text
    text = unicodedata.normalize("NFC", text)
    if is_right_to_left(text):
        text = " ".join(map(_joined, text.split(" ")))
    return _LEFT_VOWELS.sub(r"\2\1", UNSEEN.sub("", text).translate(_TWO_PARTS))


def _joined(word: str) -> str:
    """*word* in the forms that its letters take beside each other, if the fonts have them all."""
    joined = str(_RESHAPER.reshape(word))
    return joined if showable(joined) == joined else word


def as_seen(line: str, *, from_right: bool) -> str:
    """A *shaped* line in the order in which it is seen, from left to right; from_right: of the paragraph."""
    return str(get_display(line, base_dir="R" if from_right else "L")) if is_right_to_left(line) else line
