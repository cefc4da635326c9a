"""
Lines of "key TAB value" -> a look-up that keeps them as they are.

Effects: none. A dictionary of a hundred thousand short texts takes ten times the memory of the file that it was read
from: each key and each value is an object of its own. Here the file stays one piece, and beside it stand only the
places of its lines, by a hash of their keys.
"""

from array import array
from collections.abc import Mapping
from io import BytesIO

_TAB = b"\t"


class CompactLines:
    """Keys and values that hold neither tabs nor line ends; looking one up takes a few times as long as in a dict."""

    def __init__(self, content: bytes) -> None:
        """Take *content* as `written` makes it: UTF-8, each key once."""
        self._content = content
        self._mask = (1 << (2 * content.count(b"\n")).bit_length()) - 1  # half of the slots are free at least
        self._slots = array("I", bytes(4 * (self._mask + 1)))  # place of a line, counted from 1; 0 is free
        place = 1
        for line in BytesIO(content):
            slot = hash(line[: line.index(_TAB) + 1]) & self._mask
            while self._slots[slot]:
                slot = (slot + 1) & self._mask
            self._slots[slot] = place
            place += len(line)

    def find(self, key: str) -> str | None:
        """The value of *key*; None if there is none."""
        wanted = key.encode() + _TAB
        slot = hash(wanted) & self._mask
        while place := self._slots[slot]:
            if self._content.startswith(wanted, place - 1):
                start = place - 1 + len(wanted)
                return self._content[start : self._content.index(b"\n", start)].decode()
            slot = (slot + 1) & self._mask
        return None


def written(values: Mapping[str, str]) -> bytes:
    """A line for each of *values*, in the order of their keys, so that a diff shows a change."""
    return "".join(f"{key}\t{values[key]}\n" for key in sorted(values)).encode()
