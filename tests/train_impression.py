"""
Labelled mails and sentences -> the weights of the third opinion.

Effects: reads tests/mails; `write` writes dsar/triage/impression.tsv. Deterministic. Held-back mails are never read.

A line of tests/mails/sentences counts as a mail of one sentence, and for less than a mail. One that exercises nothing
alone makes no request; of the other kinds it says nothing: it may be a greeting, and stand in any.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from train_opinion import NOISE, RIGHTS, VAGUE, Mail, Sentence

from dsar.triage.compact import written
from dsar.triage.impression import BASE, LENGTH, TARGETS, features, parts_of

TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "impression.tsv"
#: How freely the weights follow the examples: of the values that were tried, the best on files that had not been seen.
FREEDOM = 2.0
#: Where a fit stops; by the dual problem, as the second opinion.
STEPS, CLOSE = 60, 2e-2
#: A feature stands in so many mails at least; of its weights those below are left out.
LEAST_EXAMPLES, SMALLEST = 4, 0.06
#: How much a single sentence counts, beside a mail.
SINGLE = 0.3

#: What a sentence does not tell.
UNTOLD = -1

#: As they are stored: feature -> hundredths of each target, parted by blanks.
Stored = dict[str, str]


def kind_of(mail: Mail) -> str:
    """What the label says first."""
    given = mail.label["disposition"]
    best = given if isinstance(given, str) else given[0]
    return "noise" if best in NOISE else best


class Trainer:
    """Mails as rows of numbers, made once for all that is trained from a part of them."""

    def __init__(self, lines: Sequence[Sentence], mails: Mapping[str, Mail]) -> None:
        """Take *mails*, and *lines* as mails of one sentence."""
        rows = [*(_counted(("", line.text)) for line in lines), *(_counted(m.facts.sentences) for m in mails.values())]
        counts = Counter(feature for row in rows for feature in row)
        self._names = sorted(feature for feature, count in counts.items() if count >= LEAST_EXAMPLES)
        numbers = {feature: number for number, feature in enumerate(self._names)}
        cells = [
            (numbers[feature], count * LENGTH / np.sqrt(sum(row.values()) or 1))
            for row in rows
            for feature, count in row.items()
            if feature in numbers
        ]
        ends = np.cumsum([0, *(sum(feature in numbers for feature in row) for row in rows)])
        values, columns = [value for _, value in cells], [column for column, _ in cells]
        self._rows = csr_matrix((values, columns, ends), (len(rows), len(numbers)))
        self._owners = np.array([*("" for _ in lines), *mails])
        self._counts = np.array([*(SINGLE for _ in lines), *(1.0 for _ in mails)])
        self._truths = {
            name: np.array([*(_told(name, line) for line in lines), *(_holds(name, mail) for mail in mails.values())])
            for name in TARGETS
        }

    def train(self, without: Collection[str] = ()) -> Stored:
        """The weights that all but the mails *without* teach, without what is negligible."""
        used = ~np.isin(self._owners, sorted(without))
        fits = [self._fit(used, truth) for truth in self._truths.values()]
        table = np.array([fit.coef_[0] for fit in fits]).T
        hundredths = np.rint(np.where(np.abs(table) >= SMALLEST, table, 0.0) * 100).astype(int).tolist()
        found = {BASE: _packed([round(100 * float(fit.intercept_[0])) for fit in fits])}
        return found | {name: _packed(row) for name, row in zip(self._names, hundredths, strict=True) if any(row)}

    def _fit(self, used: Any, truth: Any) -> LogisticRegression:
        known = used & (truth != UNTOLD)
        model = LogisticRegression(C=FREEDOM, solver="liblinear", dual=True, max_iter=STEPS, tol=CLOSE, random_state=0)
        return model.fit(self._rows[known], truth[known] > 0, sample_weight=self._counts[known])


def _counted(sentences: Sequence[str]) -> Counter[str]:
    words, rows = features(sentences)
    return Counter([*(part for word in words for part in parts_of(word)), *rows])


def _holds(name: str, mail: Mail) -> int:
    """Whether a mail is of the target *name*."""
    if name == "several":
        return len(RIGHTS & mail.classes) > 1
    return name in mail.classes if name in RIGHTS else name == kind_of(mail)


def _told(name: str, line: Sentence) -> int:
    """Whether a sentence alone would be a mail of the target *name*, or UNTOLD."""
    if name == "several":  # a sentence that asks for one thing says nothing of a mail
        return len(RIGHTS & line.classes) > 1 or UNTOLD
    if name in RIGHTS:
        return name in line.classes
    if name == "request":
        return bool(RIGHTS & line.classes) and not line.classes & VAGUE
    return name in line.classes if line.classes else UNTOLD


def _packed(row: Sequence[int]) -> str:
    return " ".join(str(each) if each else "" for each in row).rstrip(" ")


def write(weights: Stored, target: Path = TARGET) -> None:
    """One line per feature, so that a diff shows a change."""
    target.write_bytes(written(weights))
