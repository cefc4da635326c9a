"""
How triage sorts labelled mails that its second opinion has not seen: `python tests/cross_validate_triage.py`.

Effects: reads tests/mails, prints. Five times the opinion is trained without a fifth of the mails, which are then
sorted. The rules have been made with all of these mails in sight; only what is held back tells about them.
"""

import random
from unittest.mock import patch

import mail_report
import train_opinion

from dsar.triage import opinion

FOLDS = 5


def main() -> None:
    """Figures of all training mails together."""
    sentences = [*train_opinion.read_sentences(), *train_opinion.read_grammar(), *train_opinion.read_short()]
    mails = train_opinion.read_mails([mail_report.MAILS / "training"])
    names = sorted(mails)
    random.Random(FOLDS).shuffle(names)
    found: list[mail_report.Sorted] = []
    for fold in range(FOLDS):
        unseen = frozenset(names[fold::FOLDS])
        trainer = train_opinion.Trainer(sentences, {name: mail for name, mail in mails.items() if name not in unseen})
        weights = train_opinion.merged(trainer, trainer.train())
        with patch.object(opinion, "_weights", return_value=weights):
            found += mail_report.sort_all(mail_report.MAILS / "training", only=unseen)
    print("\n".join(mail_report.report(found)))  # noqa: T201  # this is what it is for


if __name__ == "__main__":
    main()
