"""`dsar notices`: recipients of the data, who are told of a change (Art. 19)."""

import click

from dsar.cli.console import clean, now, print_field, print_json, print_table, say, session


@click.group(invoke_without_command=True)
@click.option("--case", "reference", metavar="CASE", help="Only those of this case.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per notice.")
@click.pass_context
def notices(ctx: click.Context, *, reference: str | None, as_json: bool) -> None:
    """Tell recipients of the data of a change (Art. 19); without a subcommand: show who is told of what."""
    if ctx.invoked_subcommand is not None:
        return
    from dsar.casework import recipients, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor()) if reference else None
        found = recipients.lines(opened.app, case=case)
    if as_json:
        for line in found:
            print_json(line)
        return
    if not found:
        say("Nobody is to be told of anything.")
        return
    print_table(
        ("No", "Of", "Recipient", "Address", "State", "Reminders", "Why"),
        [(str(n.number), n.reference, n.recipient, n.address, n.state, str(n.reminders), n.why) for n in found],
    )


@notices.command()
@click.argument("number", type=int)
@click.pass_context
def show(ctx: click.Context, number: int) -> None:
    """Show a notice as it would be sent."""
    from dsar.casework import recipients

    with session(ctx) as opened:
        letter, address = recipients.letter_of(opened.app, number, actor=opened.actor(), now=now())
    print_field("To", address)
    print_field("Subject", letter.subject)
    click.echo()
    click.echo(clean(letter.text))


@notices.command()
@click.argument("number", type=int)
@click.pass_context
def approve(ctx: click.Context, number: int) -> None:
    """Send a notice that you have looked at; who does not answer is reminded twice."""
    from dsar.casework import recipients

    with session(ctx) as opened:
        recipients.approve(opened.app, number, actor=opened.actor(), now=now())
        opened.run_due()
        say("Notice {number} is on its way.", number=number)


@notices.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.argument("name")
@click.argument("address")
@click.pass_context
def add(ctx: click.Context, reference: str, name: str, address: str) -> None:
    """Add a recipient, by NAME and e-mail ADDRESS, to whom the data of this case were disclosed."""
    from dsar.casework import recipients, views
    from dsar.lifecycle import State

    with session(ctx) as opened:
        _, request = views.find_request(opened.app, reference, set(State), actor=opened.actor())
        number = recipients.add(opened.app, request, name, address, actor=opened.actor(), now=now())
        say("Notice {number} is prepared.", number=number)


@notices.command()
@click.argument("number", type=int)
@click.argument("address")
@click.pass_context
def readdress(ctx: click.Context, number: int, address: str) -> None:
    """Give a notice another e-mail address."""
    from dsar.casework import recipients

    with session(ctx) as opened:
        recipients.change_address(opened.app, number, address, actor=opened.actor(), now=now())
        say("Notice {number} goes to another address; look at it and approve it.", number=number)


@notices.command()
@click.argument("number", type=int)
@click.pass_context
def confirm(ctx: click.Context, number: int) -> None:
    """Record that a recipient has confirmed, by mail or otherwise."""
    from dsar.casework import recipients

    with session(ctx) as opened:
        recipients.end(opened.app, number, why="", actor=opened.actor(), now=now())
        say("Notice {number} is confirmed.", number=number)


@notices.command("leave-out")
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why it is impossible, or a disproportionate effort; no personal data.")
@click.pass_context
def leave_out(ctx: click.Context, number: int, reason: str) -> None:
    """End a notice because it is impossible or disproportionate to tell this recipient (Art. 19)."""
    from dsar.casework import recipients

    with session(ctx) as opened:
        recipients.end(opened.app, number, why=reason, actor=opened.actor(), now=now())
        say("Notice {number} is left out.", number=number)
