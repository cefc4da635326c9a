"""
Labelled mails and sentences -> the weights of the second opinion.

Effects: reads tests/mails; `write` writes dsar/triage/opinion.tsv. Deterministic. Held-back mails are never read.

A line of tests/mails/sentences says itself what it exercises, and so does one of tests/mails/annotated, which stands in
its mail. Another mail says so only as a whole: each of its sentences is a counter-example of each class that the mail
is not of, and of a right that it exercises, the sentences in which the rules see it asked for are examples.
"""

import json
import random
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from annotated_mails import LETTERS, AnnotatedMail, read_annotated
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from dsar.mime import read_mail
from dsar.model import InboundMail
from dsar.triage.compact import written
from dsar.triage.facts import Facts, read_facts
from dsar.triage.languages import languages_in
from dsar.triage.opinion import BASE, CLASSES, pair_features, word_features, words_of
from dsar.triage.opinion import LETTERS as STORED_AS
from dsar.triage.rights import Stance
from dsar.triage.vocabulary import reading

MAILS = Path(__file__).parent / "mails"
TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "opinion.tsv"
NOISE = frozenset({"not_request", "bounce", "auto_reply"})
#: Frames of the grammar: how many sentences are drawn of each right, and what they are instead of that right.
DRAWN = {
    "wish": (35, frozenset[str]()), "none": (15, frozenset({"none"})), "how": (4, frozenset({"question"})),
    "past": (4, frozenset({"follow_up"})),
}  # fmt: skip
#: How many sentences ask for each right after what is not asked, and how many before it.
DRAWN_BESIDE = 6
_ALWAYS_GREAT = re.compile(r"(?:I|Sie|Ihr\w*)\b")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
#: Classes about the mail rather than about one sentence.
VAGUE = frozenset({"noise", "follow_up", "question"})
RIGHTS = frozenset({"access", "erase", "update", "object", "restrict"})
#: How freely the weights follow the examples; how much each feature counts, which makes large weights dear. Both were
#: found by cross-validation.
FREEDOM, COUNTS = 3.0, 0.3
#: Where a fit stops; by the dual problem, which takes a fifth of the time for as good a fit.
STEPS, CLOSE = 100, 1e-2
#: Weights below this are left out; so is a feature that stands in fewer examples.
SMALLEST, LEAST_EXAMPLES = 0.02, 2

#: As they are stored: feature -> letter of a class and hundredths, each after the other.
Stored = dict[str, str]


class Sentence(NamedTuple):
    """One labelled sentence, or a short mail, and its classes."""

    text: str
    features: list[str]
    classes: frozenset[str]

    @classmethod
    def of(cls, text: str, classes: frozenset[str]) -> "Sentence":
        return cls(text, features(text), classes)


class Mail(NamedTuple):
    """A labelled mail, and what is known of each of its sentences."""

    facts: Facts
    label: dict[str, Any]
    languages: frozenset[str]
    sentences: list[list[str]]  #: Features of each.
    asked: frozenset[tuple[str, int]]  #: (right, place) that the rules see asked for.
    classes: frozenset[str]  #: Of the whole.
    known: Mapping[int, frozenset[str]]  #: Place -> the classes of that sentence; empty if only the mail is labelled.


def features(text: str) -> list[str]:
    """Features of one sentence, each once."""
    words = words_of(text)
    return list(dict.fromkeys([*(each for word in words for each in word_features(word)), *pair_features(words)]))


