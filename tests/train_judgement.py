"""
Labelled mails -> opinion.tsv, impression.tsv and judgement.json in dsar/triage.

Effects: reads tests/mails, writes those files. Held-back mails are never read.

The judgement has to know how far the second and the third opinion may be trusted on mail that they have not seen. So
both are trained five times without a fifth of the mails; what they say of that fifth, and what the rules say, is what
the judgement learns from (stacking).
"""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import train_impression
import train_opinion
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from dsar.model import Right
from dsar.triage import impression, judgement, opinion
from dsar.triage.facts import Facts
from dsar.triage.impression import ImpressionWeights
from dsar.triage.judgement import KINDS, Judged
from dsar.triage.opinion import Weights
from dsar.triage.signs import (
    ALWAYS,
    Signs,
    signs_of_certainty,
    signs_of_kind,
    signs_of_mail,
    signs_of_right,
    with_pairs,
)
from dsar.triage.vocabulary import reading

TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "judgement.json"
FOLDS = 5
#: How freely the weights follow the examples, and the fewest examples in which a sign stands.
FREEDOM_OF_RIGHTS, FREEDOM_OF_KINDS, FREEDOM_OF_CERTAINTY, LEAST = 0.2, 0.2, 0.05, 4

Judgement = dict[str, dict[str, float]]


class Fold(NamedTuple):
    """Mails that neither opinion has seen."""

    names: frozenset[str]
    weights: Weights
    whole: ImpressionWeights


class Example(NamedTuple):
    """What is known and what is true of one right, or of one mail."""

    signs: Signs
    truth: str | bool


class Trainers(NamedTuple):
    """Of both opinions."""

    opinion: train_opinion.Trainer
    whole: train_impression.Trainer

    @classmethod
    def of(cls, mails: Mapping[str, train_opinion.Mail]) -> "Trainers":
        lines = train_opinion.read_lines()
        return cls(train_opinion.Trainer(lines, mails), train_impression.Trainer(lines, mails))


def folds(mails: Mapping[str, train_opinion.Mail], trainers: Trainers) -> list[Fold]:
    """Every mail in one of five folds, each with opinions trained without it."""
    names = sorted(mails)
    random.Random(FOLDS).shuffle(names)
    unseen = [frozenset(names[at::FOLDS]) for at in range(FOLDS)]
    with ProcessPoolExecutor() as pool:
        stored = zip(pool.map(trainers.opinion.train, unseen), pool.map(trainers.whole.train, unseen), strict=True)
        pairs = list(stored)
    return [Fold(each, Weights(a), ImpressionWeights(b)) for each, (a, b) in zip(unseen, pairs, strict=True)]


def of_rights(mails: Mapping[str, train_opinion.Mail], parts: Sequence[Fold]) -> dict[str, list[Example]]:
    """Name -> an example per right."""
    found = {}
    for name, mail, facts in _judged(mails, parts):
        of_mail = signs_of_mail(facts.witnesses)
        found[name] = [
            Example(of_mail | signs_of_right(right, facts.witnesses), right.value in mail.classes) for right in Right
        ]
    return found


def of_kinds(
    mails: Mapping[str, train_opinion.Mail], parts: Sequence[Fold], by_right: Mapping[str, Sequence[Example]]
) -> dict[str, Example]:
    """Name -> an example of a kind, from chances of rights that were estimated without the fold of the mail."""
    found = {}
    for part in parts:
        others = [each for name, examples in by_right.items() if name not in part.names for each in examples]
        with patch.object(judgement, "_weights", return_value={"right": fit_rights(others)}):
            for name, mail, facts in _judged(mails, [part]):
                chances = judgement.chances(facts.witnesses)
                found[name] = Example(signs_of_kind(chances, facts.witnesses), kind_of(mail.label))
    return found


def of_certainty(
    mails: Mapping[str, train_opinion.Mail], parts: Sequence[Fold], judgements: Sequence[Judgement]
) -> dict[str, Example]:
    """Name -> an example of whether what was found in a mail is exactly right, judged without the fold of the mail."""
    found = {}
    for part, learned in zip(parts, judgements, strict=True):
        with patch.object(judgement, "_weights", return_value=learned | {"exact": {}}):
            for name, mail, facts in _judged(mails, [part]):
                first = facts.first
                if first.wanted and facts.is_learned:
                    signs = signs_of_certainty(first.wanted, first.chances, first.kinds, facts.witnesses)
                    found[name] = Example(with_pairs(signs), is_exact(first, mail))
    return found


def is_exact(judged: Judged, mail: train_opinion.Mail) -> bool:
    """Whether it is a request and exactly what counts as exercised is."""
    found = {right.value for right in judged.wanted}
    return found == {*mail.classes} & train_opinion.RIGHTS and kind_of(mail.label) == "request"


def kind_of(label: Mapping[str, Any]) -> str:
    """The kind of mail that a label says."""
    given = label["disposition"]
    best = given if isinstance(given, str) else given[0]
    return "noise" if best in train_opinion.NOISE else best if best in KINDS else "other"


