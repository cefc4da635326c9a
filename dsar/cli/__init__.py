"""
The command line: a table of commands, each imported only when it is called.

Effects: none of its own. A command parses its arguments, makes one call, prints. Exit codes: 0 done, 1 refused or
problem found, 2 usage or settings, 3 temporary, try again.
"""

import copy
import gc
import importlib
import os
from pathlib import Path
from typing import NamedTuple

import click

from dsar import __version__
from dsar.errors import DsarError
from dsar.locale import _, language, speak, tell


class _Entry(NamedTuple):
    module: str
    attribute: str
    help: str


#: Command name -> where it lives and its one-line help, so that `dsar --help` imports no command.
COMMANDS: dict[str, _Entry] = {
    "triage": _Entry("dsar.cli.triage", "triage", "Explain what a mail asks, touching nothing."),
    "init": _Entry("dsar.cli.setup", "init", "Write settings, keys and database for a new installation."),
    "check": _Entry("dsar.cli.setup", "check", "Test mail servers, database, systems and templates."),
    "demo": _Entry("dsar.cli.demo", "demo", "Run the whole flow on embedded servers and sample systems."),
    "poll": _Entry("dsar.cli.running", "poll", "Fetch new mail once and do everything that is due."),
    "run": _Entry("dsar.cli.running", "run", "Fetch mail and do what is due until stopped."),
    "work": _Entry("dsar.cli.running", "work", "Show steps that are due, under way or stuck."),
    "queue": _Entry("dsar.cli.queue", "queue", "Show what waits for whom, most urgent first."),
    "show": _Entry("dsar.cli.show", "show", "Show a case from every side."),
    "review": _Entry("dsar.cli.review", "review", "Walk through what waits for a person and decide."),
    "sort": _Entry("dsar.cli.decisions", "sort", "Say which rights an unclear mail exercises."),
    "verify": _Entry("dsar.cli.proving", "verify", "Record that you made sure who asks."),
    "mandate": _Entry("dsar.cli.proving", "mandate", "Record by what right somebody writes for a person."),
    "code": _Entry("dsar.cli.proving", "code", "Send a one-time code to a contact point on file."),
    "decide": _Entry("dsar.cli.decisions", "decide", "Decide which candidate records are about the person."),
    "correct": _Entry("dsar.cli.correct", "correct", "Change a line of a plan, with a reason."),
    "redact": _Entry("dsar.cli.redact", "redact", "Decide about passages on other people in an access answer."),
    "document": _Entry("dsar.cli.document", "document", "Decide about the documents of an access answer."),
    "note": _Entry("dsar.cli.decisions", "note", "Add words of your own to the letters of a request."),
    "ask": _Entry("dsar.cli.asking", "ask", "Show, then send, a question to the requester."),
    "warn": _Entry("dsar.cli.asking", "warn", "Show, then send, a warning to whom a doubtful request is about."),
    "extend": _Entry("dsar.cli.asking", "extend", "Show, then send, the notice that an answer takes longer."),
    "approve": _Entry("dsar.cli.decisions", "approve", "Approve the letter that you have read."),
    "reject": _Entry("dsar.cli.decisions", "reject", "Send a draft back with a reason."),
    "refuse": _Entry("dsar.cli.decisions", "refuse", "Prepare a refusal; a second person approves it."),
    "done": _Entry("dsar.cli.decisions", "done", "State what you did by hand; the letter says it."),
    "release": _Entry("dsar.cli.decisions", "release", "Decide about what is blocked."),
    "withdraw": _Entry("dsar.cli.interventions", "withdraw", "Record that the requester takes a request back."),
    "recall": _Entry("dsar.cli.interventions", "recall", "Take an approval back before anything left or was changed."),
    "protect": _Entry("dsar.cli.posting", "protect", "Restrict a case to named staff: protected identity."),
    "channel": _Entry("dsar.cli.posting", "channel", "Choose whether a case is answered by mail or by post."),
    "post": _Entry("dsar.cli.posting", "post", "Print the letters of a case, or say that they are posted."),
    "passphrase": _Entry("dsar.cli.posting", "passphrase", "Choose how a pass-phrase reaches the person."),
    "reopen": _Entry("dsar.cli.interventions", "reopen", "Take a closed request up again."),
    "hold": _Entry("dsar.cli.interventions", "hold", "Put a case under a hold: nothing about it is erased."),
    "open": _Entry("dsar.cli.interventions", "open_case", "Open a case for a request that did not come by mail."),
    "interim": _Entry("dsar.cli.interventions", "interim", "Show, then send, what was found so far."),
    "assign": _Entry("dsar.cli.decisions", "assign", "Give a case to a member of staff."),
    "letter": _Entry("dsar.cli.letter", "letter", "Preview letters, or check templates of your own."),
    "task": _Entry("dsar.cli.tasks", "task", "What colleagues are asked, and what they answer."),
    "duties": _Entry("dsar.cli.duties", "duties", "Show what is still owed: later erasures, and work by hand."),
    "replay": _Entry("dsar.cli.replay", "replay", "Erase again what a restored backup brought back."),
    "notices": _Entry("dsar.cli.notices", "notices", "Tell recipients of the data of a change (Art. 19)."),
    "suppress": _Entry("dsar.cli.suppress", "suppress", "Ask who must get no marketing, before a campaign."),
    "search": _Entry("dsar.cli.search", "search", "Search the systems for given identifiers, outside a case."),
    "system": _Entry("dsar.cli.systems", "system", "List, check and draft connected systems."),
    "clock": _Entry("dsar.cli.clock", "clock", "Compute the statutory dates for a time of receipt."),
    "stats": _Entry("dsar.cli.stats", "stats", "Show how fast requests were answered."),
    "audit": _Entry("dsar.cli.audit", "audit", "Verify the audit trail, or export how a case was handled."),
    "purge": _Entry("dsar.cli.purge", "purge", "Remove what has been kept long enough."),
    "backup": _Entry("dsar.cli.backup", "backup", "Write encrypted copies of database and key store."),
    "restore": _Entry("dsar.cli.backup", "restore", "Fill an empty installation from a backup."),
    "completion": _Entry("dsar.cli.completion", "completion", "Make a shell complete commands and open cases."),
    "db": _Entry("dsar.cli.setup", "db", "Bring the database to this version."),
}

