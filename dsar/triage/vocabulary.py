"""
Phrase files -> one compiled pattern per concept.

Effects: reads the package's own TOML files, once, and those of a site when told to. A phrase is folded like the text it is looked for in; `*` stands for
any ending or beginning of a word, ` .. ` for up to four words between. The phrases of all languages are looked for in
every mail, because people mix them and short mails have no certain language.
"""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dsar.errors import SettingsError
from dsar.resemblance import HOMOGLYPHS, UNDECOMPOSED

PHRASE_FILES = ("sv", "en", "no", "da", "other")

_DOUBLED = re.compile(r"([^\W\d_])\1+")
_FOLDED = str.maketrans(HOMOGLYPHS | UNDECOMPOSED | {"’": "'", "‘": "'", "´": "'"})


def fold(text: str) -> str:
    """*text* in lower case without diacritics, so that "begaran" and "Begäran" are one word; for matching only."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_FOLDED)


def loosen(folded: str) -> str:
    """*folded* with single letters for double ones, which people mistype most: "upgifter", "adres", "adresss"."""
    return _DOUBLED.sub(r"\1", folded)


@cache
def concept(name: str) -> re.Pattern[str]:
    """Pattern of all phrases of the concept *name*, to be used on folded and loosened text."""
    phrases = sorted({loosen(fold(phrase)) for phrase in _phrases().get(name, ())}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_pattern, phrases))})(?!\w)")


def says(name: str, folded: str) -> bool:
    """Whether *folded* holds a phrase of the concept *name*."""
    return concept(name).search(loosen(folded)) is not None


def count(name: str, folded: str) -> int:
    """How many different phrases of the concept *name* stand in *folded*."""
    return len({match[0] for match in concept(name).finditer(loosen(folded))})


@cache
def language_words() -> dict[str, frozenset[str]]:
    """Language -> its frequent small words, not folded."""
    return {language: frozenset(words.split()) for language, words in _load("languages").items()}


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
    """Look for *added* phrases, too, and for no other additions, in this whole process."""
    _added.clear()
    _added.update({heading: list(phrases) for heading, phrases in added.items()})
    _phrases.cache_clear()
    concept.cache_clear()


#: Phrases of this site.
_added: dict[str, list[str]] = {}


@cache
def _phrases() -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for headings in (*map(_load, PHRASE_FILES), _added):
        for heading, phrases in headings.items():
            merged.setdefault(heading, []).extend(phrases)
    return merged


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _pattern(phrase: str) -> str:
    gap = r"(?:[\s,\"']+[\w'-]+){0,4}?[\s,\"']+"
    pieces = (
        r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in part.split()) for part in phrase.split(" .. ")
    )
    return gap.join(pieces)
