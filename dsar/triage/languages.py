"""
Text -> its language (ISO 639-1, "und" if unknown).

Effects: none. A count of frequent small words per language; the script decides where there are none of ours.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from dsar.triage.vocabulary import FOREIGN, HOME, fold, language_words, phrase_words

UNKNOWN = "und"
DEFAULT = "sv"
#: Languages in which triage reads well enough to act on its own, unless settings say otherwise.
READ_WELL = ("sv", "en", "no", "da")

_SCRIPTS = {"CYRILLIC": "ru", "ARABIC": "ar", "GREEK": "el", "CJK": "zh", "HEBREW": "he", "THAI": "th", "HANGUL": "ko"}
#: Neither Latin letters nor punctuation.
_BEYOND_LATIN = re.compile("[^\0-\u024f\u2000-\u206f]")
#: Letters that only one language among those of a script has.
_TELLING = (("ar", "fa", frozenset("پچگژ")), ("ru", "uk", frozenset("іїєґ")), ("ru", "bg", frozenset("ѝ")))
#: So few words are told by the vocabularies, too.
_FEW_WORDS = 12
#: Language -> its phrase file.
_FILES = {"nn": "no"} | {name: name for name in (*HOME, *FOREIGN) if name != "any"}
#: So many characters tell the language.
_SAMPLE = 5000
#: A second language that is counted has so many small words at least.
_LEAST_MIXED = 6


def language_of(text: str) -> str:
    """Language of *text*; Swedish where it is too short to tell, because the company is Swedish."""
    words = _words(text[:_SAMPLE])
    return _language(text[:_SAMPLE], words, _scores(words))


def _language(sample: str, words: Sequence[str], scores: dict[str, int]) -> str:
    script = _script(sample)
    if script:
        return next(
            (found for of, found, letters in _TELLING if of == script and letters & {*sample.casefold()}), script
        )
    if len(words) <= _FEW_WORDS:
        return _of_few(words, scores)
    best = max(scores, key=lambda language: scores[language])
    if scores[best] >= 2 and scores[best] * 12 >= len(words):
        return DEFAULT if scores[best] == scores[DEFAULT] else best
    return DEFAULT if re.search("[åäö]", sample.casefold()) else UNKNOWN


def _of_few(words: Sequence[str], scores: dict[str, int]) -> str:
    """The language of a few words, by what its vocabulary knows of them, too; Swedish first, if it knows any."""
    folded = [fold(word) for word in words]
    scores = {language: score + _known(language, folded) for language, score in scores.items()}
    best = max(scores, key=lambda language: (scores[language], language == DEFAULT))
    return best if scores[best] else UNKNOWN


def _known(language: str, folded: Sequence[str]) -> int:
    known = phrase_words(_FILES[language]) if language in _FILES else frozenset()
    return sum(word in known for word in folded)


def languages_in(text: str) -> frozenset[str]:
    """The language of *text*, and others that a good part of it is written in."""
    words = _words(text[:_SAMPLE])
    scores = _scores(words)
    most = max(scores.values())
    mixed = {language for language, score in scores.items() if score >= _LEAST_MIXED and score * 2 >= most}
    return frozenset({_language(text[:_SAMPLE], words, scores), *mixed})


#: Letters that a language has and its neighbours have not.
_LETTERS = {language: frozenset(letters) for language, letters in {
    "cs": "řěů", "de": "ß", "es": "ñ¿¡", "et": "õ", "fr": "çœêèàù", "hu": "őű", "is": "þð", "lt": "ėįų",
    "lv": "āēīģķļņ", "pl": "łąężśćńź", "pt": "ãçõ", "ro": "țșă", "tr": "ığş",
}.items()}  # fmt: skip
_ANY_LETTERS = frozenset().union(*_LETTERS.values())
#: Endings of long Finnish words, which no other language here has.
_FINNISH = re.compile(r"\w{3,}(?:nne|mme|ssä|stä|ssa|sta|llä|kää|kaa|ään|aan|een|iin|uun|ttä|jeni|toni|tani|teni)")


def _words(sample: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", sample.casefold())


def _scores(words: Sequence[str]) -> dict[str, int]:
    """Language -> how many of the *words* are small words of it, and letters or endings that only it has."""
    scores = dict.fromkeys(language_words(), 0)
    for word, count in Counter(words).items():
        for language in _languages_of(word):
            scores[language] += count
    letters = _ANY_LETTERS.intersection("".join(words))
    for language, telling in _LETTERS.items() if letters else ():
        scores[language] += len(letters & telling)
    return scores


@lru_cache(maxsize=20_000)
def _languages_of(word: str) -> tuple[str, ...]:
    """Languages that *word* counts for, once for each reason."""
    speaking = (language for language, known in language_words().items() if word in known)
    return (*speaking, "fi") if _FINNISH.fullmatch(word) else tuple(speaking)


def is_one_of(language: str, languages: Collection[str]) -> bool:
    """Whether *language* is among *languages*; "no" stands for both Norwegian languages."""
    return language in languages or (language == "nn" and "no" in languages)


def _script(text: str) -> str | None:
    """Language of the script that most letters of *text* belong to, None for Latin."""
    if not _BEYOND_LATIN.search(text, 0, 1000):
        return None
    names: Counter[str] = Counter()
    for character, times in Counter(text[:1000]).items():
        if character.isalpha():
            names[_script_of(character)] += times
    if not names:
        return None
    script, most = names.most_common(1)[0]
    return _SCRIPTS.get(script) if most * 2 > names.total() else None


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str:
    return unicodedata.name(character, "LATIN").split()[0]
