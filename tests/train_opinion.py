"""
Labelled mails and sentences -> dsar/triage/opinion.json, the weights of the second opinion.

Effects: reads tests/mails, writes that one file. Deterministic: examples are shuffled with a fixed seed.
Held-back mails are never read.

A line of tests/mails/sentences says itself what it exercises. A mail says so only as a whole: each of its sentences
counts as a counter-example of each class that the mail is not of.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import exp
from pathlib import Path
from typing import NamedTuple

from dsar.mime import read_mail
from dsar.triage.facts import read_facts
from dsar.triage.opinion import CLASSES, features

MAILS = Path(__file__).parent / "mails"
TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "opinion.json"
#: First letters of a line -> what the sentence is: a right, or what tells the rest apart; n is none of them.
LETTERS = {
    "a": "access", "p": "portable", "e": "erase", "u": "update", "o": "object", "r": "restrict", "f": "follow_up",
    "q": "question", "x": "noise",
}  # fmt: skip
NOISE = frozenset({"not_request", "bounce", "auto_reply"})
EPOCHS, RATE, DECAY = 12, 0.25, 2e-4
#: Positive examples of a class count together about as much as a third of the negative ones, each so often at most.
POSITIVE_SHARE, MOST_OFTEN = 3, 8.0
#: Weights below this are left out.
SMALLEST = 0.08


class Sentence(NamedTuple):
    """Features of one labelled sentence, and its classes."""

    features: list[str]
    classes: frozenset[str]


class Mail(NamedTuple):
    """Features of each sentence of a labelled mail, and the classes of the whole."""

    sentences: list[list[str]]
    classes: frozenset[str]


class Example(NamedTuple):
    """One example of a class."""

    features: list[str]
    truth: int
    weight: float


def read_sentences() -> Iterator[Sentence]:
    """Every line of the lists of sentences."""
    for path in sorted((MAILS / "sentences").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            letters, _, text = line.partition(" ")
            yield Sentence(features(text), frozenset(LETTERS[letter] for letter in letters if letter != "n"))


def read_short() -> Iterator[Sentence]:
    """The short mails, which are of one or two sentences."""
    for mail in json.loads((MAILS / "short.json").read_text(encoding="utf-8")):
        expected = mail["expected"]
        if "rights" in expected:
            kind = _kind(expected.get("disposition", ""))
            portable = {"portable"} if expected.get("portability") else set()
            yield Sentence(
                features(f"{mail['subject']}. {mail['text']}"), frozenset({*expected["rights"], *portable} | kind)
            )


def read_mails(folders: Iterable[Path]) -> dict[str, Mail]:
    """Name -> every labelled mail of *folders*."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.eml")):
        label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        portable = {"portable"} if any(each.get("portability") for each in label["requests"]) else set()
        classes = _kind(label["disposition"]) | {each["type"] for each in label["requests"]} | portable
        facts = read_facts(read_mail(path.read_bytes()), "xelent.se")
        found[path.stem] = Mail([features(text) for text in facts.sentences], classes)
    return found


def _kind(disposition: str | list[str]) -> frozenset[str]:
    best = disposition if isinstance(disposition, str) else disposition[0]
    return frozenset({"noise"} if best in NOISE else {best} & {"follow_up", "question"})


def train(sentences: Iterable[Sentence], mails: Mapping[str, Mail]) -> dict[str, dict[str, float]]:
    """Class -> feature -> weight."""
    sentences = list(sentences)
    return {name: _fit(list(_examples(name, sentences, mails)), random.Random(name)) for name in CLASSES}


def _examples(name: str, sentences: Iterable[Sentence], mails: Mapping[str, Mail]) -> Iterator[Example]:
    """Examples of a right come from sentences; of noise from whole mails, too, which are noise in all they say."""
    vague = name in ("noise", "follow_up", "question")
    for each in sentences:
        if each.classes or not vague:  # a line that is "none" may still stand in a mail of that kind
            yield Example(each.features, int(name in each.classes), 1.0)
    for mail in mails.values():
        if name == "noise":
            weight = 1 / max(1, len(mail.sentences)) ** 0.5
            yield from (Example(each, int(name in mail.classes), weight) for each in mail.sentences)
        elif name not in mail.classes:
            yield from (Example(each, 0, 1.0) for each in mail.sentences)


def _fit(examples: list[Example], order: random.Random) -> dict[str, float]:
    """Weights of a logistic regression, by stochastic gradient descent."""
    positive = sum(each.weight for each in examples if each.truth) or 1.0
    negative = sum(each.weight for each in examples if not each.truth)
    often = max(1.0, min(MOST_OFTEN, negative / positive / POSITIVE_SHARE))
    weights: dict[str, float] = defaultdict(float)
    for epoch in range(EPOCHS):
        order.shuffle(examples)
        rate = RATE / (1 + epoch)
        for each in examples:
            chance = 1 / (1 + exp(-max(-30.0, min(30.0, sum(weights[feature] for feature in each.features)))))
            counts = each.weight * (often if each.truth else 1.0)
            move = rate * (each.truth - chance) * counts / max(1, len(each.features)) ** 0.5
            for feature in each.features:
                weights[feature] += move - rate * DECAY * weights[feature]
    return weights


def write(weights: Mapping[str, Mapping[str, float]], target: Path = TARGET) -> None:
    """One line per feature, so that a diff shows a change: the number of each class, and a hundred times its weight."""
    merged = defaultdict(list)
    for at, name in enumerate(CLASSES):
        for feature, weight in weights[name].items():
            if abs(weight) >= SMALLEST:
                merged[feature].append([at, round(weight * 100)])
    pairs = (
        f"{json.dumps(f, ensure_ascii=False)}:{json.dumps(merged[f], separators=(',', ':'))}" for f in sorted(merged)
    )
    target.write_text("{" + ",\n".join(pairs) + "}\n", encoding="utf-8")


def main() -> None:
    """Train from everything that is labelled, but for what is held back."""
    write(train([*read_sentences(), *read_short()], read_mails([MAILS / "training"])))


if __name__ == "__main__":
    main()
