"""
tests/mails/annotated/*.txt -> labelled mails of which each sentence is labelled, too.

Effects: reads those files. Their form stands in tests/mails/README.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

from dsar.mime import read_mail
from dsar.model import InboundMail

FOLDER = Path(__file__).parent / "mails" / "annotated"
#: First letters of a line -> what the sentence is: a right, or what tells the rest apart; n is none of them.
LETTERS = {
    "a": "access", "p": "portable", "e": "erase", "u": "update", "o": "object", "r": "restrict", "f": "follow_up",
    "q": "question", "x": "noise",
}  # fmt: skip
#: What else is right of a mail whose headers are not written down.
_ALSO = {"bounce": ("not_request",), "auto_reply": ("not_request",), "authority": ("unclear", "not_request")}
_BEGINS = "=== "
_SUBJECT = "S"
#: Who sends them; a colleague forwards from our own domain.
_SENDER, _COLLEAGUE = "{}@mail.example.org", "{}@xelent.se"


class MalformedMailError(ValueError):
    """An annotated mail whose head and lines do not fit each other."""


@dataclass(frozen=True)
class AnnotatedMail:
    """One mail, whose lines are sentences with their classes."""

    name: str
    language: str
    disposition: str
    requester: str
    rights: tuple[str, ...]  #: With "portable".
    subject: str
    of_subject: frozenset[str]  #: Its classes, where it asks for something itself.
    lines: tuple[tuple[frozenset[str], str], ...]

    @property
    def label(self) -> dict[str, Any]:
        """What tests/mail_report.py compares: disposition and rights; of the rest nothing is labelled."""
        return {
            "disposition": [self.disposition, *_ALSO.get(self.disposition, ())],
            "language": self.language,
            "requester": self.requester,
            "requests": [
                {"type": right, "portability": right == "access" and "portable" in self.rights}
                for right in self.rights
                if right != "portable"
            ],
            "why": self.subject,
        }

    @cached_property
    def mail(self) -> InboundMail:
        """The mail as it would be read."""
        written = EmailMessage()
        local = f"writer{abs(sum(map(ord, self.name)))}"
        written["From"] = (_COLLEAGUE if self.requester == "colleague_forward" else _SENDER).format(local)
        written["To"] = "gdpr@xelent.se"
        written["Subject"] = self.subject
        written.set_content("\n".join(text for _, text in self.lines) + "\n")
        return read_mail(written.as_bytes())


def read_annotated(folder: Path = FOLDER) -> dict[str, AnnotatedMail]:
    """Name ("sv_1:17") -> mail, of every file."""
    found = {}
    for path in sorted(folder.glob("*.txt")):
        for number, block in enumerate(_blocks(path), start=1):
            mail = _mail(f"{path.stem}:{number}", block)
            found[mail.name] = mail
    return found


def _blocks(path: Path) -> Iterator[list[str]]:
    block: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(_BEGINS) and block:
            yield block
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield block


def _mail(name: str, block: Sequence[str]) -> AnnotatedMail:
    head, subject, *rest = block
    words = head.removeprefix(_BEGINS).split()
    if not head.startswith(_BEGINS) or not subject.startswith(_SUBJECT) or len(words) not in (3, 4):
        raise MalformedMailError(name)
    rights = tuple(words[3].split(",")) if len(words) == 4 else ()
    letters, _, title = subject.removeprefix(_SUBJECT).partition(" ")
    of_subject = _classes(name, letters)
    lines = tuple(_line(name, line) for line in rest)
    exercised = of_subject.union(*(classes for classes, _ in lines))
    if exercised - {"follow_up", "question", "noise"} != {*rights}:
        raise MalformedMailError(f"{name}: its lines exercise {sorted(exercised)}")
    return AnnotatedMail(name, words[0], words[1], words[2], rights, title, of_subject, lines)


def _line(name: str, line: str) -> tuple[frozenset[str], str]:
    letters, _, text = line.partition(" ")
    if not text or not letters:
        raise MalformedMailError(f"{name}: {line}")
    return _classes(name, letters), text


def _classes(name: str, letters: str) -> frozenset[str]:
    if not set(letters) <= {*LETTERS, "n"}:
        raise MalformedMailError(f"{name}: {letters}")
    return frozenset(LETTERS[letter] for letter in letters if letter != "n")
