"""`dsar init`, `dsar check` and `dsar db`: from nothing to a working installation, and whether it still works."""

import base64
import os
import secrets
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import click

from dsar.cli.console import now, print_json, session
from dsar.errors import SettingsError, UsageError


class _Question(NamedTuple):
    section: str
    key: str
    text: str
    default: str = ""


#: What a first installation must know; everything else has a default or stands in the file with its explanation.
_QUESTIONS = (
    _Question("controller", "name", "Name of the company"),
    _Question("controller", "orgnr", "Organisation number"),
    _Question("controller", "address", "Street address"),
    _Question("controller", "postcode_city", "Postcode and city"),
    _Question("controller", "email", "Address that people write to about their data"),
    _Question("mailbox.privacy", "host", "IMAP server"),
    _Question("mailbox.privacy", "user", "IMAP log-in"),
    _Question("smtp", "host", "SMTP server"),
    _Question("smtp", "user", "SMTP log-in"),
    _Question("smtp", "sender", "Address that letters come from"),
    _Question("authentication", "trusted", "Name in the Authentication-Results of your mail server"),
    _Question("staff", "login", "Your log-in on this machine"),
    _Question("staff", "name", "Your full name, as letters show it"),
    _Question("staff", "email", "Your e-mail address"),
)

#: Secrets that are asked for without echo and kept in files of their own.
_SECRETS = (("mailbox.privacy", "password", "IMAP password"), ("smtp", "password", "SMTP password"))

#: Sections of the example that show how something optional is written; a new installation gets them as comments.
_EXAMPLES = ("system.", "form.", "colleague.")


@click.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where; default here.")
def init(folder: Path) -> None:
    """Write settings, keys and database for a new installation."""
    target = folder / "settings.ini"
    if target.exists():
        raise UsageError(f"{target} exists; 'dsar check' tests it.")
    answers = {(each.section, each.key): click.prompt(each.text, default=each.default or None) for each in _QUESTIONS}
    passwords = {(section, key): click.prompt(text, hide_input=True) for section, key, text in _SECRETS}
    folder.mkdir(parents=True, exist_ok=True)
    _write_secret(folder / "master.key", base64.b64encode(secrets.token_bytes(32)).decode())
    for (section, key), value in passwords.items():
        _write_secret(folder / f"{section}.{key}", value)
    register = files("connectors").joinpath("products", "register.toml").read_text("utf-8")
    (folder / "register.toml").write_text(register, "utf-8")
    _write_secret(target, _filled_example(answers))
    _make_database(target)
    click.echo(f"Wrote {target}, register.toml, master.key and the database.")
    click.echo("Keep a copy of master.key apart from all backups: without it nothing that dsar stored can be read.")
    click.echo(
        "Next: 'dsar check'; then connect systems (docs/connecting.md) and answer the open facts in register.toml."
    )


def example_settings() -> str:
    """The text of settings.example.ini, from the wheel or from the source tree."""
    packaged = files("dsar").joinpath("settings.example.ini")
    beside = Path(__file__).parents[2] / "settings.example.ini"
    return packaged.read_text("utf-8") if packaged.is_file() else beside.read_text("utf-8")


def _filled_example(answers: dict[tuple[str, str], str]) -> str:
    """The example with *answers* in place of its placeholders, and its optional examples taken out."""
    replaced: dict[tuple[str, str], str] = {
        **answers,
        ("vault", "master_key"): "",
        ("register", "activities"): "register.toml",
        ("letters", "handler"): answers["staff", "login"],
    }
    member = f"staff.{answers['staff', 'login']}"
    replaced |= {(member, key): answers["staff", key] for key in ("name", "email")}
    section, lines = "", []
    for line in example_settings().splitlines():
        if line.startswith("["):
            section = member if line == "[staff.CHANGE-ME]" else line.strip("[]")
            line = f"[{section}]"  # noqa: PLW2901  # the line as it goes out
        key = line.partition("=")[0].strip()
        if section.startswith(_EXAMPLES) and line and not line.startswith("#"):
            line = f"# {line}"  # noqa: PLW2901
        elif (section, key) == ("vault", "master_key"):
            line = "master_key_file = master.key"  # noqa: PLW2901
        elif (section, key) in {(name, secret) for name, secret, _ in _SECRETS}:
            line = f"{key}_file = {section}.{key}"  # noqa: PLW2901
        elif "=" in line and not line.startswith("#") and (section, key) in replaced:
            line = f"{key} = {replaced[section, key]}"  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines) + "\n"


def _write_secret(path: Path, text: str) -> None:
    """A file that only its owner may read, from its first byte on; an existing one is never overwritten."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _make_database(settings_file: Path) -> None:
    from dsar import settings
    from dsar.store import SqlKeyStore, Store, migrate
    from dsar.vault import Vault

    chosen = settings.load(settings_file, os.environ)
    keys = SqlKeyStore(chosen.database.keys_url.get_secret_value())
    Vault(chosen.vault.master_key.get_secret_value(), keys)
    keys.close()
    store = Store(chosen.database.url.get_secret_value())
    migrate.upgrade(store.engine)
    store.close()


# ------------------------------------------------------------------------------------------------------------ check


class Finding(NamedTuple):
    """One line of `dsar check`."""

    level: str  #: ok, warning, fail
    what: str
    detail: str


@click.command()
@click.option(
    "--self-test", is_flag=True, help="Send a mail to the public address, too, and wait until it has come back."
)
@click.option("--clock-is-right", is_flag=True, help="Say first that the clock is right although it has leapt.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per finding.")
@click.pass_context
def check(ctx: click.Context, *, self_test: bool, clock_is_right: bool, as_json: bool) -> None:
    """Test settings, database, keys, templates, clock, mail servers and systems; exit 1 if something fails."""
    from dsar.cli.doctor import examine, send_self_test

    if clock_is_right:
        from dsar.casework import timekeeping

        with session(ctx) as opened:
            timekeeping.believe(opened.app, actor=opened.actor(), now=now())
    findings = examine(ctx.obj)
    if self_test:
        findings.append(send_self_test(ctx.obj))
    for finding in findings:
        if as_json:
            print_json(finding._asdict())
        else:
            click.echo(f"{finding.level:<8} {finding.what}{': ' if finding.detail else ''}{finding.detail}")
    if any(finding.level == "fail" for finding in findings):
        ctx.exit(1)


# --------------------------------------------------------------------------------------------------------------- db


@click.group()
def db() -> None:
    """Bring the database to this version, or to another server."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the database to this version; nothing happens if it is there already."""
    path: Path = ctx.obj
    if not path.exists():
        raise SettingsError([f"{path}: does not exist; 'dsar init' makes it"])
    _make_database(path)
    click.echo("The database has the tables of this version.")


@db.command()
@click.option(
    "--to",
    "target",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Settings file whose [database] names the new place; its master key must be the same.",
)
@click.pass_context
def move(ctx: click.Context, target: Path) -> None:
    """
    Copy everything into the database that other settings name, e.g. from SQLite to PostgreSQL.

    Stop 'dsar run' first. The old database is left as it is; erase it when the new one has been seen to work.
    """
    from dsar import settings
    from dsar.cli import moving
    from dsar.staff import demand_own_rights

    demand_own_rights("move the database", os.environ)  # the other settings can name commands to run
    old, new = settings.load(ctx.obj, os.environ), settings.load(target, os.environ)
    moved = moving.move(old, new)
    click.echo(f"{moved.rows} rows and {moved.keys} keys moved; the chain of {moved.events} events is whole.")
