"""Phrases are found in folded text; looking up words first changes nothing about what is found."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dsar.resemblance import HOMOGLYPHS, UNDECOMPOSED
from dsar.triage import vocabulary
from dsar.triage.vocabulary import HOME, concept, fold, says

CONCEPTS = sorted(vocabulary._folded_phrases(HOME))
#: Words of the phrases, in any order, whole, prolonged and cut, between marks.
WORDS = sorted(
    {word for phrases in vocabulary._folded_phrases(HOME).values() for each in phrases for word in each.split()}
)


ALIKE: dict[int, str] = {
    ord(one): other for one, other in {**HOMOGLYPHS, **UNDECOMPOSED, "’": "'", "‘": "'", "´": "'"}.items()
}


@given(st.text())
def test_folding_letter_by_letter_is_folding_the_text(text: str) -> None:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))

    assert fold(text) == letters.translate(ALIKE)


@st.composite
def sayings(draw: st.DrawFn) -> str:
    phrase = draw(st.sampled_from(sorted(vocabulary._folded_phrases(HOME)[draw(st.sampled_from(CONCEPTS))])))
    around = st.lists(st.sampled_from(WORDS).map(lambda word: word.strip("*")), max_size=3).map(" ".join)
    ending = draw(st.sampled_from(["", "n", "or"]))
    return f"{draw(around)} {phrase.replace('*', ending).replace('..', draw(around))} {draw(around)}"


@given(sayings(), st.sampled_from(CONCEPTS))
def test_a_concept_is_found_wherever_its_pattern_is(text: str, name: str) -> None:
    pattern: re.Pattern[str] = concept(name)._pattern

    assert [found.span() for found in concept(name).finditer(text)] == [each.span() for each in pattern.finditer(text)]
    assert (concept(name).search(text) is None) == (pattern.search(text) is None)
    assert (concept(name).fullmatch(text) is None) == (pattern.fullmatch(text) is None)


def test_no_word_of_a_phrase_is_longer_than_is_looked_up() -> None:
    assert max(map(len, WORDS)) < vocabulary._LONGEST_WORD


def test_an_asterisk_is_any_ending() -> None:
    assert says("erase_verb", fold("Gallrar ni?"))
    assert not says("erase_verb", fold("Ogallrat"))


def test_an_asterisk_inside_a_word_is_any_middle() -> None:
    vocabulary.add({"erase_verb": ["bort*flyttning"]})
    try:
        assert says("erase_verb", fold("Bortomflyttning, tack."))
    finally:
        vocabulary.add({})


def test_dots_are_a_few_words() -> None:
    assert says("erase_verb", fold("Ta genast och utan dröjsmål bort mig"))
    assert not says("erase_verb", fold("Ta nu en gång för alla och äntligen bort mig"))
