"""`dsar audit`: the append-only trail."""

import click

from dsar.cli.console import print_json, session


@click.group()
def audit() -> None:
    """Verify the audit trail."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@click.pass_context
def verify(ctx: click.Context, *, as_json: bool) -> None:
    """Compute the hash chain anew; exit 1 if it is broken."""
    with session(ctx, for_anybody=True) as opened, opened.app.store.transaction() as tx:
        report = tx.verify_chain()
    if as_json:
        print_json(report)
    else:
        click.echo(f"{report.sealed} events sealed, {report.unsealed} not yet, head {report.head}")
        if report.broken_at is not None:
            click.echo(f"The chain is BROKEN at event {report.broken_at}.")
    if report.broken_at is not None:
        ctx.exit(1)
