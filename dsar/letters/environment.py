"""
A language and a folder of templates -> the Jinja2 environment that writes Markdown.

Effects: reads template files. The environment is sandboxed, a missing fact is an error, and every value is escaped for
Markdown on its way out (P10): there is no way for a template to forget it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import CodeType
from zoneinfo import ZoneInfo

from babel import Locale
from babel.lists import format_list
from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    nodes,
)
from jinja2.bccache import Bucket
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from dsar.identifiers import mask, normalise
from dsar.letters.words import WISHES, WORDS
from dsar.markdown import escape
from dsar.model import Identifier, IdentifierType, RecordValue, Right, Text

_STOCKHOLM = ZoneInfo("Europe/Stockholm")


class Markdown(str):
    """Text that is Markdown already and passes into the letter as it is."""

    __slots__ = ()


class _RecordingLoader(BaseLoader):
    """Passes on what another loader reads and remembers it for the letter's hash."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader
        self.sources: dict[str, str] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        found = self._loader.get_source(environment, template)
        self.sources[template] = found[0]
        return found

    def list_templates(self) -> list[str]:
        return self._loader.list_templates()


#: Kinds of values that are masked in a way of their own.
_RECOGNISED = (IdentifierType.EMAIL, IdentifierType.PERSONNUMMER, IdentifierType.PHONE)


class _Compiled(BytecodeCache):
    """What templates of one language were compiled to, by name and source: a changed source is compiled anew."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


@cache
def _compiled(language: str) -> _Compiled:  # noqa: ARG001  # what a template says outright is compiled in words of it
    return _Compiled()


class Templates:
    """The templates of one letter in one language; made anew for each letter, so that a change on disk is seen."""

    def __init__(self, language: str, folder: Path | None = None) -> None:
        own = PackageLoader("letter_templates", "")
        self._loader = _RecordingLoader(ChoiceLoader([FileSystemLoader(folder), own]) if folder else own)
        self._words = _Words(language)
        self._environment = SandboxedEnvironment(
            loader=self._loader,
            undefined=StrictUndefined,
            finalize=self._words.markdown,
            autoescape=False,  # that escapes for HTML; `finalize` escapes for Markdown
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            bytecode_cache=_compiled(language),
        )
        self._environment.filters |= self._words.filters()

    def fill(self, name: str, facts: dict[str, object]) -> str:
        """
        Template *name* filled in, as Markdown.

        Raises: jinja2.TemplateError.
        """
        return self._environment.get_template(name).render(facts)

    def compile(self, name: str) -> None:
        """
        Read template *name* without filling it in.

        Raises: jinja2.TemplateError.
        """
        self._environment.get_template(name)

    def tree(self, name: str) -> nodes.Template:
        """
        Template *name* as Jinja reads it.

        Raises: jinja2.TemplateError.
        """
        return self._environment.parse(self.source(name), name)

    def source(self, name: str) -> str:
        """
        Template *name* as it is written.

        Raises: jinja2.TemplateNotFound.
        """
        return self._loader.get_source(self._environment, name)[0]

    def all(self) -> list[str]:
        """Names of all templates of all languages, those of the folder included."""
        return self._environment.list_templates(filter_func=lambda name: name.endswith(".md.j2"))

    def say(self, value: object) -> str:
        """*value* in words of the language, not escaped."""
        return self._words.say(value)

    def sha256(self) -> str:
        """Hex digest over all sources that have been read so far."""
        digest = hashlib.sha256()
        for name, source in sorted(self._loader.sources.items()):
            digest.update(f"{name}\0{source}\0".encode())
        return digest.hexdigest()


class _Words:
    """How values of each type are said in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._locale = Locale(language)
        self._time_pattern = "d MMMM y 'kl.' HH:mm" if language == "sv" else "d MMMM y 'at' HH:mm"

    def filters(self) -> dict[str, Callable[..., object]]:
        return {
            "by_category": by_category,
            "capital": self.capital,
            "country": self.country,
            "lines": lambda value: Markdown(escape(self.say(value), keep_lines=True)),
            "listed": self.listed,
            "masked": masked,
            "paragraphs": paragraphs,
            "wishes": self.wishes,
            "word": self.word,
        }

    def markdown(self, value: object) -> Markdown:
        """What `{{ value }}` writes."""
        return value if isinstance(value, Markdown) else Markdown(escape(self.say(value)))

    def say(self, value: object) -> str:
        """
        *value* in words: texts in the language, dates as "25 december 2026", times with the Stockholm clock.

        Raises: UndefinedError for None, which a letter never says.
        """
        from babel.dates import format_date, format_datetime  # slow to load, and most commands write nothing

        match value:
            case None:
                raise UndefinedError("a value that it prints is missing")
            case Text():
                return value.in_language(self._language)
            case datetime():
                return format_datetime(value, self._time_pattern, tzinfo=_STOCKHOLM, locale=self._locale)
            case date():
                return format_date(value, "d MMMM y", locale=self._locale)
        return str(value)

    def listed(self, values: Iterable[object]) -> str:
        """ "a, b och c"."""
        return format_list([self.say(value) for value in values], locale=self._locale)

    def capital(self, value: object) -> str:
        """*value* with a capital first letter, for headings."""
        said = self.say(value)
        return said[:1].upper() + said[1:]

    def country(self, code: str) -> str:
        """Name of the country with an ISO 3166 *code*; any other text stays as it is."""
        return str(self._locale.territories.get(code, code))

    def word(self, name: str) -> str:
        text = WORDS.get(name)
        return text.in_language(self._language) if text else name

    def wishes(self, rights: Iterable[Right]) -> str:
        return self.listed(WISHES[right] for right in rights)


def said(value: object, language: str) -> str:
    """*value* in words of "sv" or "en", not escaped."""
    return _Words(language).say(value)


def masked(value: str) -> str:
    """*value* as a mail may say it, which others can read on its way (Art. 5(1)(f)): the person knows it again."""
    found = (normalise(kind, value) for kind in _RECOGNISED)
    return mask(next(filter(None, found), Identifier(type=IdentifierType.ADDRESS, value=value)))


def paragraphs(text: str) -> Markdown:
    """*text* by staff: its blank lines part paragraphs, everything else is escaped."""
    parts = (escape(part) for part in re.split(r"\r?\n\s*\n", text))
    return Markdown("\n\n".join(part for part in parts if part))


def by_category(values: Sequence[RecordValue]) -> list[RecordValue]:
    """*values* with those of one category side by side, categories in the order in which they first occur."""
    order = list(dict.fromkeys(value.category for value in values))
    return sorted(values, key=lambda value: order.index(value.category))
