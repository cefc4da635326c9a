"""The commands for people whom no e-mail shall reach: protect, channel, post."""

from pathlib import Path

import click

from dsar.cli.console import now, session
from dsar.errors import UsageError


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--reason", required=True, help="What shows it, for the timeline.")
@click.option("--off", is_flag=True, help="End it.")
@click.pass_context
def protect(ctx: click.Context, reference: str, reason: str, *, off: bool) -> None:
    """Restrict a case to named staff: the person lives with protected identity."""
    from dsar.casework import protecting, views

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        protecting.protect(opened.app, case, on=not off, reason=reason, actor=actor, now=now())
        click.echo(f"{case.reference} is {'open to all staff' if off else 'restricted, and answered by post'}.")


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("how", type=click.Choice(["mail", "post"]))
@click.pass_context
def channel(ctx: click.Context, reference: str, how: str) -> None:
    """Choose whether a case is answered by mail or by post."""
    from dsar.casework import protecting, views

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        protecting.choose_channel(opened.app, case, channel=how, actor=actor, now=now())
        click.echo(f"{case.reference} is answered by {how}.")


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Folder for what is to be printed.")
@click.option("--posted", is_flag=True, help="It is in the post.")
@click.pass_context
def post(ctx: click.Context, reference: str, save: Path | None, *, posted: bool) -> None:
    """Print the letters of a case that go by post, then say that they are posted."""
    if (save is None) == (not posted):
        raise UsageError("Give either --save DIRECTORY or --posted.")
    from dsar.casework import posting, protecting, views

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        if save is None:
            count = posting.posted(opened.app, case, actor=actor, now=now())
            click.echo(f"{count} letter(s) of {case.reference} are posted.")
            opened.run_due()
            return
        save.mkdir(parents=True, exist_ok=True)
        for found in posting.files(opened.app, case, actor=actor, now=now()):
            file = save / Path(found.filename).name
            file.touch(mode=0o600)
            file.write_bytes(found.content)
            click.echo(f"Print {file}, then delete it.")
        if protecting.PROTECTED in case.flags:
            click.echo(protecting.FORWARDING)
