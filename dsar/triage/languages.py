"""
Text -> its language (ISO 639-1, "und" if unknown).

Effects: none. A count of frequent small words per language; the script decides where there are none of ours.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import lru_cache

from dsar.triage.vocabulary import language_words

UNKNOWN = "und"
DEFAULT = "sv"
#: Languages in which triage reads well enough to act on its own, unless settings say otherwise.
READ_WELL = ("sv", "en", "no", "da")

_SCRIPTS = {"CYRILLIC": "ru", "ARABIC": "ar", "GREEK": "el", "CJK": "zh", "HEBREW": "he", "THAI": "th", "HANGUL": "ko"}
_FEW_WORDS = 8


def language_of(text: str) -> str:
    """Language of *text*; Swedish where it is too short to tell, because the company is Swedish."""
    sample = text[:5000]
    words = re.findall(r"[^\W\d_]+", sample.casefold())
    script = _script(sample)
    if script:
        return script
    counts = Counter(words)
    scores = {
        language: sum(counts[word] for word in known & counts.keys()) for language, known in language_words().items()
    }
    best = max(scores, key=lambda language: scores[language])
    if scores[best] >= 2 and scores[best] * 12 >= len(words):
        return DEFAULT if scores[best] == scores[DEFAULT] else best
    return DEFAULT if len(words) <= _FEW_WORDS or re.search("[åäö]", sample.casefold()) else UNKNOWN


def is_one_of(language: str, languages: Collection[str]) -> bool:
    """Whether *language* is among *languages*; "no" stands for both Norwegian languages."""
    return language in languages or (language == "nn" and "no" in languages)


def _script(text: str) -> str | None:
    """Language of the script that most letters of *text* belong to, None for Latin."""
    letters = [character for character in text[:1000] if character.isalpha()]
    names = Counter(map(_script_of, letters))
    if not names:
        return None
    script, most = names.most_common(1)[0]
    return _SCRIPTS.get(script) if most * 2 > len(letters) else None


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str:
    return unicodedata.name(character, "LATIN").split()[0]