def read_sentences() -> Iterator[Sentence]:
    """Every line of the lists of sentences; a list is named after its language."""
    for path in sorted((MAILS / "sentences").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            letters, _, text = line.partition(" ")
            yield Sentence.of(text, frozenset(LETTERS[letter] for letter in letters if letter != "n"))


def read_grammar() -> Iterator[Sentence]:
    """Sentences put together from the ways of asking and the ways of naming what is asked for, drawn at random."""
    for language, parts in tomllib.loads((MAILS / "sentences" / "grammar.toml").read_text(encoding="utf-8")).items():
        draw = random.Random(language)
        for kind, (often, own) in DRAWN.items():
            for right in LETTERS.values():
                for _ in range(often if right in parts else 0):
                    phrase = _drawn(draw.choice(parts[right]), draw)
                    text = _drawn(draw.choice(parts[kind]), draw).replace("{}", phrase)
                    yield Sentence.of(text, own or _rights_of(right))
        yield from _beside(parts, draw)


def _beside(parts: Mapping[str, Sequence[str]], draw: random.Random) -> Iterator[Sentence]:
    """Sentences that ask for one right, and not for another: "I am not asking you to {}, but please {}."."""
    rights = [right for right in LETTERS.values() if right in parts]
    for right in rights:
        for at in range(2 * DRAWN_BESIDE):
            other = draw.choice([each for each in rights if not _rights_of(each) & _rights_of(right)])
            asked, unasked = (
                _drawn(draw.choice(parts[kind]), draw).replace("{}", _drawn(draw.choice(parts[about]), draw))
                for kind, about in (("wish", right), ("none", other))
            )
            first, then = (unasked, asked) if at % 2 else (asked, unasked)
            between = draw.choice(parts["but"])
            yield Sentence.of(first.rstrip(" .?!؟") + between + _going_on(then, between), _rights_of(right))


def _going_on(text: str, between: str) -> str:
    """*text* after *between*, with a small letter within a sentence, but for words that never have one there."""
    keeps = between.rstrip().endswith(".") or _ALWAYS_GREAT.match(text)
    return text if keeps else text[:1].lower() + text[1:]


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
            classes = frozenset({*expected["rights"], *portable} | kind)
            yield Sentence.of(f"{mail['subject']}. {mail['text']}", classes)


def read_lines() -> list[Sentence]:
    """All that is labelled sentence by sentence without a mail around it."""
    return [*read_sentences(), *read_grammar(), *read_short()]


def read_all() -> dict[str, Mail]:
    """All mails to learn from."""
    annotated = read_annotated()
    with ProcessPoolExecutor() as pool:
        read = pool.map(_annotated, annotated.values(), chunksize=100)
        return _read_mails([MAILS / "training"]) | dict(zip(annotated, read, strict=True))


def _annotated(mail: AnnotatedMail) -> Mail:
    return _labelled(mail.mail, mail.label, mail)


def _read_mails(folders: Iterable[Path]) -> dict[str, Mail]:
    """Name -> every labelled mail of *folders*."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.eml")):
        label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        found[path.stem] = _labelled(read_mail(path.read_bytes()), label, None)
    return found


def _labelled(mail: InboundMail, label: dict[str, Any], annotated: AnnotatedMail | None) -> Mail:
    portable = {"portable"} if any(each.get("portability") for each in label["requests"]) else set()
    classes = _kind(label["disposition"]) | {each["type"] for each in label["requests"]} | portable
    languages = languages_in(f"{mail.subject}\n{mail.own_text}")
    with reading(languages):
        facts = read_facts(mail, "xelent.se")
        sentences = [features(text) for text in facts.sentences]
        places = {each.text: place for place, each in enumerate(facts.body, start=1)}
        wanted = [hit for hit in facts.hits if hit.stance is Stance.WANTED]
        asked = frozenset((hit.right.value, places.get(hit.sentence.text, 0)) for hit in wanted)
    known = _known(annotated, facts) if annotated else {}
    return Mail(facts, label, languages, sentences, asked, classes, known)


def _known(annotated: AnnotatedMail, facts: Facts) -> dict[int, frozenset[str]]:
    """Place of a sentence -> the classes of the lines that it overlaps; the subject only where it asks itself."""
    owners = [classes for classes, text in annotated.lines for _ in "".join(text.split())]
    joined = "".join("".join(text.split()) for _, text in annotated.lines)
    found, at = {0: annotated.of_subject} if annotated.of_subject else {}, 0
    for place, each in enumerate(facts.body, start=1):
        text = "".join(each.text.split())
        start = joined.find(text, at)
        if start >= 0:
            at = start + len(text)
            found[place] = frozenset[str]().union(*owners[start:at])
    return found


def _kind(disposition: str | list[str]) -> frozenset[str]:
    best = disposition if isinstance(disposition, str) else disposition[0]
    return frozenset({"noise"} if best in NOISE else {best} & {"follow_up", "question"})


# -------------------------------------------------------------------------------------------------------- training


def _holds(name: str, classes: Collection[str]) -> bool:
    """Whether what is labelled as *classes* is of the class *name*."""
    return bool(RIGHTS.intersection(classes)) if name == "any_right" else name in classes


class Trainer:
    """Examples as rows of numbers, made once for all that is trained from a part of them."""

    def __init__(self, lines: Sequence[Sentence], mails: Mapping[str, Mail]) -> None:
        """Take *lines* and the sentences of *mails*."""
        rows = [*(each.features for each in lines), *(each for mail in mails.values() for each in mail.sentences)]
        counts = Counter(feature for row in rows for feature in row)
        self._names = sorted(feature for feature, count in counts.items() if count >= LEAST_EXAMPLES)
        numbers = {feature: number for number, feature in enumerate(self._names)}
        columns = [[numbers[each] for each in row if each in numbers] for row in rows]
        ends = np.cumsum([0, *map(len, columns)])
        cells = [each for known in columns for each in known]
        self._rows = csr_matrix((np.full(len(cells), COUNTS), cells, ends), (len(rows), len(numbers)))
        self._owners = np.array(["", *mails])[
            [*(0 for _ in lines), *(at for at, mail in enumerate(mails.values(), start=1) for _ in mail.sentences)]
        ]
        self._examples = {name: np.array(list(_examples(name, lines, [*mails.values()]))) for name in CLASSES}

    def train(self, without: Collection[str] = ()) -> Stored:
        """The weights that all but the mails *without* teach, without what is negligible."""
        used = ~np.isin(self._owners, sorted(without))
        counts = np.bincount(self._rows[used].indices, minlength=len(self._names))
        known = np.flatnonzero(counts >= LEAST_EXAMPLES)
        rows = self._rows[:, known]
        fits = [_fit_class(rows, examples[used[examples[:, 0]]]) for examples in self._examples.values()]
        table = np.array([fit.coef_[0] * COUNTS for fit in fits]).T
        hundredths = np.rint(np.where(np.abs(table) >= SMALLEST, table, 0.0) * 100).astype(int).tolist()
        found = {BASE: _packed([round(100 * float(fit.intercept_[0])) for fit in fits])}
        return found | {self._names[at]: _packed(row) for at, row in zip(known, hundredths, strict=True) if any(row)}


def _fit_class(rows: csr_matrix, examples: Any) -> LogisticRegression:
    model = LogisticRegression(C=FREEDOM, solver="liblinear", dual=True, max_iter=STEPS, tol=CLOSE, random_state=0)
    return model.fit(rows[examples[:, 0]], examples[:, 1].astype(bool))


def _examples(name: str, lines: Sequence[Sentence], mails: Sequence[Mail]) -> Iterator[tuple[int, bool]]:
    """(row, whether it is of the class *name*) of what is known for certain."""
    for row, line in enumerate(lines):
        if line.classes or name not in VAGUE:  # a line that is "none" may still stand in a mail of that kind
            yield row, _holds(name, line.classes)
    first = len(lines)
    for mail in mails:
        for place in range(len(mail.sentences)):
            if place in mail.known:
                yield first + place, _holds(name, mail.known[place])
            elif not mail.known and not _holds(name, mail.classes) and name != "noise":
                yield first + place, False
            elif (name, place) in mail.asked and not mail.known and name in mail.classes:
                yield first + place, True
        first += len(mail.sentences)


def _packed(row: Sequence[int]) -> str:
    return "".join(f"{letter}{row[at]}" for letter, at in STORED_AS.items() if row[at])


def write(weights: Stored, target: Path = TARGET) -> None:
    """One line per feature, so that a diff shows a change."""
    target.write_bytes(written(weights))
