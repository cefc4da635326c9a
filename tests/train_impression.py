"""
Labelled mails -> the weights of the third opinion.

Effects: reads tests/mails; `write` writes dsar/triage/impression.tsv. Deterministic. Held-back mails are never read.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from train_opinion import NOISE, RIGHTS, Mail

from dsar.triage.compact import written
from dsar.triage.impression import BASE, LENGTH, TARGETS, features, parts_of

TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "impression.tsv"
#: How freely the weights follow the examples: of the values that were tried, the best on files that had not been seen.
FREEDOM = 2.0
#: Where a fit stops; by the dual problem, as the second opinion.
STEPS, CLOSE = 60, 2e-2
#: A feature stands in so many mails at least; of its weights those below are left out.
LEAST_EXAMPLES, SMALLEST = 4, 0.06

#: As they are stored: feature -> hundredths of each target, parted by blanks.
Stored = dict[str, str]


def kind_of(mail: Mail) -> str:
    """What the label says first."""
    given = mail.label["disposition"]
    best = given if isinstance(given, str) else given[0]
    return "noise" if best in NOISE else best


class Trainer:
    """Mails as rows of numbers, made once for all that is trained from a part of them."""

    def __init__(self, mails: Mapping[str, Mail]) -> None:
        rows = [_counted(mail) for mail in mails.values()]
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
        self._mails = np.array([*mails])
        self._truths = {name: np.array([_holds(name, mail) for mail in mails.values()]) for name in TARGETS}

    def train(self, without: Collection[str] = ()) -> Stored:
        """The weights that all but the mails *without* teach, without what is negligible."""
        used = ~np.isin(self._mails, sorted(without))
        rows = self._rows[used]
        fits = [_fit(rows, truth[used]) for truth in self._truths.values()]
        table = np.array([fit.coef_[0] for fit in fits]).T
        hundredths = np.rint(np.where(np.abs(table) >= SMALLEST, table, 0.0) * 100).astype(int).tolist()
        found = {BASE: _packed([round(100 * float(fit.intercept_[0])) for fit in fits])}
        return found | {name: _packed(row) for name, row in zip(self._names, hundredths, strict=True) if any(row)}


def _counted(mail: Mail) -> Counter[str]:
    words, rows = features(mail.facts.sentences)
    return Counter([*(part for word in words for part in parts_of(word)), *rows])


def _holds(name: str, mail: Mail) -> bool:
    if name == "several":
        return len(RIGHTS & mail.classes) > 1
    return name in mail.classes if name in RIGHTS else name == kind_of(mail)


def _fit(rows: csr_matrix, truth: Any) -> LogisticRegression:
    model = LogisticRegression(C=FREEDOM, solver="liblinear", dual=True, max_iter=STEPS, tol=CLOSE, random_state=0)
    return model.fit(rows, truth)


def _packed(row: Sequence[int]) -> str:
    return " ".join(str(each) if each else "" for each in row).rstrip(" ")


def write(weights: Stored, target: Path = TARGET) -> None:
    """One line per feature, so that a diff shows a change."""
    target.write_bytes(written(weights))
