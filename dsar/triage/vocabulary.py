"""
Phrase files -> one compiled pattern per concept.

Effects: reads the package's own TOML files, once, and those of a site when told to. A phrase is folded like the text it
is looked for in; `*` stands for any ending or beginning of a word, ` .. ` for up to four words between.

The phrases of Swedish, English, Norwegian and Danish are looked for together, because people mix them and short mails
have no certain language. In a mail of another language those of that language are, since a harmless word of one may
be a telling one of another: German "bin" (am) and English "bin" (throw away).

Most concepts have no word in most sentences: which ones can is found by looking up the sentence's words, and only the
patterns of those are tried.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from dsar.errors import SettingsError
from dsar.resemblance import HOMOGLYPHS, UNDECOMPOSED

#: Phrase files that are read together.
HOME = ("sv", "en", "no", "da", "any")
#: Phrase files of languages that are read alone, each beside "any", which holds what is said alike everywhere.
FOREIGN = ("fi", "de", "fr", "es", "pl", "et", "ar")
PHRASE_FILES = (*HOME, *FOREIGN)

_DOUBLED = re.compile(r"([^\W\d_])\1+")


class _Folding(dict[int, str]):
    """Character -> what it is folded to, found out when it first occurs."""

    _ALIKE = str.maketrans(HOMOGLYPHS | UNDECOMPOSED | {"’": "'", "‘": "'", "´": "'"})

    def __missing__(self, character: int) -> str:
        decomposed = unicodedata.normalize("NFKD", chr(character))
        self[character] = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(self._ALIKE)
        return self[character]


_FOLDED = _Folding()


def fold(text: str) -> str:
    """*text* in lower case without diacritics, so that "begaran" and "Begäran" are one word; for matching only."""
    folded = text.casefold()
    return folded if folded.isascii() else folded.translate(_FOLDED)


@lru_cache(maxsize=128)
def loosen(folded: str) -> str:
    """*folded* with single letters for double ones, which people mistype most: "upgifter", "adres", "adresss"."""
    return _DOUBLED.sub(r"\1", folded)


#: Phrase files that count now.
_read: ContextVar[tuple[str, ...]] = ContextVar("read", default=HOME)


@contextmanager
def reading(languages: Collection[str]) -> Iterator[None]:
    """Look for the phrases of *languages* (ISO 639-1) inside the block, in this thread; others are read as HOME."""
    foreign = tuple(name for name in FOREIGN if name in languages)
    at_home = not foreign or any(language not in FOREIGN for language in languages)
    token = _read.set((*HOME, *foreign) if at_home and foreign else (*foreign, "any") if foreign else HOME)
    try:
        yield
    finally:
        _read.reset(token)


class Concept:
    """All phrases of one meaning, looked for as `re.Pattern` looks for a pattern, in folded and loosened text."""

    def __init__(self, name: str, read: tuple[str, ...]) -> None:
        phrases = sorted(_folded_phrases(read).get(name, ()), key=len, reverse=True)
        self._name = name
        self._read = read
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(_pattern, phrases)) or '(?!)'})(?!\w)")

    def search(self, folded: str) -> re.Match[str] | None:
        return self._pattern.search(folded) if self._is_possible(folded) else None

    def fullmatch(self, folded: str) -> re.Match[str] | None:
        return self._pattern.fullmatch(folded) if self._is_possible(folded) else None

    def finditer(self, folded: str) -> Iterator[re.Match[str]]:
        return self._pattern.finditer(folded) if self._is_possible(folded) else iter(())

    def _is_possible(self, folded: str) -> bool:
        return self._name in _possible(folded, self._read)


def concept(name: str) -> Concept:
    """The concept *name* in the languages that are read now."""
    return _concept(name, _read.get())


@cache
def _concept(name: str, read: tuple[str, ...]) -> Concept:
    return Concept(name, read)


def says(name: str, folded: str) -> bool:
    """Whether *folded* holds a phrase of the concept *name*."""
    loose, read = loosen(folded), _read.get()
    return name in _possible(loose, read) and _concept(name, read).search(loose) is not None


def count(name: str, folded: str) -> int:
    """How many different phrases of the concept *name* stand in *folded*."""
    loose, read = loosen(folded), _read.get()
    return len({match[0] for match in _concept(name, read).finditer(loose)}) if name in _possible(loose, read) else 0


@cache
def language_words() -> dict[str, frozenset[str]]:
    """Language -> its frequent small words, not folded."""
    return {language: frozenset(words.split()) for language, words in _load("languages").items()}


@cache
def phrase_words(name: str) -> frozenset[str]:
    """Longer words of the phrases of one file, folded: they tell the language of a text too short for small words."""
    phrases = " ".join(fold(phrase) for each in _load(name).values() for phrase in each)
    return frozenset(word for word in re.findall(r"(?<!\*)\b\w{4,}\b(?!\*)", phrases))


# ------------------------------------------------------------------------------------------- a site's own phrases


def read_additions(folder: Path) -> dict[str, list[str]]:
    """
    Heading -> phrases that a site adds, from every .toml file of *folder*, in the form of the shipped files.

    Raises: SettingsError with every fault: what is no TOML, no heading of sv.toml, or no list of phrases.
    """
    faults: list[str] = []
    added: dict[str, list[str]] = {}
    known = _load("sv")
    for path in sorted(folder.glob("*.toml")):
        try:
            headings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
            faults.append(f"{path.name}: {error}")
            continue
        for heading, phrases in headings.items():
            fault = _fault(heading, phrases, known)
            if fault:
                faults.append(f"{path.name}: {heading}: {fault}")
            else:
                added.setdefault(heading, []).extend(phrases)
    if not folder.is_dir():
        faults.append(f"{folder}: there is no such folder")
    if faults:
        raise SettingsError(faults)
    return added


def _fault(heading: str, phrases: object, known: Collection[str]) -> str | None:
    if heading not in known:
        near = get_close_matches(heading, known, n=1)
        return "is no heading of the vocabulary" + (f"; did you mean {near[0]!r}?" if near else "")
    if not isinstance(phrases, list) or not all(isinstance(each, str) and fold(each).strip(" *.") for each in phrases):
        return 'must be a list of phrases, such as ["ta bort", "rader*"]'
    return None


def add(added: Mapping[str, Sequence[str]]) -> None:
    """Look for *added* phrases, too, and for no other additions, in this whole process, whatever is read."""
    added = {heading: tuple(phrases) for heading, phrases in added.items()}
    if added != _added:
        _added.clear()
        _added.update(added)
        for known in (_folded_phrases, _concept, _possible, _phrase_words_like, _needed_words, _uses):
            known.cache_clear()


def added() -> dict[str, Sequence[str]]:
    """The phrases of this site that are looked for."""
    return dict(_added)


#: Phrases of this site.
_added: dict[str, Sequence[str]] = {}


# ---------------------------------------------------------------------------------------------------------- reading


@cache
def _folded_phrases(read: tuple[str, ...]) -> dict[str, frozenset[str]]:
    merged: dict[str, set[str]] = {}
    for headings in (*map(_load, read), _added):
        for heading, phrases in headings.items():
            merged.setdefault(heading, set()).update(loosen(fold(phrase)) for phrase in phrases)
    return {heading: frozenset(phrases) for heading, phrases in merged.items()}


@cache
def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _pattern(phrase: str) -> str:
    gap = r"(?:[\s,\"']+[\w'-]+){0,4}?[\s,\"']+"
    pieces = (
        r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in part.split()) for part in phrase.split(" .. ")
    )
    return gap.join(pieces)


# ------------------------------------------------------------------------------------- which concepts are possible

_WORD = re.compile(r"\w+")
#: No word of a phrase is longer.
_LONGEST_WORD = 40
#: A word of a phrase, without one that may begin in any way, and the asterisk that lets it go on.
_PHRASE_WORD = re.compile(r"(?<![\w*])\w+\*?")
#: Concept, and the other words that its phrase needs.
_Use = tuple[str, frozenset[str]]


def possible(folded: str) -> frozenset[str]:
    """Concepts that *folded* may hold a phrase of in the languages that are read now, judged by single words."""
    return _possible(folded, _read.get())


@lru_cache(maxsize=128)
def _possible(folded: str, read: tuple[str, ...]) -> frozenset[str]:
    """Concepts all words of one of whose phrases stand in *folded*, in whatever order."""
    uses = _uses(read)
    here = {*chain.from_iterable(map(_phrase_words_like, {*_WORD.findall(folded)}, repeat(read)))}
    here_or_anywhere = filter(None, map(uses.get, (*here, "")))
    return frozenset(name for name, others in chain.from_iterable(here_or_anywhere) if not others or others <= here)


@lru_cache(maxsize=20_000)
def _phrase_words_like(word: str, read: tuple[str, ...]) -> tuple[str, ...]:
    """Words of phrases that *word* stands for: "radera" and "rader*" for "radera"."""
    starts = (f"{word[:length]}*" for length in range(1, min(len(word), _LONGEST_WORD) + 1))
    return tuple(each for each in (word, *starts) if each in _needed_words(read))


@cache
def _needed_words(read: tuple[str, ...]) -> Counter[str]:
    """Word -> how many phrases cannot stand in a text without it."""
    return Counter(word for phrases in _folded_phrases(read).values() for each in phrases for word in _needs(each))


@cache
def _uses(read: tuple[str, ...]) -> dict[str, tuple[_Use, ...]]:
    """Word of a phrase -> its uses; each phrase is listed under its rarest word, or under "" if it needs none."""
    rarity = _needed_words(read)
    uses: dict[str, set[_Use]] = {}
    for name, phrases in _folded_phrases(read).items():
        for words in map(_needs, phrases):
            rarest = min(words, key=lambda word: (rarity[word], -len(word), word), default="")
            uses.setdefault(rarest, set()).add((name, words - {rarest}))
    return {word: tuple(each) for word, each in uses.items()}


def _needs(phrase: str) -> frozenset[str]:
    return frozenset(_PHRASE_WORD.findall(phrase))
