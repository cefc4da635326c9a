"""
Labelled mails and sentences -> dsar/triage/opinion.json, the weights of the second opinion.

Effects: reads tests/mails, writes that one file. Deterministic: examples are shuffled with a fixed seed.
Held-back mails are never read.

A line of tests/mails/sentences says itself what it exercises. A mail says so only as a whole: each of its sentences is
a counter-example of each class that the mail is not of, and of a class that it is of, the sentence that the model
takes for the likeliest is an example (multiple-instance learning, in two rounds).
"""

import json
import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import NamedTuple

from annotated_mails import LETTERS

from dsar.mime import read_mail
from dsar.triage.facts import Facts, read_facts
from dsar.triage.languages import languages_in
from dsar.triage.opinion import CLASSES, Weights, features, segments
from dsar.triage.vocabulary import reading

MAILS = Path(__file__).parent / "mails"
TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "opinion.json"
NOISE = frozenset({"not_request", "bounce", "auto_reply"})
#: Frames of the grammar: how many sentences are drawn of each right, and what they are instead of that right.
DRAWN = {
    "wish": (35, frozenset[str]()), "none": (15, frozenset({"none"})), "how": (4, frozenset({"question"})),
    "past": (4, frozenset({"follow_up"})),
}  # fmt: skip
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
#: Classes about the mail rather than about one sentence.
VAGUE = frozenset({"noise", "follow_up", "question"})
EPOCHS, RATE, DECAY = 10, 0.35, 3e-4
#: What an example from a mail counts, by what is known of its sentence.
LIKELIEST, VAGUE_COUNTER = 0.8, 0.4
#: Positive examples of a class count together about as much as a third of the negative ones, each so often at most.
POSITIVE_SHARE, MOST_OFTEN = 3, 8.0
#: Weights below this are left out; so is a feature that stands in fewer examples.
SMALLEST, LEAST_EXAMPLES = 0.08, 2
ROUNDS = 2


class Sentence(NamedTuple):
    """Features of one labelled sentence, and its classes."""

    features: list[str]
    classes: frozenset[str]


class Mail(NamedTuple):
    """A labelled mail: features of each of its sentences, the places that the rules settle, classes of the whole."""

    facts: Facts
    label: dict[str, object]
    languages: frozenset[str]
    sentences: list[list[str]]  #: And of the parts of long ones.
    settled: frozenset[tuple[str, int]]
    classes: frozenset[str]


class Example(NamedTuple):
    """One example of a class."""

    features: Sequence[int]
    truth: int
    weight: float


def read_sentences() -> Iterator[Sentence]:
    """Every line of the lists of sentences; a list is named after its language."""
    for path in sorted((MAILS / "sentences").glob("*.txt")):
        with reading(frozenset({path.stem.partition("_")[0]})):
            for line in path.read_text(encoding="utf-8").splitlines():
                letters, _, text = line.partition(" ")
                yield Sentence(features(text), frozenset(LETTERS[letter] for letter in letters if letter != "n"))


def read_grammar() -> Iterator[Sentence]:
    """Sentences put together from the ways of asking and the ways of naming what is asked for, drawn at random."""
    for language, parts in tomllib.loads((MAILS / "sentences" / "grammar.toml").read_text(encoding="utf-8")).items():
        draw = random.Random(language)
        with reading(frozenset({language})):
            for kind, (often, own) in DRAWN.items():
                for right in LETTERS.values():
                    for _ in range(often if right in parts else 0):
                        phrase = _drawn(draw.choice(parts[right]), draw)
                        text = _drawn(draw.choice(parts[kind]), draw).replace("{}", phrase)
                        yield Sentence(features(text), own or _rights_of(right))


def _drawn(text: str, draw: random.Random) -> str:
    return " ".join(_CHOICE.sub(lambda match: draw.choice(match[1].split("|")), text).split())


def _rights_of(right: str) -> frozenset[str]:
    return frozenset({right, "access"} if right == "portable" else {right})


def read_short() -> Iterator[Sentence]:
    """The short mails, which are of one or two sentences."""
    for mail in json.loads((MAILS / "short.json").read_text(encoding="utf-8")):
        expected = mail["expected"]
        if "rights" in expected:
            kind = _kind(expected.get("disposition", ""))
            portable = {"portable"} if expected.get("portability") else set()
            text = f"{mail['subject']}. {mail['text']}"
            with reading(languages_in(text)):
                yield Sentence(features(text), frozenset({*expected["rights"], *portable} | kind))


