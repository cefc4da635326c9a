"""The commands for how an answer travels: protect, channel, post, passphrase."""

import sys
from pathlib import Path

import click

from dsar.cli.console import clean, now, run_due, save_private, say, session
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
        sentence = "{case} is open to all staff." if off else "{case} is restricted, and answered by post."
        say(sentence, case=case.reference)


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("how", type=click.Choice(["mail", "post"]))
@click.option(
    "--address", metavar="LINES", help="By post: name and address, lines parted by ';', or - for stdin. Else: on file."
)
@click.pass_context
def channel(ctx: click.Context, reference: str, how: str, address: str | None) -> None:
    """Choose whether a case is answered by mail or by post, and to which postal address."""
    if address is not None and how == "mail":
        raise UsageError("--address belongs to post.")
    from dsar.casework import posting, protecting, views

    lines = (sys.stdin.read() if address == "-" else (address or "").replace(";", "\n")).splitlines()
    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        protecting.choose_channel(opened.app, case, channel=how, actor=actor, now=now())
        if how == "post" and protecting.PROTECTED not in case.flags:
            chosen = posting.choose_address(opened.app, case, lines, actor=actor, now=now())
            say("It goes to: {address}", address=clean(", ".join(chosen)))
        say("{case} is answered by mail." if how == "mail" else "{case} is answered by post.", case=case.reference)


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
            say("{count} letter(s) of {case} are posted.", count=count, case=case.reference)
            run_due(opened)
            return
        for found in posting.files(opened.app, case, actor=actor, now=now()):
            file = save_private(save, found.filename, found.content)
            is_paper = file.suffix == ".pdf"
            sentence = (
                "Print: {file}; then delete it." if is_paper else "Offer on a memory stick: {file}; then delete it."
            )
            say(sentence, file=file)
        if protecting.PROTECTED in case.flags:
            say(protecting.FORWARDING)


@click.command()
@click.argument("reference", metavar="CASE")
@click.option(
    "--by", "by", type=click.Choice(["sms", "letter", "voice"]), required=True, help="voice: you read it out."
)
@click.pass_context
def passphrase(ctx: click.Context, reference: str, by: str) -> None:
    """Choose how a pass-phrase reaches the person; of an answer that has left it goes again."""
    from dsar.casework import unlocking, views

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        way, again = unlocking.choose(opened.app, case, by, actor=actor, now=now())
        run_due(opened)
        say("Pass-phrases of {case} go by {by}.", case=case.reference, by=way.by)
        if again:
            say("{count} go again that way.", count=again)
        if again and by == "letter":
            say("Print it with 'dsar post {case} --save DIRECTORY'.", case=case.reference)
        if again and by == "voice":
            say("Read it out: 'dsar show {case} --passphrase'.", case=case.reference)
