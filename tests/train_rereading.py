"""
Labelled mails -> all weights of triage but the encoder's: `make train`.

Effects: reads tests/mails, writes opinion.tsv, impression.tsv, judgement.json and rereading.json in dsar/triage.
Held-back mails are never read.

How far the encoder may be trusted shows in mails that it has not seen (tests/mails/unseen_by_encoder.txt), judged first
by opinions and a judgement that have not seen them either.
"""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import train_judgement
import train_opinion
from train_judgement import Example, Judgement, Training, fit_certainty, fit_kinds, fit_rights, is_exact, kind_of

from dsar.model import Right
from dsar.triage import rereading
from dsar.triage.encoder import Hearing
from dsar.triage.judgement import Judged
from dsar.triage.rereading import judge_again, signs_of_certainty, signs_of_kind, signs_of_kinds, signs_of_right
from dsar.triage.signs import Witnesses

TARGET = Path(__file__).parents[1] / "dsar" / "triage" / "rereading.json"
UNSEEN = train_opinion.MAILS / "unseen_by_encoder.txt"
FOLDS = 5


class Reread(NamedTuple):
    """A mail that nobody has seen, and what all make of it."""

    mail: train_opinion.Mail
    first: Judged
    heard: Hearing
    seen: Witnesses


def unseen_by_encoder() -> frozenset[str]:
    """Names of the mails that the encoder has not learned from."""
    return frozenset(UNSEEN.read_text(encoding="utf-8").split())


def read_again(training: Training, unseen: frozenset[str]) -> dict[str, Reread]:
    """Name -> every mail of *unseen*, but those that the encoder does not read."""
    return {
        name: Reread(mail, facts.first, facts.heard, facts.witnesses)
        for name, mail, facts in training.judged(unseen)
        if facts.heard is not None
    }


def learn(mails: Sequence[Reread]) -> Judgement:
    """Weights of rights and kinds."""
    rights, kinds = [], []
    for mail, first, heard, seen in mails:
        both = dict(signs_of_kinds(first, heard))
        kinds.append(Example(signs_of_kind(first, heard) | both, kind_of(mail.label)))
        for right in Right:
            signs = signs_of_right(right, first, heard, seen) | both
            rights.append(Example(signs, right.value in mail.classes))
    return {"right": fit_rights(rights)} | fit_kinds(kinds)


def of_certainty(mails: Mapping[str, Reread]) -> list[Example]:
    """Whether what is found in a mail is exactly right, judged by weights that have not seen it."""
    found = []
    for part in _folds(mails):
        learned = learn([each for name, each in mails.items() if name not in part])
        with patch.object(rereading, "_weights", return_value=learned | {"exact": {}}):
            for name in part:
                mail, first, heard, seen = mails[name]
                judged = judge_again(first, heard, seen)
                if judged.wanted:
                    signs = signs_of_certainty(judged, first, heard, seen)
                    found.append(Example(signs, is_exact(judged, mail)))
    return found


def _folds(mails: Mapping[str, Reread]) -> list[list[str]]:
    names = sorted(mails)
    random.Random(FOLDS).shuffle(names)
    return [names[at::FOLDS] for at in range(FOLDS)]


def learned_from(mails: Mapping[str, Reread]) -> Judgement:
    """All weights of the rereading."""
    return learn([*mails.values()]) | {"exact": fit_certainty(of_certainty(mails))}


def main() -> None:
    """Train all from everything that is labelled, but for what is held back."""
    training = Training.of(train_opinion.read_all())
    learned = learned_from(read_again(training, unseen_by_encoder()))
    train_judgement.write(training)
    TARGET.write_text(json.dumps(learned, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