#: New objects between two looks for cyclic garbage: a command makes many and few cycles, and is gone soon.
_GARBAGE = 200_000

#: Where settings are looked for when --settings and DSAR_SETTINGS name none.
SETTINGS_PLACES = (Path("settings.ini"), Path("/etc/dsar/settings.ini"))


class _CommandError(click.ClickException):
    """A DsarError as click shows it: the sentence on stderr and the exit code of its class."""

    def __init__(self, error: DsarError) -> None:
        super().__init__(tell(error.args[0]) if error.args else str(error))
        setattr(self, "exit_code", error.exit_code)  # noqa: B010  # click declares it as a class variable


class _Commands(click.Group):
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        speak(os.environ)
        return super().make_context(info_name, args, parent, **extra)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [_translated_option(each) for each in super().get_params(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(self.help or ""))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        if "_DSAR_COMPLETE" in os.environ:
            from dsar.cli.completion import complete_references

            return complete_references(command)
        return command if language() == "en" else _translated(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(entry.help)) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DsarError as error:
            raise _CommandError(error) from error


#: They make an installation, or another of it: who reaches the service user through sudo only has no part in that.
OF_ADMINISTRATORS = frozenset({"init", "demo", "restore"})


def _translated(command: click.Command) -> click.Command:
    """A copy of *command* whose help, and that of its options and commands, is in the language in use."""
    told = copy.copy(command)
    told.help, told.params = _(command.help or ""), [_translated_option(each) for each in command.params]
    if isinstance(told, click.Group):
        told.commands = {name: _translated(each) for name, each in told.commands.items()}
    return told


def _translated_option(option: click.Parameter) -> click.Parameter:
    if not isinstance(option, click.Option) or not option.help:
        return option
    told = copy.copy(option)
    told.help = _(option.help)
    return told


def settings_path(explicit: str | None) -> Path:
    """The settings file to use: --settings, then DSAR_SETTINGS, then the first of SETTINGS_PLACES that exists."""
    named = explicit or os.environ.get("DSAR_SETTINGS")
    if named:
        return Path(named)
    return next((place for place in SETTINGS_PLACES if _is_there(place)), SETTINGS_PLACES[0])


def _is_there(place: Path) -> bool:
    """Whether there are settings, be it in a folder that the caller may not enter."""
    try:
        return place.exists()
    except PermissionError:
        return True


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dsar")
@click.option("--settings", "settings_file", metavar="FILE", help="Settings file; default ./settings.ini.")
@click.pass_context
def main(ctx: click.Context, settings_file: str | None) -> None:
    """Answer people who ask about their personal data."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads all that is installed
    gc.set_threshold(_GARBAGE)
    ctx.obj = settings_path(settings_file)
    if "SUDO_UID" in os.environ:
        from dsar.staff import demand_own_rights, trusted_settings

        ctx.obj = trusted_settings(ctx.obj, os.environ)
        if ctx.invoked_subcommand in OF_ADMINISTRATORS:
            demand_own_rights(f"run 'dsar {ctx.invoked_subcommand}'", os.environ)
