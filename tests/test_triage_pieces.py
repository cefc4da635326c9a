"""Words are put together from pieces in the likeliest way."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.triage.pieces import UNKNOWN, Pieces

#: Numbers 0 to 3 stand for no text.
_LISTED = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
_MARK = "\u2581"
_LETTERS = [(letter, -9.0) for letter in (_MARK, *"abder")]


def pieces(**more: float) -> Pieces:
    """Every letter of "abder", and *more* with their log-probabilities; a leading _ begins a word."""
    return Pieces([*_LISTED, *_LETTERS, *((each.replace("_", _MARK), score) for each, score in more.items())])


def spelled(known: Pieces, listed: list[str], text: str) -> list[str]:
    return [([*(piece for piece, _ in (*_LISTED, *_LETTERS)), *listed])[number] for number in known.numbers(text)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"_rad": -5.0, "era": -5.0}, ["_rad", "era"]),
        ({"_rad": -5.0, "era": -5.0, "_radera": -20.0}, ["_rad", "era"]),
        ({"_rad": -5.0, "era": -5.0, "_radera": -7.0}, ["_radera"]),
    ],
    ids=["the only long ones", "two that are likelier than one", "one that is likelier than two"],
)
def test_the_likeliest_pieces_are_taken(more: dict[str, float], expected: list[str]) -> None:
    assert spelled(pieces(**more), [*more], "radera") == expected


def test_letters_that_no_piece_has_are_one_unknown_piece() -> None:
    assert pieces(_ra=-1.0).numbers("raxyz") == [10, UNKNOWN]


def test_a_letter_is_the_same_however_it_is_encoded() -> None:
    known = Pieces([*_LISTED, (f"{_MARK}\u00e5r", -1.0)])
    assert known.numbers("a\u030ar") == known.numbers("\u00e5r") == [4]


def test_an_endless_word_is_not_read_to_its_end() -> None:
    assert len(pieces().numbers("a" * 1_000_000)) < 100


@given(st.text("abder ", max_size=80))
def test_the_pieces_of_a_text_are_its_words(text: str) -> None:
    more = {"_ab": -3.0, "rad": -4.0, "era": -4.0, "_": -2.0, "bad": -5.0}
    together = "".join(spelled(pieces(**more), [each.replace("_", _MARK) for each in more], text))
    words = [word[:60] for word in unicodedata.normalize("NFKC", text).split()]
    assert together == "".join(_MARK + word for word in words)
