"""
`dsar stats`: the requests in the database -> figures for a month or another period, on stdout or in a file.

Effects: reads the database, writes to stdout or the file.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from dsar.cli.console import now, print_table, save_private, say, session
from dsar.deadlines import month_of, received_on
from dsar.errors import UsageError
from dsar.locale import _, said
from dsar.locale import language as spoken

if TYPE_CHECKING:
    from dsar.monthly_statistics import MonthlyStatistics, Published


@click.command()
@click.option("--month", "month_text", metavar="YYYY-MM", help="Calendar month; default: the current one so far.")
@click.option("--quarter", "quarter_text", metavar="YYYY-QN", help="Calendar quarter, e.g. 2026-Q3.")
@click.option("--from", "from_text", metavar="DATE", help="First day of another period.")
@click.option("--to", "to_text", metavar="DATE", help="Last day of another period.")
@click.option(
    "--publish", "is_public", is_flag=True, help="Only counts that tell of no single person, in whole months."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "html", "pdf"]), default="table", show_default=True
)
@click.option("--json", "as_json_too", is_flag=True, help="The same as --format json.")
@click.option(
    "--lang", "language", type=click.Choice(["sv", "en"]), default="sv", show_default=True, help="Of html, pdf."
)
@click.option("--to-file", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to stdout.")
@click.pass_context
def stats(
    ctx: click.Context,
    *,
    month_text: str | None,
    quarter_text: str | None,
    from_text: str | None,
    to_text: str | None,
    is_public: bool,
    form: str,
    as_json_too: bool,
    language: str,
    to_file: Path | None,
) -> None:
    """Show how many requests came, how fast they were answered and what is late; names nobody."""
    form = "json" if as_json_too else form
    today = received_on(now())
    first_on, last_on = _period(month_text, quarter_text, from_text, to_text, today=today)
    if is_public and form in {"html", "pdf"}:
        raise UsageError("--publish gives table, json or csv.")
    if (form == "pdf") > (to_file is not None) or (form == "table" and to_file is not None):
        raise UsageError("--to-file FILE is for json, csv, html and pdf; a pdf needs it.")
    from dsar import monthly_statistics
    from dsar.casework import figures

    with session(ctx, for_anybody=True, shows_only=True) as opened:
        company = opened.app.controller.name
        if is_public:
            times = figures.request_times(opened.app)
            published = monthly_statistics.publish(times, first_on=first_on, last_on=last_on, today=today)
            _print_published(published, form, to_file)
            return
        result = figures.statistics(opened.app, first_on=first_on, last_on=last_on, today=today)
    if form == "table":
        _print_tables(result)
    else:
        _write(_FORMS[form](result, company, language), to_file)


#: Form -> what makes it of the figures, the company's name and the language.
_FORMS: dict[str, "Callable[[MonthlyStatistics, str, str], str | bytes]"] = {
    "json": lambda result, _company, _language: _statistics().as_json(result),
    "csv": lambda result, _company, _language: _statistics().as_csv(result),
    "html": lambda result, company, language: _as_html(result, company=company, language=language),
    "pdf": lambda result, company, language: _as_pdf(result, company=company, language=language),
}


def _statistics() -> ModuleType:
    from dsar import monthly_statistics

    return monthly_statistics


def _as_html(result: "MonthlyStatistics", *, company: str, language: str) -> str:
    from dsar.monthly_statistics.page import as_html  # drawing is slow to load

    return as_html(result, company=company, language=language)


def _as_pdf(result: "MonthlyStatistics", *, company: str, language: str) -> bytes:
    from dsar.monthly_statistics.sheet import as_pdf

    return as_pdf(result, company=company, language=language)


def _write(content: str | bytes, to_file: Path | None) -> None:
    if to_file is None:
        click.echo(content, nl=not str(content).endswith("\n"))
    else:
        save_private(to_file.parent, to_file.name, content.encode() if isinstance(content, str) else content)


def _print_tables(result: "MonthlyStatistics") -> None:
    headings, *rows = _statistics().as_rows(result, spoken())
    say("{first} to {last}, as of {today}", first=result.first_on, last=result.last_on, today=result.as_of)
    click.echo()
    print_table(headings, rows, are_names=True)
    if result.one_by_one:
        click.echo()
        say("Of rights of which fewer than ten were closed, each:")
        print_table(
            ("Case", "Right", "Days", "Net", ""),
            [
                (
                    each.reference,
                    each.right or "-",
                    str(each.gross_days),
                    str(each.net_days),
                    _("late") if each.late else "",
                )
                for each in result.one_by_one
            ],
        )
    if result.held_up:
        click.echo()
        say("Systems that cases waited for:")
        print_table(
            ("System", "Owner", "Cases", "Days"),
            [(each.system, each.owner or "-", str(each.cases), str(each.days)) for each in result.held_up],
        )
    if result.outages:
        click.echo()
        say("Mail did not flow:")
        print_table(
            ("What", "From (UTC)", "Until"),
            [
                (
                    each.what,
                    f"{each.began_at:%Y-%m-%d %H:%M}",
                    f"{each.ended_at:%Y-%m-%d %H:%M}" if each.ended_at else _("now"),
                )
                for each in result.outages
            ],
        )


def _print_published(published: "Published", form: str, to_file: Path | None) -> None:
    statistics = _statistics()
    if form == "table":
        _headings, *rows = statistics.published_rows(published)
        print_table(("From", "To", "Rights", "Received", "In time", "Late"), rows)
    else:
        made: str = statistics.published_json(published) if form == "json" else statistics.published_csv(published)
        _write(made, to_file)


# ------------------------------------------------------------------------------------------------------- the period


def _period(
    month_text: str | None, quarter_text: str | None, from_text: str | None, to_text: str | None, *, today: date
) -> tuple[date, date]:
    given = [month_text is not None, quarter_text is not None, (from_text, to_text) != (None, None)]
    if sum(given) > 1:
        raise UsageError("Give either --month, --quarter, or --from and --to.")
    if (from_text is None) != (to_text is None):
        raise UsageError("--from and --to belong together.")
    if quarter_text is not None:
        return _quarter(quarter_text)
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
        return month_of(int(year), int(number))
    except ValueError:
        raise UsageError(said("--month {text!r} is no month; write 2026-10.", text=text)) from None


def _quarter(text: str) -> tuple[date, date]:
    year, _, number = text.upper().partition("-Q")
    try:
        last_month = 3 * int(number)
        return month_of(int(year), last_month - 2)[0], month_of(int(year), last_month)[1]
    except ValueError:
        raise UsageError(said("--quarter {text!r} is no quarter; write 2026-Q3.", text=text)) from None
