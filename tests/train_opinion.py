"""
Labelled mails and sentences -> dsar/triage/opinion.json, the weights of the second opinion.

Effects: reads tests/mails, writes that one file, or with --folds N prints nothing and returns what mails get from a
model that has not seen them. Deterministic: the order of examples is drawn with a fixed seed. Held-back mails are not read.

A sentence of the lists says itself what it exercises. A mail says so only as a whole: each of its
sentence counts as a counter-example of each right that the mail does not exercise.
"""

import json
import random
import sys
from collections import defaultdict
from math import exp
from pathlib import Path

from dsar.mime import read_mail
from dsar.triage.facts import read_facts
from dsar.triage.opinion import CLASSES, features

MAILS = Path(__file__).parent / "mails"
TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "opinion.json"
LETTERS = {"a": "access", "e": "erase", "u": "update", "o": "object", "r": "restrict", "p": "portable", "f": "follow_up",
           "q": "question", "x": "noise"}
NOISE = {"not_request", "bounce", "auto_reply"}
EPOCHS, RATE, DECAY = 12, 0.25, 2e-4
SMALLEST = 0.08

Mail = tuple[list[list[str]], dict[str, int]]


def read_sentences():
    """(features, class -> 0 or 1) of every line of the lists."""
    for path in sorted((MAILS / "sentences").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            letters, _, text = line.partition(" ")
            yield features(text), {name: int(letter in letters) for letter, name in LETTERS.items()}


def read_short():
    """(features, class -> 0 or 1) of the short mails, which are of one or two sentences."""
    for mail in json.loads((MAILS / "short.json").read_text(encoding="utf-8")):
        rights = mail["expected"].get("rights")
        if rights is not None:
            kind = str(mail["expected"].get("disposition"))
            yield features(f"{mail['subject']}. {mail['text']}"), {name: int(name in rights) for name in CLASSES[:5]} | {
                "portable": int(bool(mail["expected"].get("portability"))),
                "follow_up": int(kind == "follow_up"), "question": int(kind == "question"), "noise": int(kind in NOISE)}


def read_mails(folders):
    """name -> (features of each sentence, class -> 0 or 1) of every labelled mail."""
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*.eml")):
            label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            wanted = {r["type"] for r in label["requests"]} | ({"portable"} if any(r.get("portability") for r in label["requests"]) else set())
            accepted = label["disposition"] if isinstance(label["disposition"], list) else [label["disposition"]]
            truth = {name: int(name in wanted) for name in CLASSES[:6]} | {"noise": int(accepted[0] in NOISE), "follow_up": int(accepted[0] == "follow_up"), "question": int(accepted[0] == "question")}
            facts = read_facts(read_mail(path.read_bytes()), "xelent.se")
            found[path.stem] = ([features(text) for text in facts.sentences], truth)
    return found


def train(sentences, mails):
    """Class -> weights."""
    return {name: _fit(list(_examples(name, sentences, mails)), random.Random(name)) for name in CLASSES}


def _examples(name, sentences, mails):
    """(features, truth, weight). What a mail exercises says nothing of which sentence does; what it does not, of all."""
    if name != "noise":
        unsure = ("follow_up", "question")
        yield from ((text, truth[name], 1.0) for text, truth in sentences if name not in unsure or any(truth.values()))
        yield from ((text, 0, 1.0) for texts, truth in mails.values() if not truth[name] for text in texts)
        return
    yield from ((text, truth[name], 1.0) for text, truth in sentences if any(truth.values()))
    for texts, truth in mails.values():
        yield from ((text, truth[name], 1.0 / max(1, len(texts)) ** 0.5) for text in texts)


def _fit(examples, order):
    """Logistic regression by stochastic gradient descent; positives weigh so much that they count a third."""
    positive = sum(weight for _, truth, weight in examples if truth) or 1.0
    negative = sum(weight for _, truth, weight in examples if not truth)
    up = max(1.0, min(8.0, negative / positive / 3))
    weights = defaultdict(float)
    sums = defaultdict(float)
    step = 0
    for epoch in range(EPOCHS):
        order.shuffle(examples)
        rate = RATE / (1 + epoch)
        for text, truth, weight in examples:
            p = 1 / (1 + exp(-max(-30.0, min(30.0, sum(weights[f] for f in text)))))
            move = rate * (truth - p) * weight * (up if truth else 1.0) / max(1.0, len(text)) ** 0.5
            for feature in text:
                weights[feature] += move - rate * DECAY * weights[feature]
    return weights


def write(weights):
    merged = defaultdict(list)
    for at, name in enumerate(CLASSES):
        for feature, value in weights[name].items():
            if abs(value) >= SMALLEST:
                merged[feature].append([at, round(value * 100)])
    lines = ",\n".join(f"{json.dumps(f, ensure_ascii=False)}:{json.dumps(merged[f], separators=(',', ':'))}" for f in sorted(merged))
    TARGET.write_text(f"{{{lines}}}\n", encoding="utf-8")


def main():
    weights = train([*read_sentences(), *read_short()], read_mails([MAILS / "training"]))
    write(weights)


if __name__ == "__main__":
    main()
