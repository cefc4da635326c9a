"""
LetterFacts -> Letter: Jinja2 -> Markdown -> plain text and HTML.

Effects: reads template files. Kinds of letters are `LetterKind`; the access answer itself (Art. 15) is one more
template, made by `compose_export` and rendered by dsar.pdf. Texts exist in Swedish and English; every other language
gets English.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jinja2 import TemplateError
from jinja2.exceptions import TemplateSyntaxError, UndefinedError

from dsar.errors import LetterError
from dsar.letters.annexes import export_csv, export_json, export_schema, portable_part
from dsar.letters.arranged import names
from dsar.letters.environment import Templates, paragraphs
from dsar.letters.mandatory import unsaid
from dsar.letters.others import open_words, outcome_words
from dsar.letters.parcels import parcel_markdown, part_of
from dsar.letters.rules import ACCESS_EXPORT, problems, rule_for
from dsar.markdown import COPY_BREAK, to_html, to_text, with_copy, words
from dsar.model import Annex, Letter, LetterFacts, LetterKind, Look, Text

__all__ = [
    "ACCESS_EXPORT",
    "check_templates",
    "compose",
    "compose_export",
    "export_csv",
    "export_json",
    "export_schema",
    "letter_language",
    "markdown_of",
    "open_words",
    "outcome_words",
    "parcel_markdown",
    "part_of",
    "portable_part",
    "problems",
]

_Result = TypeVar("_Result")

_SUBJECT = Text(sv="Ärende", en="Case")
_OWN_LANGUAGES = frozenset({"sv", "en"})
#: Above a letter to somebody who writes in another language: someone near them may read the one or the other.
_COPY_FOLLOWS = "The same letter follows in Swedish."


def letter_language(language: str) -> str:
    """The language in which a letter to somebody who writes *language* goes out: "sv" or "en"."""
    return "sv" if language == "sv" else "en"


def compose(
    kind: LetterKind,
    language: str,
    facts: LetterFacts,
    *,
    annexes: tuple[Annex, ...] = (),
    templates: Path | None = None,
    look: Look | None = None,
) -> Letter:
    """
    The letter of *kind*, ready to be shown; in English with a Swedish copy below for every language but our two.

    Args: annexes: files that go with it, named in the letter; templates: folder whose `<language>/<kind>.md.j2` and
    blocks go before the package's own; look: colours of the mail.
    Raises: LetterError if a fact is missing, the law forbids to say it, or a template dropped what the law demands.
    """
    wants_copy = language not in _OWN_LANGUAGES
    language = letter_language(language)
    markdown, sha256 = _write(kind, language, facts, annexes, templates)
    # P9: a subject travels and is stored in the clear, so it holds the reference and nothing else.
    subject = f"{_SUBJECT.in_language(language)} {facts.case_reference}"
    text, html = to_text(markdown), to_html(markdown, language=language, title=subject, look=look)
    if wants_copy:
        copy, _ = _write(kind, "sv", facts, annexes, templates)
        text = f"{_COPY_FOLLOWS}\n\n{text}\n{'-' * 40}\n\n{to_text(copy)}"
        html = with_copy(html, to_html(copy, language="sv", title=subject), language="sv", notice=_COPY_FOLLOWS)
        markdown = f"{markdown}\n{_COPY_FOLLOWS}\n\n{COPY_BREAK}\n\n{copy}"
    return Letter(
        kind=kind,
        language=language,
        subject=subject,
        text=text,
        html=html,
        markdown=markdown,
        annexes=annexes,
        template_sha256=sha256,
    )


def markdown_of(
    kind: LetterKind,
    language: str,
    facts: LetterFacts,
    *,
    annexes: tuple[Annex, ...] = (),
    templates: Path | None = None,
) -> str:
    """The same letter as Markdown, for a preview or a printed PDF. Raises: LetterError, as `compose`."""
    return _write(kind, letter_language(language), facts, annexes, templates)[0]


def compose_export(language: str, facts: LetterFacts, *, templates: Path | None = None) -> str:
    """
    The Art. 15 answer as Markdown: confirmation, copy of the data, information, rights.

    Raises: LetterError that lists everything that is missing: an unknown fact of an activity, a third country without
    transfer basis, an unexplained code.
    """
    return _write(ACCESS_EXPORT, letter_language(language), facts, (), templates)[0]


def check_templates(folder: Path | None) -> None:
    """
    Compile every template, those of *folder* included, for `dsar check`.

    Raises: LetterError naming file and line; also for a file of *folder* that no letter would ever use.
    """
    shipped = set(Templates("en").all())
    sources = Templates("en", folder)
    for name in sources.all():
        if name not in shipped and not name.rpartition("/")[2].startswith("_"):
            raise LetterError(name, "no letter has this name")
        _translated(name, lambda name=name: sources.compile(name))  # type: ignore[misc]


def _write(
    name: str, language: str, facts: LetterFacts, annexes: tuple[Annex, ...], folder: Path | None
) -> tuple[str, str]:
    """Markdown of template *name* and the hash of its sources."""
    template = f"{language}/{name}.md.j2"
    if found := problems(name, facts):
        raise LetterError(template, "; ".join(dict.fromkeys(found)))
    context = names(facts) | {"annexes": [annex.filename for annex in annexes]}
    sources = Templates(language, folder)
    markdown = _fill(sources, template, context)
    _require_what_the_law_demands(template, markdown, name, language, facts)
    return markdown, sources.sha256()


def _fill(sources: Templates, template: str, context: dict[str, object]) -> str:
    filled = _translated(template, lambda: sources.fill(template, context))
    return re.sub(r"\n{3,}", "\n\n", filled).strip() + "\n"


def _translated(template: str, action: Callable[[], _Result]) -> _Result:
    """What *action* returns; errors of the template language become a LetterError without personal data."""
    try:
        return action()
    except UndefinedError as error:
        missing = re.fullmatch(r"'(\w+)' is undefined", error.message or "")
        raise LetterError(template, f"fact '{missing[1]}' is missing" if missing else str(error.message)) from None
    except TemplateSyntaxError as error:
        raise LetterError(template, f"line {error.lineno} of {error.name}: {error.message}") from None
    except (TemplateError, TypeError, ValueError) as error:
        raise LetterError(template, f"it cannot be filled in ({type(error).__name__})") from None


def _require_what_the_law_demands(template: str, markdown: str, name: str, language: str, facts: LetterFacts) -> None:
    """Compares words, so that a changed layout passes and a dropped or reworded block does not."""
    shown = words(markdown)
    rule = rule_for(name, facts)
    own = Templates(language)
    context = names(facts)
    for block in rule.blocks:
        if words(_fill(own, f"{language}/_{block}.md.j2", context)) not in shown:
            raise LetterError(template, f"the block '{block}' must not be changed or left out")
    if name == ACCESS_EXPORT and (left := unsaid(facts, shown, own.say)):
        raise LetterError(template, f"it must say {', '.join(left)}")
    for fact in rule.facts:
        value = getattr(facts, fact)
        said = paragraphs(value) if isinstance(value, str) else own.say(value)
        if words(said) not in shown:
            raise LetterError(template, f"it must say the fact '{fact}'")
