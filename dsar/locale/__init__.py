"""
A sentence for staff -> the same in their language: Swedish or English, by the locale of whoever calls.

The English sentence is the key of the catalogue sv/LC_MESSAGES/dsar.po; what it has not stays English. `--json`, names
of events and states, and the audit trail are English always, so what is stored or read by programs is never translated.

Effects: reads a catalogue.
"""

import gettext
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

#: Where the catalogues are: <language>/LC_MESSAGES/dsar.mo, made by `make translations` from the .po beside it.
FOLDER = Path(__file__).parent

DOMAIN = "dsar"

#: Languages of the interface; English needs no catalogue.
LANGUAGES = ("en", "sv")


_FEWEST_LETTERS = 8
_PLACE = re.compile(r"{(\w+)}")


class Said(str):
    """
    A finished English sentence that remembers its template and its values, so that it can be told in another language.

    It is an ordinary text to everything else: to JSON, the database and comparisons.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, text: str, template: str = "", values: Mapping[str, object] | None = None) -> Self:
        """Made by said()."""
        made = super().__new__(cls, text)
        made.template, made.values = template or text, dict(values or {})
        return made


def said(template: str, /, **values: object) -> Said:
    """The sentence *template* with *values* in its {places}; several values in one place are a list or tuple."""
    return Said(template.format(**{name: _plain(value) for name, value in values.items()}), template, values)


def _plain(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


class _Spoken:
    """The language of this process."""

    language = "en"
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def speak(environ: Mapping[str, str]) -> None:
    """Use the language that LANGUAGE, LC_ALL, LC_MESSAGES and LANG ask for, as gettext(3) reads them."""
    chosen = _language(environ)
    if chosen == _Spoken.language:
        return
    _Spoken.language = chosen
    _Spoken.catalogue = gettext.translation(DOMAIN, str(FOLDER), [chosen], fallback=True)
    gettext.bindtextdomain(DOMAIN, str(FOLDER))
    gettext.textdomain(DOMAIN if chosen != "en" else "messages")  # click translates its own words by it


def language() -> str:
    """The language in use, ISO 639-1."""
    return _Spoken.language


def _language(environ: Mapping[str, str]) -> str:
    set_to = next(filter(None, (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    if set_to.partition(".")[0] in {"C", "POSIX"}:
        return "en"
    for name in [*environ.get("LANGUAGE", "").split(":"), set_to]:
        if name[:2].lower() in LANGUAGES:
            return name[:2].lower()
    return "en"


def _(text: str) -> str:
    """*text* in the language in use."""
    return _Spoken.catalogue.gettext(text) if text else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The form for *count*, with the number in it in place of {count}."""
    return _Spoken.catalogue.ngettext(one, many, count).format(count=count)


def tell(text: str) -> str:
    """A finished sentence in the language in use; of one that was made by said() its values are told likewise."""
    if isinstance(text, Said):
        return _(text.template).format(**{name: _value(value) for name, value in text.values.items()})
    return _(text)


def tell_again(text: str) -> str:
    """
    A sentence that was made by said() and of which only the English text was kept, in the language in use.

    It is the one whose template fits with the fewest letters left for its values; what fits none stays English.
    """
    told = _(text)
    if told != text or _Spoken.language == "en":
        return told
    fitting = [(template, found) for template, pattern in _patterns() if (found := pattern.fullmatch(text))]
    if not fitting:
        return text
    template, found = min(fitting, key=lambda each: sum(map(len, each[1].groupdict().values())))
    return tell(Said(text, template, found.groupdict()))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(template, what its sentences look like) of every template with {places} that has enough words of its own."""
    from babel.messages.mofile import read_mo  # slow to load

    with (FOLDER / "sv" / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as catalogue:
        texts = [message.id for message in read_mo(catalogue) if isinstance(message.id, str)]
    return tuple((text, _pattern(text)) for text in texts if _PLACE.search(text) and _is_telling(text))


def _is_telling(template: str) -> bool:
    """Whether what fits was made of it: "{number} of {count}" fits too much else."""
    return sum(map(str.isalpha, _PLACE.sub("", template))) >= _FEWEST_LETTERS


def _pattern(template: str) -> re.Pattern[str]:
    """Each {place} is any text, the same one wherever it stands twice."""
    seen: set[str] = set()
    parts = []
    for at, part in enumerate(_PLACE.split(template)):
        parts.append(re.escape(part) if at % 2 == 0 else f"(?P={part})" if part in seen else f"(?P<{part}>.+)")
        seen |= {part} if at % 2 else set()
    return re.compile("".join(parts), re.DOTALL)


def _value(value: object) -> object:
    if isinstance(value, list | tuple):
        return "; ".join(str(_value(each)) for each in value)
    if isinstance(value, str) and (isinstance(value, Said) or " " in value):
        return tell(value)  # a sentence; a single word may be a name that is typed
    return value
