"""
Text -> sentences and clauses.

Effects: none. A sentence is verbatim apart from white space; a clause is folded text without a contrast ("men", "but")
inside, so that what is denied in one half does not colour the other.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from dsar.triage.vocabulary import fold, loosen

#: A person who writes more than this about a request is read by a person.
LONGEST_TEXT = 30_000
_LONGEST_SENTENCE = 700

_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:t\.ex|bl\.a|t\.o\.m|fr\.o\.m|dvs|d\.v\.s|o\.s\.v|osv|m\.m|m\.fl|s\.k|ev|\w{0,12}nr|art|kap|st|tel|tlf|mob|cust"
    r"|kl|ca|resp|inkl|exkl|e\.g|i\.e|mr|mrs"
    r"|ms|dr|no|vs|etc|f\.d|org|bl\.a|pga|p\.g\.a|z\.b|bzw|abs|nr|gatan|v|[a-zåäö])\.$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”»)]*\s+")
#: In a text without capitals only a long word before the full stop tells it from an abbreviation.
_LONG_WORD = re.compile(r"[^\W\d]{4}$")
_BULLET = re.compile(r"\s*(?:[-*•·–]|\(?\d{1,2}[.)]|[a-z][.)])\s+")
_CONTRAST = re.compile(
    r"[,;.\s-]*(?<!\w)(?:men|utan|dock|daremot|emellertid|samtidigt som|however|but|instead|men i stallet"
    r"|aber|sondern|muta|mais|pero|sino|lecz|kuid|vaid|ولكن|لكن)(?!\w),?\s+|;\s+"
)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence of a mail."""

    text: str  #: Verbatim, with single spaces.
    clauses: tuple[str, ...]  #: Folded.
    heading: bool = False  #: The subject, or a line of its own without a verb: a noun there asks.

    @cached_property
    def folded(self) -> str:
        return " ".join(self.clauses)


def split(text: str) -> tuple[Sentence, ...]:
    """Sentences of *text*, at most LONGEST_TEXT characters of it."""
    found: list[Sentence] = []
    for paragraph in _paragraphs(text[:LONGEST_TEXT]):
        pieces = _pieces(paragraph)
        heading = len(pieces) == 1 and len(paragraph) < 80 and not paragraph.endswith((".", "?", "!"))
        found += [sentence(piece, heading=heading) for piece in pieces]
    return tuple(found)


def sentence(text: str, *, heading: bool = False) -> Sentence:
    """One *text* as a sentence."""
    return Sentence(text=text, clauses=clauses_of(text), heading=heading)


def clauses_of(text: str) -> tuple[str, ...]:
    """Folded clauses of one sentence."""
    return tuple(clause.strip() for clause in _CONTRAST.split(loosen(fold(text))) if clause and clause.strip())


def _paragraphs(text: str) -> list[str]:
    """Lines joined where a mail program wrapped them; a short line, a blank line or a bullet ends a paragraph."""
    paragraphs: list[list[str]] = [[]]
    previous = ""
    for line in text.split("\n"):
        stripped = " ".join(line.split())
        ends = not stripped or _BULLET.match(line) or len(previous) < 45 or previous.endswith(":")
        if ends and not (stripped and _goes_on(previous, stripped)):
            paragraphs.append([])
        if stripped:
            paragraphs[-1].append(stripped)
        previous = stripped
    return [" ".join(lines) for lines in paragraphs if lines]


def _goes_on(previous: str, line: str) -> bool:
    """A short line that ends in the middle of a sentence, before one that begins in lower case."""
    return bool(previous) and previous[-1] not in ".!?:,;" and line[0].islower() and not _BULLET.match(line)


def _pieces(paragraph: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(paragraph):
        following = paragraph[match.end() : match.end() + 1]
        if (
            following.islower()
            and not match[0].startswith(("!", "?"))
            and not _LONG_WORD.search(paragraph[max(start, match.start() - 4) : match.start()])
        ):
            continue
        if (
            _ABBREVIATION.search(paragraph[max(start, match.start() - 12) : match.start() + 1])
            and not following.isupper()
        ):
            continue
        pieces.append(paragraph[start : match.end()].strip())
        start = match.end()
    pieces.append(paragraph[start:].strip())
    return [part for piece in pieces if piece for part in _bounded(piece)]


def _bounded(piece: str) -> list[str]:
    return [piece[at : at + _LONGEST_SENTENCE] for at in range(0, len(piece), _LONGEST_SENTENCE)]
