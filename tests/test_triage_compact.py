"""Lines of "key TAB value" answer as the dictionary does that they were written from."""

from hypothesis import given
from hypothesis import strategies as st

from dsar.triage.compact import CompactLines, written

_TEXTS = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]), max_size=8)


@given(values=st.dictionaries(_TEXTS, _TEXTS, max_size=40), others=st.lists(_TEXTS, max_size=10))
def test_every_key_has_its_value_and_no_other_key_has_one(values: dict[str, str], others: list[str]) -> None:
    lines = CompactLines(written(values))
    assert {key: lines.find(key) for key in (*values, *others)} == {key: values.get(key) for key in (*values, *others)}


def test_the_beginning_of_a_key_is_another_key() -> None:
    lines = CompactLines(written({"radera": "b90", "radera mig": "b120"}))
    assert (lines.find("radera"), lines.find("radera mi"), lines.find("radera mig")) == ("b90", None, "b120")


def test_the_same_values_are_written_alike_in_whatever_order_they_come() -> None:
    assert written({"b": "1", "": "0"}) == written({"": "0", "b": "1"}) == b"\t0\nb\t1\n"
