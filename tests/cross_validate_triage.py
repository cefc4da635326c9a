"""
How triage sorts labelled mails that its weights have not seen: `python tests/cross_validate_triage.py`.

Effects: reads tests/mails, prints. Five times the opinions and the judgement are trained without a fifth of the mails,
which are then sorted. The rules have been made with the mails of `training` in sight; only what is held back tells
about them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import mail_report
import train_judgement
import train_opinion
from annotated_mails import read_annotated

from dsar.model import SenderAuthentication
from dsar.triage import triage

#: What the labels of annotated mails tell nothing about.
_UNTOLD = ("identifiers of requests found", "identifiers that are foreign")


def sort_unseen() -> list[mail_report.Sorted]:
    """Every mail, sorted with weights that have not seen it."""
    mails = train_opinion.read_all()
    parts = train_judgement.folds(mails, train_judgement.Trainers.of(mails))
    by_right = train_judgement.of_rights(mails, parts)
    by_kind = train_judgement.of_kinds(mails, parts, by_right)
    by_certainty = train_judgement.of_certainty(mails, parts, by_right, by_kind)
    found: list[mail_report.Sorted] = []
    for part in parts:
        learned = train_judgement.learn(by_right, by_kind, frozenset(mails) - part.names)
        others = [each for name, each in by_certainty.items() if name not in part.names]
        learned["exact"] = train_judgement.fit_certainty(others)
        with train_judgement.using(part, learned):
            found += mail_report.sort_all(mail_report.MAILS / "training", only=part.names)
            found += _sort_annotated(part.names)
    return found


def _sort_annotated(names: frozenset[str]) -> Iterator[mail_report.Sorted]:
    for name, each in read_annotated().items():
        if name in names:
            result = triage(each.mail, sender_authentication=SenderAuthentication.NONE)
            yield mail_report.Sorted(Path(name), each.label | {"identifiers": []}, result)


def report(found: Sequence[mail_report.Sorted]) -> Iterator[str]:
    """Figures of the annotated mails, then the whole report of the others."""
    annotated = [mail for mail in found if ":" in mail.path.name]
    yield f"annotated: {len(annotated)} mails"
    for name, (k, n) in mail_report.figures(annotated).items():
        if name not in _UNTOLD:
            yield f"  {name:52} {mail_report.share(k, n)}"
    for mail in annotated:
        if mail.is_lost or not (mail.is_right or mail.result.needs_person):
            yield f"  WRONG {mail.path}: {mail.accepted} {mail.wanted}, found {mail.disposition} {mail.found}"
    yield from mail_report.report([mail for mail in found if ":" not in mail.path.name])


def main() -> None:
    """Figures of all mails that may be learned from."""
    print("\n".join(report(sort_unseen())))  # noqa: T201  # this is what it is for


if __name__ == "__main__":
    main()
