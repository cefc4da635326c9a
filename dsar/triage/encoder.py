"""
Sentences of a mail -> a fourth opinion: of a small transformer that has read much before it saw our mails.

Effects: reads the package's own weights, once. The other opinions know the words of our labelled mails; this one knows
what words mean, from the text of a hundred languages that multilingual-e5-small has read (Wang et al. 2024,
https://arxiv.org/abs/2402.05672), and was then trained on our mails by tests/train_encoder.py. It takes some forty
milliseconds a mail, all of it on this machine. It never decides: rereading.py weighs it.

Who imports this loads numpy: only with the first mail that is read again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsar.triage.pieces import BEGIN, END, LONGEST, Pieces

#: What it hears of a mail and of each sentence, in the order of the weights.
RIGHTS = ("access", "portable", "erase", "update", "object", "restrict")
KINDS = ("request", "follow_up", "question", "noise", "other")
OF_SENTENCE = (*RIGHTS, "follow_up", "question", "noise")
#: Sentences of a mail and pieces of a sentence that are looked at; pieces of a window, and windows.
_SENTENCES, _OF_SENTENCE, _OF_WINDOW, _WINDOWS = 60, 120, 256, 4
_HEADS, _EPSILON = 12, 1e-12
#: A matrix is kept in rows of blocks of so many weights, each weight in four bits or eight, each block with its size.
BLOCK = 32
_HALF_A_BYTE = 4
#: Log-odds of everything in a sentence without words.
_NOTHING = -30.0

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Hearing:
    """What the encoder hears in a mail."""

    rights: Mapping[str, float]  #: Log-odds of each of RIGHTS, of the mail as a whole.
    kinds: Mapping[str, float]  #: Log-odds of each of KINDS.
    #: Log-odds of each of OF_SENTENCE for each sentence, the subject first.
    sentences: Sequence[Sequence[float]]
    whole: bool  #: All was read; of a very long mail or sentence the end is not.

    def most(self, name: str) -> float:
        """Log-odds of *name* in the sentence that says it most."""
        at = OF_SENTENCE.index(name)
        return max((odds[at] for odds in self.sentences), default=_NOTHING)

    @property
    def any_right(self) -> float:
        """Log-odds of the right that is heard most, in the sentence that says it most."""
        return max(map(self.most, RIGHTS))


class Window(NamedTuple):
    """As much of a mail as is read at once."""

    numbers: list[int]  #: Of its pieces.
    places: list[int]  #: The sentence of each, counted in the window; -1 where it is of none.
    sentences: int
    cut: bool  #: The end of a sentence is left out.


class Encoder:
    """The network."""

    def __init__(self, stored: Mapping[str, NDArray[np.generic]], pieces: Pieces) -> None:
        """Take weights by the names that tests/train_encoder.py gives them: NAME, and NAME.sizes of what is packed."""
        self._pieces = pieces
        self._words, self._sizes = stored["words"], stored["words.sizes"]
        self.weights: Mapping[str, Numbers] = {
            name: unpacked(each, stored[f"{name}.sizes"]) if f"{name}.sizes" in stored else each.astype(np.float32)
            for name, each in stored.items()
            if not name.startswith("words") and not name.endswith(".sizes")
        }
        self._layers = sum(name.endswith(".attended") for name in self.weights)

    def hear(self, sentences: Sequence[str]) -> Hearing:
        """
        What is heard in a mail.

        A long one is read in windows: each right counts as it is heard most, and the kind of the window that is most of
        all a request. Args: sentences: the subject first.
        """
        windows = windows_of(self._pieces, sentences)
        parts = [self._hear(window) for window in windows]
        rights = {name: max(each.rights[name] for each in parts) for name in RIGHTS}
        asking = max(parts, key=lambda each: each.kinds["request"])
        heard = [odds for each in parts for odds in each.sentences]
        whole = len(heard) == len(sentences) and all(each.whole for each in parts)
        return Hearing(rights, asking.kinds, heard, whole)

    def hear_alone(self, sentences: Sequence[str]) -> list[float]:
        """Log-odds of the right heard most in each sentence by itself, as far as a mail of them is read."""
        read = sum(window.sentences for window in windows_of(self._pieces, sentences))
        return [self.hear(["", text]).any_right for text in sentences[:read]]

    def _hear(self, window: Window) -> Hearing:
        vectors = self._understood(window.numbers)
        heard = self._of_sentences(vectors, window)
        strongest = np.logaddexp.reduce(2 * heard, axis=0, initial=2 * _NOTHING) / 2
        attention = _softmax(self._linear("attention", vectors)[:, 0])
        pooled = np.concatenate([attention @ vectors, vectors.mean(axis=0), strongest])
        told = self._linear("mail", _gelu(self._linear("pooled", pooled)))
        rights, kinds = told[: len(RIGHTS)] + strongest[: len(RIGHTS)], _softmax(told[len(RIGHTS) :])
        return Hearing(
            dict(zip(RIGHTS, rights.tolist(), strict=True)),
            dict(zip(KINDS, (np.log(kinds) - np.log1p(-np.minimum(kinds, 1 - 1e-6))).tolist(), strict=True)),
            heard.tolist(),
            not window.cut,
        )

    def _understood(self, numbers: Sequence[int]) -> Numbers:
        """A vector of each piece, from all that stands around it (Vaswani et al. 2017; as BERT does it)."""
        vectors = unpacked(self._words[numbers], self._sizes[numbers]) + self.weights["places"][: len(numbers)]
        vectors = self._normed("begin", vectors)
        for layer in range(self._layers):
            vectors = self._normed(f"{layer}.first", vectors + self._attended(layer, vectors))
            inner = _gelu(self._linear(f"{layer}.inner", vectors))
            vectors = self._normed(f"{layer}.second", vectors + self._linear(f"{layer}.outer", inner))
        return vectors

    def _attended(self, layer: int, vectors: Numbers) -> Numbers:
        """What each piece takes from the others."""
        count, width = vectors.shape
        asked, keys, values = (
            part.reshape(count, _HEADS, width // _HEADS).transpose(1, 0, 2)
            for part in np.split(self._linear(f"{layer}.asked", vectors), 3, axis=1)
        )
        weights = _softmax(asked @ keys.transpose(0, 2, 1) / np.float32(np.sqrt(width // _HEADS)))
        return self._linear(f"{layer}.attended", (weights @ values).transpose(1, 0, 2).reshape(count, width))

    def _of_sentences(self, vectors: Numbers, window: Window) -> Numbers:
        """Log-odds of each of OF_SENTENCE for each sentence, from the mean of its vectors."""
        heard = np.full((window.sentences, len(OF_SENTENCE)), _NOTHING, np.float32)
        places = np.array(window.places)
        for place in {*window.places} - {-1}:
            heard[place] = self._linear("sentence", vectors[places == place].mean(axis=0))
        return heard

    def _linear(self, name: str, vectors: Numbers) -> Numbers:
        found: Numbers = vectors @ self.weights[name].T + self.weights[f"{name}.bias"]
        return found

    def _normed(self, name: str, vectors: Numbers) -> Numbers:
        apart = vectors - vectors.mean(axis=1, keepdims=True)
        spread = np.sqrt((apart * apart).mean(axis=1, keepdims=True) + np.float32(_EPSILON))
        found: Numbers = apart / spread * self.weights[f"{name}.norm"] + self.weights[f"{name}.bias"]
        return found


def windows_of(pieces: Pieces, sentences: Sequence[str]) -> list[Window]:
    """The windows in which a mail is read, each of which ends between two sentences."""
    windows: list[Window] = []
    numbers, places, count, cut = [BEGIN], [-1], 0, False
    for text in sentences[:_SENTENCES]:
        found = pieces.numbers(text)
        cut_here = len(found) > _OF_SENTENCE or len(text) > LONGEST
        found = found[:_OF_SENTENCE]
        if len(numbers) + len(found) >= _OF_WINDOW:
            windows.append(Window(numbers, places, count, cut))
            numbers, places, count, cut = [BEGIN], [-1], 0, False
        numbers += [*found, END]
        places += [*([count] * len(found)), -1]
        count, cut = count + 1, cut or cut_here
    return [*windows, Window(numbers, places, count, cut)][:_WINDOWS]


def _softmax(numbers: Numbers) -> Numbers:
    powers: Numbers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    shares: Numbers = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _gelu(numbers: Numbers) -> Numbers:
    """Gaussian error linear unit, by its usual approximation (Hendrycks and Gimpel 2016)."""
    bent = np.tanh(np.float32(0.7978846) * (numbers + np.float32(0.044715) * numbers * numbers * numbers))
    found: Numbers = np.float32(0.5) * numbers * (1 + bent)
    return found


def packed(matrix: Numbers, bits: int = 4) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """A matrix in four bits a weight (two weights a byte) or in eight, and the size of a step in each block."""
    blocks, middle = matrix.reshape(len(matrix), -1, BLOCK), 1 << bits - 1
    widest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)[..., 0]
    sizes = (widest / -middle).astype(np.float16)  # what is farthest from nought is kept as it is
    steps = np.rint(blocks / np.where(sizes == 0, 1, sizes)[..., None] + middle)
    numbers = np.clip(steps, 0, 2 * middle - 1).astype(np.uint8)
    if bits == _HALF_A_BYTE:
        numbers = (numbers[..., : BLOCK // 2] | numbers[..., BLOCK // 2 :] << bits).astype(np.uint8)
    return numbers.reshape(len(matrix), -1), sizes


def unpacked(stored: NDArray[np.generic], sizes: NDArray[np.generic]) -> Numbers:
    """The matrix that `packed` made these of, as near as its bits come."""
    numbers = stored.reshape(*sizes.shape, -1).view(np.uint8)
    bits = 8 * numbers.shape[-1] // BLOCK
    if bits == _HALF_A_BYTE:
        numbers = np.concatenate([numbers & 15, numbers >> bits], axis=-1)
    steps = numbers.astype(np.float32) - np.float32(1 << bits - 1)
    found: Numbers = (steps * sizes[..., None].astype(np.float32)).reshape(len(stored), -1)
    return found


def heard_in(sentences: Sequence[str]) -> Hearing:
    """The fourth opinion on a mail. Args: sentences: the subject first, as they are written."""
    return package_encoder().hear(sentences)


def heard_alone(sentences: Sequence[str]) -> list[float]:
    """
    Log-odds of the right heard most in each of *sentences* by itself, as many as `heard_in` reads.

    A wish of three words amid a page of business is drowned by what stands around it; alone it is heard.
    """
    return package_encoder().hear_alone(sentences)


def listed_pieces() -> list[tuple[str, float]]:
    """The pieces of the package, with their log-probabilities."""
    lines = files(__package__).joinpath("pieces.tsv").read_text(encoding="utf-8").splitlines()
    return [(piece, float(score)) for piece, _, score in (line.partition("\t") for line in lines)]


@cache
def package_encoder() -> Encoder:
    """The encoder of the package; its weights take 0.2 s and 120 MB to load."""
    stored = BytesIO(files(__package__).joinpath("encoder.npz").read_bytes())
    with np.load(stored, allow_pickle=False) as weights:
        return Encoder(dict(weights), Pieces(listed_pieces()))
