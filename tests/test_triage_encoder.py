"""The fourth opinion: of a network that has read much before it saw our mails."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dsar.triage.encoder import BLOCK, KINDS, OF_SENTENCE, RIGHTS, Hearing, heard_in, packed, unpacked

#: Sentences of a mail, and what the network that these weights were made of heard in it where it was trained (torch).
AS_TRAINED = json.loads((Path(__file__).parent / "mails" / "heard_by_encoder.json").read_text(encoding="utf-8"))
_MATRICES = arrays(np.float32, (3, 2 * BLOCK), elements=st.floats(-4, 4, width=32))


def likeliest(heard: Hearing) -> str:
    return max(heard.rights, key=heard.rights.__getitem__)


@pytest.mark.parametrize("mail", AS_TRAINED, ids=lambda mail: str(mail["sentences"][0]))
def test_it_hears_what_the_network_heard_that_was_trained(mail: dict[str, list[float]]) -> None:
    heard = heard_in([str(each) for each in mail["sentences"]])
    assert [*heard.rights.values()] == pytest.approx(mail["rights"], abs=0.01)
    assert [*heard.sentences[-1]] == pytest.approx(mail["last"], abs=0.01)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Gör er av med varenda rad ni har om mig.", "erase"),
        ("Vad står det egentligen i era papper om undertecknad?", "access"),
        ("My surname is Berg since the wedding, your files still say Lund.", "update"),
        ("Spar meg for flere tilbud på telefonen.", "object"),
        ("Tietoni on poistettava kokonaan.", "erase"),
        ("Ich möchte wissen, was Sie über mich gespeichert haben.", "access"),
    ],
)
def test_a_wish_is_heard_in_words_of_many_languages(text: str, right: str) -> None:
    heard = heard_in(["Hej", text])
    assert likeliest(heard) == right
    assert heard.rights[right] > 0


@pytest.mark.parametrize("text", ["Skrivaren på plan 2 raderar inte sina skanningar.", "Fakturan för maj är betald."])
def test_no_wish_is_heard_in_business(text: str) -> None:
    assert max(heard_in(["Hej", text]).rights.values()) < 0


def test_it_tells_in_which_sentence_a_wish_stands() -> None:
    heard = heard_in(["Hej", "Tack för kaffet i tisdags.", "Ta bort allt ni har sparat om mig.", "Hälsningar Eva"])
    of_erasure = [odds[OF_SENTENCE.index("erase")] for odds in heard.sentences]
    assert of_erasure.index(max(of_erasure)) == 2


def test_it_has_an_answer_to_nothing() -> None:
    heard = heard_in([])
    assert (tuple(heard.rights), tuple(heard.kinds)) == (RIGHTS, KINDS)
    assert np.isfinite([*heard.rights.values(), *heard.kinds.values()]).all()


def test_of_an_endless_mail_it_reads_the_beginning() -> None:
    many = ["Hej", *(["Kaffemaskinen läcker igen."] * 5000)]
    assert heard_in(many) == heard_in(many[:100])


@given(_MATRICES, st.sampled_from([4, 8]))
def test_a_packed_weight_is_as_near_as_its_bits_come(
    matrix: np.ndarray[tuple[int, int], np.dtype[np.float32]], bits: int
) -> None:
    widest = np.abs(matrix.reshape(3, 2, BLOCK)).max(axis=2).repeat(BLOCK, axis=1)
    step = widest / 2 ** (bits - 1)
    off = np.abs(unpacked(*packed(matrix, bits)) - matrix)
    assert (off <= step * 1.01 + 1e-6).all()  # what is farthest from nought on the other side of it is cut off
    assert (off <= step * 0.51 + 1e-6)[np.abs(matrix) <= widest - step].all()


@given(_MATRICES, st.sampled_from([4, 8]))
def test_packing_again_changes_nothing(matrix: np.ndarray[tuple[int, int], np.dtype[np.float32]], bits: int) -> None:
    once = unpacked(*packed(matrix, bits))
    assert np.allclose(unpacked(*packed(once, bits)), once, atol=1e-3)
