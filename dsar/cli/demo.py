"""
`dsar demo`: the whole flow on embedded mail servers and sample systems.

Effects: makes the folder named, listens on loopback while it runs, prints.
"""

import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import click

from dsar.errors import UsageError


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where to put it; an earlier demo there is made anew.",
)
@click.option("--keep", is_flag=True, help="Leave the mail servers up until Ctrl-C, to go on by hand.")
@click.pass_context
def demo(ctx: click.Context, *, folder: Path, keep: bool) -> None:
    """Run the whole flow on embedded servers and sample systems; exit 1 if anything did not happen as it must."""
    try:
        from dsar.demo.servers import PASSWORD, USER, MailServer
    except ModuleNotFoundError:
        raise UsageError("The mail servers of the demo are not installed: pip install 'dsar[demo]'.") from None
    from dsar import wiring
    from dsar.demo import story, world
    from dsar.demo.guide import Guide

    began = time.monotonic()
    made = world.make(folder)
    with MailServer(made.letters) as server:
        world.install(made, imap_port=server.imap_port, smtp_port=server.smtp_port, user=USER, password=PASSWORD)
        guide = Guide(world=made, server=server, program=_program())
        click.echo(guide.introduction())
        with wiring.open_session(made.settings_file) as session:
            told = story.Story(world=made, server=server, session=session, say=click.echo)
            if surprises := told.tell():
                click.echo("\n".join(["\nThis did not happen as it must:", *surprises]), err=True)
                ctx.exit(1)
            erased, waiting = told.case_of(story.ERASED), told.case_of(story.WAITING)
        click.echo(guide.conclusion(erased=erased, seconds=time.monotonic() - began))
        if keep:
            _stay(guide.invitation(waiting=waiting))
    click.echo("\nThe mail servers have stopped." if keep else guide.farewell())


def _stay(invitation: str) -> None:
    """Invite and wait; whoever has read the invitation can end it cleanly."""
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    click.echo(invitation)
    while not stopping:
        time.sleep(0.1)


def _program() -> str:
    """How this program was called, fit for a shell."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m dsar"
    found = shutil.which("dsar")
    if found is not None and Path(found).samefile(called):
        return "dsar"
    return shlex.quote(os.path.relpath(called))
