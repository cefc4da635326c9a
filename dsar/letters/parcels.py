"""
A letter that is too big for one mail -> the words of each part.

Effects: reads the template. Each part carries the whole letter, with a line above it that says which part it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from dsar.letters.environment import Templates
from dsar.model import Annex, Letter, Text

_SUBJECT = Text(sv="{subject} (del {number} av {count})", en="{subject} (part {number} of {count})")
_LINE = Text(
    sv="Del {number} av {count}. Svaret är för stort för ett enda mejl. Med den här delen följer {files}.",
    en="Part {number} of {count}. The answer is too big for a single e-mail. This part brings {files}.",
)


def part_of(letter: Letter, annexes: Sequence[Annex], *, number: int, count: int) -> Letter:
    """*letter* as its part *number* of *count*, with the *annexes* that travel with it; as it is if alone."""
    if count == 1:
        return replace(letter, annexes=tuple(annexes))
    files = ", ".join(annex.filename for annex in annexes)
    told = {"subject": letter.subject, "number": number, "count": count, "files": files}
    line = _LINE.in_language(letter.language).format(**told)
    return replace(
        letter,
        subject=_SUBJECT.in_language(letter.language).format(**told),
        text=f"{line}\n\n{letter.text}",
        html=letter.html.replace("<main>\n", f"<main>\n<p><strong>{escape(line)}</strong></p>\n", 1),
        annexes=tuple(annexes),
    )


def parcel_markdown(language: str, case_reference: str, *, number: int, count: int, files: Sequence[str]) -> str:
    """What the document says that carries further *files*, in "sv" or "en"."""
    context = {"case_reference": case_reference, "number": number, "count": count, "files": files}
    return Templates(language).fill(f"{language}/_parcel.md.j2", context)
