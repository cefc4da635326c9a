"""
`dsar stats`: the requests in the database -> figures for a month or another period, on stdout.

Effects: reads the database, writes to stdout.
"""

from collections.abc import Callable
from datetime import date

import click

from dsar.cli.console import now, print_table, session
from dsar.deadlines import received_on
from dsar.errors import UsageError
from dsar.monthly_statistics import MonthlyStatistics, as_csv, as_json, as_rows, month, summarise


@click.command()
@click.option("--month", "month_text", metavar="YYYY-MM", help="Calendar month; default: the current one so far.")
@click.option("--from", "from_text", metavar="DATE", help="First day of another period.")
@click.option("--to", "to_text", metavar="DATE", help="Last day of another period.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--json", "as_json_too", is_flag=True, help="The same as --format json.")
@click.pass_context
def stats(
    ctx: click.Context,
    *,
    month_text: str | None,
    from_text: str | None,
    to_text: str | None,
    form: str,
    as_json_too: bool,
) -> None:
    """Show how many requests came, were answered and are late; names nobody."""
    today = received_on(now())
    first_on, last_on = _period(month_text, from_text, to_text, today=today)
    from dsar.casework import figures

    with session(ctx, for_anybody=True) as opened:
        times = figures.request_times(opened.app)
    result = summarise(times, first_on=first_on, last_on=last_on, today=today)
    _PRINT["json" if as_json_too else form](result)


def _period(month_text: str | None, from_text: str | None, to_text: str | None, *, today: date) -> tuple[date, date]:
    if month_text is not None and (from_text, to_text) != (None, None):
        raise UsageError("Give either --month or --from and --to.")
    if (from_text is None) != (to_text is None):
        raise UsageError("--from and --to belong together.")
    if from_text is None or to_text is None:
        return _month(month_text or f"{today:%Y-%m}")
    try:
        first_on, last_on = date.fromisoformat(from_text), date.fromisoformat(to_text)
    except ValueError:
        raise UsageError("--from and --to are dates such as 2026-10-01.") from None
    if last_on < first_on:
        raise UsageError("--to lies before --from.")
    return first_on, last_on


def _month(text: str) -> tuple[date, date]:
    year, _, number = text.partition("-")
    try:
        return month(int(year), int(number))
    except ValueError:
        raise UsageError(f"--month {text!r} is no month; write 2026-10.") from None


def _print_table(result: MonthlyStatistics) -> None:
    headings, *rows = as_rows(result)
    click.echo(f"{result.first_on} to {result.last_on}, as of {result.as_of}\n")
    print_table(headings, rows)


_PRINT: dict[str, Callable[[MonthlyStatistics], None]] = {
    "table": _print_table,
    "json": lambda result: click.echo(as_json(result)),
    "csv": lambda result: click.echo(as_csv(result), nl=False),
}
