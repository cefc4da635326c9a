"""`dsar queue`: what waits for whom, most urgent first."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, now, paint, print_json, print_table, say, session, sign_of, wrap, writes_to_terminal
from dsar.errors import UsageError
from dsar.locale import _, ngettext, said, tell
from dsar.model import Right

if TYPE_CHECKING:
    from dsar.casework.waiting import QueueLine

#: Days before the planned date from which on an entry is due.
DUE_WITHIN = 3


@click.command()
@click.option("--due", is_flag=True, help="Only what must leave within three days, or is late.")
@click.option("--state", metavar="STATE", help="Only requests in this state.")
@click.option("--mine", is_flag=True, help="Only cases that I handle, or that I stand in for while others are away.")
@click.option("--handler", metavar="LOGIN", help="Only cases that this member of staff handles.")
@click.option("--right", type=click.Choice([right.value for right in Right]), help="Only requests of this right.")
@click.option("--flag", metavar="FLAG", help="Only what carries this flag.")
@click.option("--filed", is_flag=True, help="Instead: mail that was no request, of machines and lists, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per entry.")
@click.pass_context
def queue(
    ctx: click.Context,
    *,
    due: bool,
    state: str | None,
    mine: bool,
    handler: str | None,
    right: str | None,
    flag: str | None,
    filed: bool,
    as_json: bool,
) -> None:
    """Show what waits for whom, most urgent first."""
    from dsar.casework import waiting
    from dsar.deadlines import received_on

    if filed:
        _show_filed(ctx, as_json=as_json)
        return
    with session(ctx, shows_only=True) as opened:
        everything = waiting.queue(opened.app, now=now())
        handlers: Collection[str] | None = None
        if mine:
            handlers = opened.app.settings.stands_in_for(opened.actor(), received_on(now()))
        if handler is not None:
            if handler not in opened.app.settings.members:
                members = ", ".join(opened.app.settings.members)
                raise UsageError(
                    said("No member of staff is called {login!r}; there are {members}.", login=handler, members=members)
                )
            handlers = {handler} & set(handlers if handlers is not None else {handler})
    lines = [
        line
        for line in everything
        if not (due and line.days_left > DUE_WITHIN)
        and state in {None, line.state}
        and (handlers is None or line.handler in handlers)
        and (right is None or line.reference.endswith(f"/{right}"))
        and (flag is None or flag in line.flags)
    ]
    if as_json:
        for line in lines:
            print_json(line)
    elif lines:
        _print_lines(lines)
        _print_sum(lines)
    elif everything:
        say("Nothing waits that fits; without filters there are {count} entries.", count=len(everything))
    else:
        say("Nothing waits.")


def _print_lines(lines: Sequence["QueueLine"]) -> None:
    if writes_to_terminal():
        _print_narrow(lines)
        return
    print_table(
        ("", "Reference", "Waits for", "Received", "Send by", "Legal", "Days", "Handler", "Blocked by", "Flags"),
        [
            (
                sign_of(line.days_left, DUE_WITHIN)[0],
                line.reference,
                _(line.waits_for),
                line.received_on.isoformat(),
                line.send_by_on.isoformat(),
                line.legal_on.isoformat(),
                str(line.days_left),
                line.handler or "-",
                "; ".join(map(tell, line.blockers)),
                " ".join(line.flags),
            )
            for line in lines
        ],
    )


def _print_narrow(lines: Sequence["QueueLine"]) -> None:
    """In 80 columns: a line for each entry, and below it what holds it up."""
    rows = [(line.reference, _(line.waits_for)) for line in lines]
    heads = (_("Reference"), _("Waits for"))
    first, second = (max(len(row[at]) for row in [heads, *rows]) for at in (0, 1))
    dated = [max(len(name), 10) for name in (_("Send by"), _("Legal"))]
    days = max(len(_("Days")), 4)
    names = f"   {heads[0]:<{first}}  {heads[1]:<{second}}"
    head = f"{names}  {_('Send by'):<{dated[0]}}  {_('Legal'):<{dated[1]}}  {_('Days'):>{days}}"
    click.echo(paint(head, None, bold=True))
    for line, (reference, waits_for) in zip(lines, rows, strict=True):
        sign, colour = sign_of(line.days_left, DUE_WITHIN)
        text = f"{sign:<2} {reference:<{first}}  {waits_for:<{second}}"
        dates = f"{line.send_by_on!s:<{dated[0]}}  {line.legal_on!s:<{dated[1]}}  {line.days_left:>{days}}"
        click.echo(paint(clean(f"{text}  {dates}"), colour))
        if below := _below(line):
            click.echo(wrap(clean(below), indent="     "))


def _below(line: "QueueLine") -> str:
    parts = [f"{_('Handler')}: {line.handler}"] if line.handler else []
    if line.blockers:
        parts.append(f"{_('Blocked by')}: {'; '.join(map(tell, line.blockers))}")
    if line.flags:
        parts.append(f"{_('Flags')}: {' '.join(line.flags)}")
    return ". ".join(parts)


def _print_sum(lines: Sequence["QueueLine"]) -> None:
    late = sum(line.days_left < 0 for line in lines)
    due = sum(0 <= line.days_left <= DUE_WITHIN for line in lines)
    parts = [ngettext("{count} entry", "{count} entries", len(lines))]
    parts += [f"!! {ngettext('{count} late', '{count} late', late)}"] if late else []
    parts += [f"! {ngettext('{count} due within three days', '{count} due within three days', due)}"] if due else []
    next_command = _("'dsar review' walks through what waits for a person.")
    click.echo()
    click.echo(wrap(f"{', '.join(parts)}. {next_command}"))


def _show_filed(ctx: click.Context, *, as_json: bool) -> None:
    """What the program filed by itself, for whoever wants to check it; 'dsar sort' takes a mail up again."""
    from dsar.casework import waiting

    with session(ctx, shows_only=True) as opened:
        opened.actor()
        lines = waiting.filed(opened.app)
    if as_json:
        for line in lines:
            print_json(line)
        return
    print_table(
        ("Reference", "Filed as", "Received", "Flags"),
        [(line.reference, line.disposition, line.received_on.isoformat(), " ".join(line.flags)) for line in lines],
    )