def _judged(
    mails: Mapping[str, train_opinion.Mail], parts: Sequence[Fold]
) -> Iterator[tuple[str, train_opinion.Mail, Facts]]:
    """(name, mail, facts by the opinion that has not seen it, not judged yet)."""
    for part in parts:
        with (
            patch.object(opinion, "_weights", return_value=part.weights),
            patch.object(impression, "_weights", return_value=part.whole),
        ):
            for name in sorted(part.names & mails.keys()):
                mail = mails[name]
                with reading(mail.languages):
                    yield name, mail, _unjudged(mail.facts)


def _unjudged(facts: Facts) -> Facts:
    """*facts* without what was judged by other weights; rules and opinion stay, which take longest."""
    facts.__dict__.pop("first", None)
    return facts


def fit_rights(examples: Sequence[Example]) -> dict[str, float]:
    """Sign -> weight, in log-odds of a right."""
    signs, model = _fit(examples, FREEDOM_OF_RIGHTS)
    return _rounded(signs, model.coef_[0], model.intercept_[0])


def fit_kinds(examples: Sequence[Example]) -> Judgement:
    """Kind -> {sign: weight}."""
    signs, model = _fit(examples, FREEDOM_OF_KINDS)
    return {
        kind: _rounded(signs, model.coef_[at], model.intercept_[at]) for at, kind in enumerate(map(str, model.classes_))
    }


def _fit(examples: Sequence[Example], freedom: float) -> tuple[list[str], LogisticRegression]:
    counts = Counter(sign for each in examples for sign in each.signs)
    signs = sorted(sign for sign, count in counts.items() if count >= LEAST and sign != ALWAYS)
    numbers = {sign: number for number, sign in enumerate(signs)}
    rows = [{numbers[sign]: value for sign, value in each.signs.items() if sign in numbers} for each in examples]
    ends = np.cumsum([0, *map(len, rows)])
    values, columns = [value for row in rows for value in row.values()], [at for row in rows for at in row]
    model = LogisticRegression(C=freedom, max_iter=500)
    table = csr_matrix((values, columns, ends), (len(rows), len(signs)))
    return signs, model.fit(table, [each.truth for each in examples])


def _rounded(signs: Sequence[str], weights: Sequence[float], base: float) -> dict[str, float]:
    found = {sign: round(float(weight), 2) for sign, weight in zip(signs, weights, strict=True)}
    return {ALWAYS: round(float(base), 2)} | {sign: weight for sign, weight in found.items() if weight}


def learn(
    by_right: Mapping[str, Sequence[Example]], by_kind: Mapping[str, Example], names: frozenset[str]
) -> Judgement:
    """The weights that the mails *names* teach."""
    rights = [each for name, examples in by_right.items() if name in names for each in examples]
    return {"right": fit_rights(rights)} | fit_kinds([each for name, each in by_kind.items() if name in names])


def fit_certainty(examples: Sequence[Example]) -> dict[str, float]:
    """Sign -> weight, in log-odds of being exactly right."""
    signs, model = _fit(examples, FREEDOM_OF_CERTAINTY)
    return _rounded(signs, model.coef_[0], model.intercept_[0])


class Training(NamedTuple):
    """All from which the judgement learns."""

    mails: Mapping[str, train_opinion.Mail]
    trainers: Trainers
    parts: Sequence[Fold]
    judgements: Sequence[Judgement]  #: Of rights and kinds, each without the mails of a part.
    everything: Judgement  #: The same of all mails.
    by_certainty: Mapping[str, Example]

    @classmethod
    def of(cls, mails: Mapping[str, train_opinion.Mail]) -> "Training":
        """Train what is to be judged by, and judge every mail by what has not seen it."""
        trainers = Trainers.of(mails)
        parts = folds(mails, trainers)
        by_right = of_rights(mails, parts)
        by_kind = of_kinds(mails, parts, by_right)
        names = frozenset(mails)
        judgements = [learn(by_right, by_kind, names - part.names) for part in parts]
        everything = learn(by_right, by_kind, names)
        return cls(mails, trainers, parts, judgements, everything, of_certainty(mails, parts, judgements))

    def unseen(self) -> Iterator[tuple[Fold, Judgement]]:
        """Each part, and the judgement that all others teach."""
        for part, learned in zip(self.parts, self.judgements, strict=True):
            others = [each for name, each in self.by_certainty.items() if name not in part.names]
            yield part, learned | {"exact": fit_certainty(others)}

    def judged(self, names: frozenset[str]) -> Iterator[tuple[str, train_opinion.Mail, Facts]]:
        """(name, mail, facts) of *names*, judged first by opinions and a judgement that have not seen them."""
        for part, learned in self.unseen():
            with patch.object(judgement, "_weights", return_value=learned):
                for name, mail, facts in _judged(self.mails, [part]):
                    if name in names:
                        _ = facts.first  # kept, for it is judged by these weights
                        yield name, mail, facts


def write(training: Training) -> None:
    """The weights that everything teaches."""
    learned = training.everything | {"exact": fit_certainty([*training.by_certainty.values()])}
    text = json.dumps(learned, indent=0, ensure_ascii=False) + "\n"
    TARGET.write_text(text, encoding="utf-8")
    train_opinion.write(training.trainers.opinion.train())
    train_impression.write(training.trainers.whole.train())
