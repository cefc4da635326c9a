"""
`dsar clock`: a time of receipt -> the statutory dates with their explanation, on stdout.

Effects: writes to stdout; touches no state.
"""

import json
from dataclasses import replace
from datetime import date, datetime

import click

from dsar.cli.console import wrap, writes_to_terminal
from dsar.clock import Question, QuestionKind, run
from dsar.deadlines import STOCKHOLM, name_of, received_on
from dsar.errors import UsageError
from dsar.locale import _, said, tell
from dsar.model import Deadlines, Right

#: (key in JSON, label in text, field of Deadlines, belongs to the extension)
ROWS = (
    ("received", "Received", "received_on", False),
    ("nominal", "One month", "nominal_on", False),
    ("legal", "Legal limit", "legal_on", False),
    ("send_by", "Send by", "send_by_on", False),
    ("ext_nominal", "Extended", "extended_nominal_on", True),
    ("ext_legal", "Extended limit", "extended_legal_on", True),
    ("ext_send_by", "Extended send by", "extended_send_by_on", True),
)


@click.command()
@click.argument("received", metavar="DATETIME")
@click.option(
    "--pause", "pauses", multiple=True, metavar="FROM..TO", help="A question went out on FROM, answered on TO."
)
@click.option("--right", type=click.Choice([each.value for each in Right]), default="access", show_default=True)
@click.option("--extend", is_flag=True, help="Show the dates after an extension by two months too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def clock(received: str, pauses: tuple[str, ...], right: str, *, extend: bool, as_json: bool) -> None:
    """
    Compute the statutory dates for a time of receipt.

    A question pauses the clock only if it was asked without undue delay and the right is one that can wait. DATETIME is
    ISO 8601: a date or a time without offset is Stockholm time, a time with offset or Z is converted.
    """
    received_date = _parse_received(received)
    periods = [_parse_pause(pause, received_date) for pause in pauses]
    try:
        found = run(received_date, Right(right), questions=[_question(*period) for period in periods])
    except (OverflowError, ValueError):
        raise UsageError(said("{received!r} is too far away to compute dates for.", received=received)) from None
    result = replace(found.dates, send_by_on=found.send_by_on)
    click.echo(_as_json(result, found.explanation) if as_json else _as_text(result, found.explanation, extend=extend))


def _parse_received(text: str) -> date:
    try:
        if len(text) == len("2026-11-25"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return received_on(moment if moment.tzinfo else moment.replace(tzinfo=STOCKHOLM))
    except (OverflowError, ValueError):
        raise UsageError(
            said("{text!r} is no date or time; write 2026-11-25 or 2026-11-25T14:30+01:00.", text=text)
        ) from None


def _parse_pause(text: str, received: date) -> tuple[date, date]:
    asked_text, _, answered_text = text.partition("..")
    try:
        asked_on, answered_on = date.fromisoformat(asked_text), date.fromisoformat(answered_text)
    except ValueError:
        raise UsageError(said("--pause {text!r} is not FROM..TO; write 2026-11-26..2026-12-03.", text=text)) from None
    if not received <= asked_on <= answered_on:
        raise UsageError(
            said(
                "--pause {text!r} must begin on or after the day of receipt and end no earlier than it begins.",
                text=text,
            )
        )
    return asked_on, answered_on


def _question(asked_on: date, answered_on: date) -> Question:
    return Question(kind=QuestionKind.IDENTITY, left_on=asked_on, answered_on=answered_on)


def _as_json(result: Deadlines, explanation: tuple[str, ...]) -> str:
    dates = {key: getattr(result, field).isoformat() for key, _label, field, _of_extension in ROWS}
    return json.dumps(dates | {"explanation": explanation}, ensure_ascii=False)


def _as_text(result: Deadlines, explanation: tuple[str, ...], *, extend: bool) -> str:
    widest = max(len(_(label)) for _key, label, _field, _of_extension in ROWS) + 1
    rows = [
        f"{_(label):<{widest}} {getattr(result, field).isoformat()} {_weekday(getattr(result, field))}"
        for _key, label, field, of_extension in ROWS
        if extend or not of_extension
    ]
    sentences = map(tell, explanation)
    return "\n".join([*rows, "", *(map(wrap, sentences) if writes_to_terminal() else sentences)])


def _weekday(day: date) -> str:
    return tell(name_of(day)).partition(" ")[0]
