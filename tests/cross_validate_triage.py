"""
How triage sorts labelled mails that its weights have not seen: `python tests/cross_validate_triage.py`.

Effects: reads tests/mails, prints. Of the mails that the encoder has not seen, five times a fifth is sorted by
opinions, a judgement and a rereading that are trained without it. The rules have been made with the mails of `training`
in sight; only what is held back tells about them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import mail_report
import train_opinion
from annotated_mails import read_annotated
from train_judgement import Fold, Judgement, Training
from train_rereading import learned_from, read_again, unseen_by_encoder

from dsar.model import SenderAuthentication
from dsar.triage import impression, judgement, opinion, rereading, triage

#: What the labels of annotated mails tell nothing about.
_UNTOLD = ("identifiers of requests found", "identifiers that are foreign")


def sort_unseen() -> list[mail_report.Sorted]:
    """Every mail that the encoder has not seen, sorted with other weights that have not seen it either."""
    training = Training.of(train_opinion.read_all())
    unseen = unseen_by_encoder()
    reread = read_again(training, unseen)
    found: list[mail_report.Sorted] = []
    for part, judged in training.unseen():
        again = learned_from({name: each for name, each in reread.items() if name not in part.names})
        names = part.names & unseen
        with using(part, judged, again):
            found += mail_report.sort_all(mail_report.MAILS / "training", only=names)
            found += _sort_annotated(names)
    return found


@contextmanager
def using(part: Fold, judged: Judgement, again: Judgement) -> Iterator[None]:
    """Sort by these weights instead of the package's."""
    with ExitStack() as stack:
        for module, weights in (
            (opinion, part.weights), (impression, part.whole), (judgement, judged), (rereading, again),
        ):  # fmt: skip
            stack.enter_context(patch.object(module, "_weights", return_value=weights))
        yield


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
