"""
`dsar completion`: what a shell offers on Tab. Commands, options and references of open cases; never personal data.

Effects: reads the database; where only the service user may, asks dsar through sudo, as staff call it.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from dsar.cli.console import session
from dsar.errors import DsarError, UsageError

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_DSAR_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.option(
    "--references", is_flag=True, help="Instead: the references of the open cases, as completion asks for them."
)
@click.pass_context
def completion(ctx: click.Context, shell: str | None, *, references: bool) -> None:
    """
    Make a shell complete commands and open cases.

    In ~/.bashrc: eval "$(dsar completion bash)"; in ~/.zshrc: eval "$(dsar completion zsh)"; for fish: dsar completion
    fish > ~/.config/fish/completions/dsar.fish
    """
    if references == (shell is not None):
        raise UsageError("Name one shell: bash, zsh or fish.")
    if references:
        for reference in _own_references(ctx):
            click.echo(reference)
        return
    kind = get_completion_class(shell or "")
    if kind is None:  # pragma: no cover  # click knows all of _SHELLS
        raise UsageError("click completes in no such shell.")
    click.echo(kind(ctx.find_root().command, {}, "dsar", _VARIABLE).source())


class Reference(click.types.StringParamType):
    """CASE or CASE/RIGHT on the command line."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The open ones that begin like what is typed; none where they cannot be known."""
        return [
            CompletionItem(each) for each in _references(ctx) if each.upper().startswith(incomplete.strip().upper())
        ]


def complete_references(command: click.Command) -> click.Command:
    """*command* with references of open cases offered for its arguments that name one."""
    for each in command.params:
        if isinstance(each, click.Argument) and each.name == "reference":
            each.type = Reference()
    return command


def _references(ctx: click.Context) -> Sequence[str]:
    from dsar.cli import settings_path

    root = ctx.find_root()
    place = settings_path(root.params.get("settings_file"))
    owner = _other_owner(place)
    if owner is not None:
        return _through_sudo(owner, place)
    root.obj = place
    try:
        return _own_references(root)
    except (DsarError, OSError):
        return ()


def _own_references(ctx: click.Context) -> list[str]:
    """Cases and their open requests; whoever is no member of staff is refused."""
    with session(ctx) as opened, opened.app.store.transaction(read_only=True) as tx:
        pairs = [(case.reference, f"{case.reference}/{request.right}") for request, case in tx.open_requests()]
    return sorted({name for pair in pairs for name in pair})


def _other_owner(place: Path) -> str | None:
    """Login of the service user, if the settings, or the folder that the caller may not enter, are theirs."""
    for path in (place, place.parent):
        try:
            owner = path.stat().st_uid
            return pwd.getpwuid(owner).pw_name if owner not in {0, os.getuid()} else None
        except PermissionError:
            continue
        except (OSError, KeyError):
            break
    return None


def _through_sudo(owner: str, place: Path) -> Sequence[str]:
    sudo, program = shutil.which("sudo"), shutil.which("dsar")
    if sudo is None or program is None:
        return ()
    asked = subprocess.run(  # noqa: S603  # the shipped rule: dsar as its service user; -n never asks for a password
        [sudo, "-n", "-u", owner, program, "--settings", str(place), "completion", "--references"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.split()
