"""The labelled mails of tests/mails/training: each is sorted as its label says, but for the misses that are listed."""

import json
from functools import cache
from pathlib import Path

import mail_report
import pytest

pytestmark = pytest.mark.xdist_group("training mails")  # sorted once

#: training/NAME -> what is wrong with it. Who mends one strikes it out here.
MISSES = json.loads((Path(__file__).parent / "mails" / "misses.json").read_text(encoding="utf-8"))
#: At most k, or at least k per cent, of the training mails, which all opinions have learned from: no worse than it was,
#: which says nothing of mail that nobody has seen. Raise them with the figures.
CEILINGS = {"requests filed as noise": 0, "wrong without a person": 1}
FLOORS = {
    "requests with exactly the right rights": 92,
    "requests in sv, en, no, da right without a person": 47,
    "of these, one's own and without a flag": 63,
    "noise filed without a person": 52,
    "identifiers of requests found": 92,
}
MOST_FOREIGN = 7


@cache
def mails() -> dict[str, mail_report.Sorted]:
    return {mail.name: mail for mail in mail_report.sort_all(mail_report.MAILS / "training")}


@pytest.mark.parametrize("name", [path.stem for path in sorted((mail_report.MAILS / "training").glob("*.eml"))])
def test_training_mail(name: str) -> None:
    """Disposition and rights are the label's, or the mail is a known miss, and then it is still one."""
    mail = mails()[name]
    if f"training/{name}" in MISSES:
        assert not mail.is_right, "it is right now: strike it out of misses.json"
    else:
        assert mail.is_right, [*mail.details(), *mail.result.reasons]


@pytest.mark.parametrize("name", CEILINGS)
def test_gate(name: str) -> None:
    """No request is lost, and the program acts alone only where it is right."""
    assert mail_report.figures(list(mails().values()))[name][0] <= CEILINGS[name]


@pytest.mark.parametrize("name", FLOORS)
def test_figure_does_not_fall(name: str) -> None:
    hits, of = mail_report.figures(list(mails().values()))[name]
    assert 100 * hits >= FLOORS[name] * of


def test_few_identifiers_are_somebody_elses() -> None:
    foreign, of = mail_report.figures(list(mails().values()))["identifiers that are foreign"]
    assert 100 * foreign <= MOST_FOREIGN * of


def test_listed_misses_are_mails() -> None:
    listed = {name.removeprefix("training/") for name in MISSES if name.startswith("training/")}
    assert listed <= set(mails())
