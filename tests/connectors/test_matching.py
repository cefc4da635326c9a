"""Whether a stored text holds an identifier, and that narrowing a search down in a database never loses one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matching import as_text, holds, narrowing
from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType

T = IdentifierType


def held(type_: IdentifierType, text: str, stored: str, *, free_text: bool = False) -> bool:
    identifier = normalise(type_, text)
    assert identifier is not None
    return holds(identifier, [stored], free_text=free_text)


@pytest.mark.parametrize(
    ("type_", "text", "stored", "expected"),
    [
        (T.EMAIL, "asa@example.se", "Åsa <ASA@example.se>", True),
        (T.EMAIL, "asa@example.se", "per@example.se; asa@example.se", True),
        (T.EMAIL, "asa@example.se", "xasa@example.se", False),
        (T.PHONE, "0701740605", "0340-123 45, 070-174 06 05", True),
        (T.PHONE, "0701740605", "+45 70 17 40 60 05", False),
        (T.PERSONNUMMER, "19811228-9874", "811228-9874", True),  # stored without century
        (T.CUSTOMER_NO, "K20001", " k20001 ", True),
        (T.CUSTOMER_NO, "K2000", "K20001", False),
        (T.USERNAME, "asa", "asalind", False),
        (T.NAME, "Anna Öberg", "Öberg, Anna Maria", True),
        (T.NAME, "Anna Öberg", "Anna", False),
        (T.NAME, "Anna Öberg", "Anna Ögren", False),
        (T.ADDRESS, "Storgatan 2", "Storgatan 2, 302 43 Halmstad", True),
        (T.ADDRESS, "Storgatan 2", "Storgatan 22", False),
    ],
)
def test_values(type_: IdentifierType, text: str, stored: str, *, expected: bool) -> None:
    assert held(type_, text, stored) is expected


@pytest.mark.parametrize(
    ("type_", "text", "stored", "expected"),
    [
        (T.EMAIL, "asa@example.se", "Kollegan (asa@example.se) ringde.", True),
        (T.PHONE, "0701740605", "Nås på 070-174 06 05 efter lunch", True),
        (T.NAME, "Åsa Ek", "Talade med åsa ek om avtalet", True),
        (T.NAME, "Åsa Ek", "Talade med Åsa Ekström", False),
        (T.CUSTOMER_NO, "K20001", "Samma som K20001.", True),
    ],
)
def test_mentions_in_running_text(type_: IdentifierType, text: str, stored: str, *, expected: bool) -> None:
    assert held(type_, text, stored, free_text=True) is expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "1"), (198112189876.0, "198112189876"), (2.5, "2.5"), (b"\xc3\xa5", "å"), (7, "7")],
)
def test_stored_values_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


# ----------------------------------------------------------------------------------------------------- narrowing

_BETWEEN = st.text(alphabet=" -/.()\t\u00a0\u2011\u2013", max_size=2)


@st.composite
def spelled_phones(draw: st.DrawFn) -> tuple[Identifier, str]:
    """A mobile number and one of the many ways to write it."""
    rest = draw(st.from_regex(r"(70|72|73|76|79)[0-9]{7}", fullmatch=True))
    prefix = draw(st.sampled_from(["0", "+46", "0046", "+46 (0)"]))
    identifier = normalise(T.PHONE, f"0{rest}")
    assert identifier is not None
    return identifier, prefix + "".join(digit + draw(_BETWEEN) for digit in rest)


@st.composite
def stored_values(draw: st.DrawFn) -> tuple[Identifier, str]:
    """A text as it is stored, and the identifier that it is in normal form."""
    type_ = draw(st.sampled_from([T.EMAIL, T.CUSTOMER_NO, T.ORDER_NO, T.SERIAL, T.USERNAME, T.NATIONAL_ID]))
    shape = r"[A-Za-zåäö0-9._%+-]{1,12}@[a-zåäö0-9]{1,8}\.(se|com)" if type_ is T.EMAIL else r"[ A-ZÅa-z0-9_%/-]{1,12}"
    text = draw(st.from_regex(shape, fullmatch=True))
    return normalise(type_, text) or Identifier(type=T.CUSTOMER_NO, value="1"), text


@given(st.one_of(spelled_phones(), stored_values()))
def test_what_is_held_is_never_narrowed_away(case: tuple[Identifier, str]) -> None:
    identifier, stored = case
    if holds(identifier, [stored], free_text=False):
        at = 0
        lowered = stored.lower()
        for piece in narrowing(identifier):
            at = lowered.index(piece, at) + len(piece)  # ValueError: the database would have missed the row


@given(spelled_phones())
def test_ordinary_spellings_of_a_phone_are_held(case: tuple[Identifier, str]) -> None:
    identifier, _ = case
    digits = identifier.value.removeprefix("+46")
    for stored in (f"0{digits}", f"0{digits[:2]}-{digits[2:5]} {digits[5:7]} {digits[7:]}", f"+46 (0){digits}"):
        assert holds(identifier, [stored], free_text=False)


def test_a_wildcard_is_no_piece_of_its_own() -> None:
    hostile: Any = Identifier(type=T.USERNAME, value="%_%")

    assert narrowing(hostile) == ()


def test_a_name_without_a_word_is_mentioned_nowhere() -> None:
    nameless = Identifier(type=T.NAME, value="*")

    assert not holds(nameless, ["Ring Åsa * i morgon"], free_text=True)


@pytest.mark.parametrize(
    ("type_", "value"),
    [(T.PHONE, "+46701740605"), (T.USERNAME, "asa"), (T.NAME, "Åsa Ek"), (T.EMAIL, "asa@example.se")],
)
def test_several_values_stand_one_per_line(type_: T, value: str) -> None:
    stored = "08-123 45 67\nbo\nÅsa Lind\nbo@example.se\n070-174 06 05\nasa\nÅsa Ek\nasa@example.se"

    assert holds(Identifier(type=type_, value=value), [stored], free_text=False)


@pytest.mark.parametrize("name", ["Åsa Maria Lindqvist", "Lindqvist Åsa Maria"])
@pytest.mark.parametrize("text", ["Ring Lindqvist, Åsa Maria i morgon", "Åsa Maria Lindqvist, chef"])
def test_a_name_is_mentioned_with_either_of_its_ends_first(name: str, text: str) -> None:
    assert held(T.NAME, name, text, free_text=True)