def read_mails(folders: Iterable[Path]) -> dict[str, Mail]:
    """Name -> every labelled mail of *folders*."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.eml")):
        label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        portable = {"portable"} if any(each.get("portability") for each in label["requests"]) else set()
        classes = _kind(label["disposition"]) | {each["type"] for each in label["requests"]} | portable
        mail = read_mail(path.read_bytes())
        languages = languages_in(f"{mail.subject}\n{mail.own_text}")
        with reading(languages):
            facts = read_facts(mail, "xelent.se")
            texts = [(place, text) for place, text in enumerate(facts.sentences)]
            texts += [(place, part) for place, text in texts for part in segments(text)]
            settled = frozenset(
                (name, at) for at, (place, _) in enumerate(texts) for name, of in facts.settled if of == place
            )
            found[path.stem] = Mail(facts, label, languages, [features(text) for _, text in texts], settled, classes)
    return found


def _kind(disposition: str | list[str]) -> frozenset[str]:
    best = disposition if isinstance(disposition, str) else disposition[0]
    return frozenset({"noise"} if best in NOISE else {best} & {"follow_up", "question"})


class Trainer:
    """Examples under numbers, so that the loops are short."""

    def __init__(self, sentences: Sequence[Sentence], mails: Mapping[str, Mail]) -> None:
        counts: dict[str, int] = defaultdict(int)
        for each in (*(s.features for s in sentences), *(f for m in mails.values() for f in m.sentences)):
            for feature in each:
                counts[feature] += 1
        self.names = [feature for feature, count in counts.items() if count >= LEAST_EXAMPLES]
        numbers = {feature: number for number, feature in enumerate(self.names)}

        def coded(features: Sequence[str]) -> list[int]:
            return [numbers[each] for each in features if each in numbers]

        self.sentences = [(coded(s.features), s.classes) for s in sentences]
        self.mails = [([coded(each) for each in m.sentences], m.classes, m.settled) for m in mails.values()]

    def train(self) -> dict[str, list[float]]:
        """Class -> weight of each feature."""
        return {name: self._train(name) for name in CLASSES}

    def _train(self, name: str) -> list[float]:
        order = random.Random(name)
        examples = list(self._examples(name))
        weights = self._fit(examples, order)
        for _ in range(ROUNDS if name != "noise" else 0):
            weights = self._fit([*examples, *self._likeliest(name, weights)], order)
        return weights

    def _examples(self, name: str) -> Iterator[Example]:
        """What is known for certain."""
        for each, classes in self.sentences:
            if classes or name not in VAGUE:  # a line that is "none" may still stand in a mail of that kind
                yield Example(each, int(name in classes), 1.0)
        for sentences, classes, _ in self.mails:
            if name == "noise":
                weight = 1 / max(1, len(sentences)) ** 0.5
                yield from (Example(each, int(name in classes), weight) for each in sentences)
            elif name not in classes:
                yield from (Example(each, 0, VAGUE_COUNTER if name in VAGUE else 1.0) for each in sentences)

    def _likeliest(self, name: str, weights: list[float]) -> Iterator[Example]:
        for sentences, classes, settled in self.mails:
            if name in classes:
                open_ = [each for place, each in enumerate(sentences) if (name, place) not in settled]
                if open_:
                    best = max(open_, key=lambda each: sum(map(weights.__getitem__, each)))
                    yield Example(best, 1, LIKELIEST)

    def _fit(self, examples: list[Example], order: random.Random) -> list[float]:
        """Weights of a logistic regression, by stochastic gradient descent."""
        examples = list(examples)
        positive = sum(each.weight for each in examples if each.truth) or 1.0
        negative = sum(each.weight for each in examples if not each.truth)
        often = max(1.0, min(MOST_OFTEN, negative / positive / POSITIVE_SHARE))
        weights = [0.0] * len(self.names)
        for epoch in range(EPOCHS):
            order.shuffle(examples)
            rate = RATE / (1 + epoch)
            keep = rate * DECAY
            for each in examples:
                odds = sum(map(weights.__getitem__, each.features))
                error = each.truth - 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
                if abs(error) < 0.01:
                    continue
                counts = each.weight * (often if each.truth else 1.0)
                move = rate * error * counts / max(1, len(each.features)) ** 0.5
                for feature in each.features:
                    weights[feature] += move - keep * weights[feature]
        return weights


def merged(trainer: Trainer, weights: Mapping[str, Sequence[float]]) -> Weights:
    """Feature -> (class, weight), as the opinion wants them, without what is negligible."""
    found = {}
    for number, feature in enumerate(trainer.names):
        pairs = [(at, weights[name][number]) for at, name in enumerate(CLASSES)]
        kept = [(at, round(weight, 2)) for at, weight in pairs if abs(weight) >= SMALLEST]
        if kept:
            found[feature] = kept
    return found


def write(weights: Weights, target: Path = TARGET) -> None:
    """One line per feature, so that a diff shows a change: the number of each class, and a hundred times its weight."""
    pairs = (
        f"{json.dumps(f, ensure_ascii=False)}:"
        f"{json.dumps([[at, round(weight * 100)] for at, weight in weights[f]], separators=(',', ':'))}"
        for f in sorted(weights)
    )
    target.write_text("{" + ",\n".join(pairs) + "}\n", encoding="utf-8")


def main() -> None:
    """Train from everything that is labelled, but for what is held back."""
    trainer = Trainer([*read_sentences(), *read_grammar(), *read_short()], read_mails([MAILS / "training"]))
    write(merged(trainer, trainer.train()))


if __name__ == "__main__":
    main()
