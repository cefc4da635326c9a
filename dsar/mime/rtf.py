"""
RTF -> the text that a person would see.

Effects: none. One pass over tokens, hence linear. Source: Microsoft's "Rich Text Format Specification" 1.9.1.
"""

import re
from typing import NamedTuple

from dsar.mime.words import decode_text

_TOKEN = re.compile(
    rb"\\(?P<word>[a-z]{1,32})(?P<number>-?\d{1,9})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-z])"
    rb"|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
#: Groups that hold no text of the document; so does every group that begins with \*.
_APART = frozenset(
    {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"headerl", b"headerr", b"headerf"}
    | {b"footer", b"footerl", b"footerr", b"footerf", b"listtable", b"revtbl", b"themedata", b"xe", b"tc", b"fldinst"}
)
_BREAKS = {b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"cell": "\t"}
_SIGNS = {b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”"}
_SIGNS |= {b"bullet": "•"}
#: Struck through, deleted by revision, hidden.
_UNSEEN = frozenset({b"strike", b"striked", b"deleted", b"v"})
_DEEPEST = 1000


class _Group(NamedTuple):
    apart: bool = False
    unseen: frozenset[bytes] = frozenset()
    after_unicode: int = 1  #: Bytes that stand for a preceding \uN in readers without Unicode.


def rtf_text(content: bytes) -> str:
    """The visible text of an RTF document; what is broken in it is read as far as it goes."""
    reader = _Reader()
    at = 0
    while match := _TOKEN.match(content, at):
        at = match.end() + reader.take(match)
    return reader.text()


class _Reader:
    def __init__(self) -> None:
        self._groups = [_Group()]
        self._pieces: list[str] = []
        self._bytes = bytearray()
        self._codepage = "cp1252"
        self._skip = 0

    def text(self) -> str:
        self._end_bytes()
        return "".join(self._pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def take(self, match: re.Match[bytes]) -> int:
        """Add one token; how many of the following bytes are binary data."""
        if match["brace"] == b"{":
            if len(self._groups) < _DEEPEST:
                self._groups.append(self._groups[-1])
        elif match["brace"]:
            if len(self._groups) > 1:
                self._groups.pop()
        elif match["word"]:
            return self._word(match["word"], match["number"])
        elif match["hex"]:
            self._byte(bytes.fromhex(match["hex"].decode()))
        elif match["symbol"]:
            self._symbol(match["symbol"])
        elif match["text"]:
            self._byte(match["text"])
        return 0

    def _word(self, word: bytes, number: bytes | None) -> int:
        group = self._groups[-1]
        if word in _APART:
            self._groups[-1] = group._replace(apart=True)
        elif word in _UNSEEN:
            on = group.unseen - {word} if number == b"0" else group.unseen | {word}
            self._groups[-1] = group._replace(unseen=on)
        elif word == b"plain":
            self._groups[-1] = group._replace(unseen=frozenset())
        elif word in _BREAKS or word in _SIGNS:
            self._add(_BREAKS.get(word) or _SIGNS[word])
        elif number is None:
            return 0
        elif word == b"u":
            self._add(chr(int(number) % 0x10000))
            self._skip = group.after_unicode
        elif word == b"uc":
            self._groups[-1] = group._replace(after_unicode=max(0, min(int(number), 9)))
        elif word == b"ansicpg":
            self._codepage = f"cp{int(number)}"
        elif word == b"bin":
            return max(0, int(number))
        return 0

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._groups[-1] = self._groups[-1]._replace(apart=True)
        elif symbol in (b"\n", b"\r"):
            self._add("\n")
        elif symbol == b"~":
            self._add(" ")
        elif symbol in b"\\{}":
            self._byte(symbol)

    def _byte(self, data: bytes) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        if self._shown():
            self._bytes += data[skipped:]

    def _add(self, text: str) -> None:
        self._skip = 0
        if self._shown():
            self._end_bytes()
            self._pieces.append(text)

    def _shown(self) -> bool:
        return not (self._groups[-1].apart or self._groups[-1].unseen)

    def _end_bytes(self) -> None:
        if self._bytes:
            self._pieces.append(decode_text(bytes(self._bytes), self._codepage)[0])
            self._bytes.clear()
