"""`dsar queue`: what waits for whom, most urgent first."""

import click

from dsar.cli.console import now, print_json, print_table, session


@click.command()
@click.option("--due", is_flag=True, help="Only what must leave within three days, or is late.")
@click.option("--state", help="Only requests in this state.")
@click.option("--mine", is_flag=True, help="Only cases that I handle.")
@click.option("--filed", is_flag=True, help="Instead: mail that was no request, of machines and lists, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per entry.")
@click.pass_context
def queue(ctx: click.Context, *, due: bool, state: str | None, mine: bool, filed: bool, as_json: bool) -> None:
    """Show what waits for whom, most urgent first."""
    from dsar.casework import views

    if filed:
        _show_filed(ctx, as_json=as_json)
        return
    with session(ctx) as opened:
        lines = [
            line
            for line in views.queue(opened.app, now=now())
            if not (due and line.days_left > 3) and (state is None or line.state == state)
        ]
        if mine:
            actor = opened.actor()
            lines = [line for line in lines if line.handler == actor]
    if as_json:
        for line in lines:
            print_json(line)
        return
    if not lines:
        click.echo("Nothing waits.")
        return
    print_table(
        ("Reference", "Waits for", "Received", "Send by", "Legal", "Days", "Handler", "Blocked by", "Flags"),
        [
            (
                line.reference,
                line.waits_for,
                line.received_on.isoformat(),
                line.send_by_on.isoformat(),
                line.legal_on.isoformat(),
                f"{line.days_left}{'!' if line.days_left <= 3 else ''}",
                line.handler or "-",
                "; ".join(line.blockers),
                " ".join(line.flags),
            )
            for line in lines
        ],
    )


def _show_filed(ctx: click.Context, *, as_json: bool) -> None:
    """What the program filed by itself, for whoever wants to check it; 'dsar sort' takes a mail up again."""
    from dsar.casework import views

    with session(ctx) as opened:
        opened.actor()
        lines = views.filed(opened.app)
    if as_json:
        for line in lines:
            print_json(line)
        return
    print_table(
        ("Reference", "Filed as", "Received", "Flags"),
        [(line.reference, line.disposition, line.received_on.isoformat(), " ".join(line.flags)) for line in lines],
    )
