"""`dsar system`: which systems are connected, whether one works and what it may do, and a draft for a new one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from dsar.cli.console import now, print_json, print_table, session
from dsar.connector import Erases, Restricts, Searches, Suppresses, Updates
from dsar.declaration import Declaration, DeclaredObject, not_told_of_changes
from dsar.errors import RefusedError, UsageError

#: Environment variable that holds the URL of a database while a draft is made: arguments are seen by everybody.
_URL = "DSAR_SYSTEM_URL"
_USER, _PASSWORD = "DSAR_SYSTEM_USER", "DSAR_SYSTEM_PASSWORD"  # names of variables
_CONSENT_SECONDS = 300.0
_ABILITIES = (("search", Searches), ("update", Updates), ("erase", Erases), ("suppress", Suppresses))


@click.group()
def system() -> None:
    """List, check and draft connected systems."""


@system.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per system and per missing fact.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """Show the connected systems, and the facts that are missing with who must answer."""
    from dsar import settings, wiring

    chosen = settings.load(ctx.obj, os.environ)
    declarations, register = wiring.load_declarations(chosen)
    systems = wiring.open_systems(chosen, declarations)
    rows: list[dict[str, Any]] = [
        {
            "system": name,
            "connector": chosen.systems[name].connector,
            "abilities": _abilities(systems[name]),
            "objects": [each.name for each in declared.objects],
            "canary": declared.canary is not None,
        }
        for name, declared in declarations.items()
    ]
    missing = [{"of": f"system {name}", "fact": fact} for name, each in declarations.items() for fact in each.unknown]
    missing += [{"of": f"register {each.id}", "fact": fact} for each in register.values() for fact in each.unknown]
    missing += [
        {"of": f"recipient {name}", "fact": "notify: data protection officer: must it be told of changes (Art. 19)"}
        for name in not_told_of_changes(declarations.values(), register)
    ]
    missing += [
        {"of": f"system {name}", "fact": "canary: whoever runs the system: an invented person who must be found"}
        for name, declared in declarations.items()
        if declared.canary is None
    ]
    if as_json:
        for line in (*rows, *missing):
            print_json(line)
        return
    headings = ("System", "Connector", "Can", "Holds")
    table = [(row["system"], row["connector"], ", ".join(row["abilities"]), ", ".join(row["objects"])) for row in rows]
    print_table(headings, table)
    if missing:
        click.echo("\nFacts that are missing:")
        print_table(("Of", "Fact: who must answer"), [(each["of"], each["fact"]) for each in missing])


@system.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.pass_context
def check(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Connect to one system, look for its canary person, and say what the program may read and change there."""
    from dsar import settings, wiring

    chosen = settings.load(ctx.obj, os.environ)
    if name not in chosen.systems:
        raise UsageError(f"No system is called {name}; there are {', '.join(chosen.systems) or 'none'}.")
    declarations, _ = wiring.load_declarations(chosen)
    opened = wiring.open_systems(chosen, declarations)[name]
    declared = declarations[name]
    health = opened.health()
    may = [_rights(each, opened) for each in declared.objects]
    found = "not declared" if declared.canary is None else "found" if health.ok else "not seen"
    if as_json:
        print_json(
            {"system": name, "ok": health.ok, "detail": health.detail, "canary": found, "objects": may}
            | ({"notes": health.notes} if health.notes else {})
        )
    else:
        click.echo(f"{name}: {'works' if health.ok else health.detail}; canary person: {found}")
        print_table(
            ("Object", "Found by", "Reads", "Changes"),
            [
                (str(each["object"]), _joined(each["by"]), _joined(each["reads"]), _joined(each["changes"]))
                for each in may
            ],
        )
        for note in health.notes:
            click.echo(f"note: {note}")
        for fact in _facts(declared):
            click.echo(f"missing: {fact}")
    if not health.ok:
        ctx.exit(RefusedError.exit_code)


@system.command()
@click.argument("name")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the registered redirect address.")
@click.option("--paste", is_flag=True, help="The browser runs elsewhere: ask for the address that it ends at.")
@click.option("--changes", is_flag=True, help="For the account that changes (write_...).")
@click.pass_context
def connect(ctx: click.Context, name: str, *, port: int, paste: bool, changes: bool) -> None:
    """Let the program into a web API by a member of staff's consent in a browser (OAuth 2.0 by code)."""
    from dsar import wiring

    with session(ctx) as opened:
        app, actor = opened.app, opened.actor()
        if name not in app.systems:
            raise UsageError(f"No system is called {name}; there are {', '.join(app.systems) or 'none'}.")
        grant = wiring.consent(app.settings, app.declarations, name, changes=changes)
        with wiring.door(name, port) as (redirect, wait):
            click.echo(f"Log in and consent at:\n\n{grant.address(redirect)}\n")
            answer = click.prompt("Address that it ended at", hide_input=True) if paste else wait(_CONSENT_SECONDS)
            grant.take(answer, redirect=redirect)
        with app.store.transaction() as tx:
            account = "changes" if changes else "searching"
            tx.record("system_connected", actor=actor, at=now(), detail={"system": name, "account": account})
    click.echo(f"{name} is connected; try it with 'dsar system check {name}'.")


@system.command()
@click.argument("kind", type=click.Choice(["sql", "rest", "files", "imap", "carddav", "ldap", "manual", "product"]))
@click.argument("name")
@click.option("--from", "source", metavar="FILE", help="Sample answer of the API (rest), or register (files).")
@click.option("--ca-file", metavar="FILE", default="", help="CA of the directory (ldap), if this machine has none.")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Default NAME.toml.")
def new(kind: str, name: str, source: str | None, ca_file: str, target: Path | None) -> None:
    """
    Write a commented declaration to begin from.

    For a database its URL is asked for, or taken from DSAR_SYSTEM_URL: give the account that reads. For a directory
    address, account and password are, too, or DSAR_SYSTEM_USER and DSAR_SYSTEM_PASSWORD. For a product that we know,
    such as fortnox, its declaration is copied: 'dsar system new product fortnox'.
    """
    from dsar import wiring
    from dsar.staff import demand_own_rights

    demand_own_rights("draft a declaration", os.environ)
    if (kind in {"rest", "files"}) != (source is not None):
        raise UsageError("--from belongs to rest and files, which need it.")
    target = target or Path(f"{name}.toml")
    if target.exists():
        raise UsageError(f"{target} exists; name another file with --to.")
    if kind == "sql":
        source = os.environ.get(_URL) or click.prompt("URL of the database", hide_input=True)
    if kind == "ldap":
        draft = wiring.draft_directory(name, *_directory(), ca_file=ca_file)
    else:
        draft = wiring.draft_declaration(kind, name, source)
    with target.open("x", encoding="utf-8") as file:
        file.write(draft)
    click.echo(f"{target} is a draft: read every line marked '?'. Then write in settings.ini:\n")
    if kind == "product":
        click.echo(wiring.settings_of_product(name).replace(f"declaration = {name}.toml", f"declaration = {target}"))
    else:
        click.echo(f"[system.{name}]\nconnector = {kind}\ndeclaration = {target}\n{_SETTINGS_LINES[kind]}")
    click.echo(f"\nand try it with 'dsar system check {name}'.")


_SETTINGS_LINES = {
    "sql": "url_file = ...  # the account that reads; docs/connecting.md tells how to keep secrets",
    "rest": "url = https://...\ntoken_file = ...",
    "files": "folder = ...",
    "ldap": "url = ldaps://...\nuser = ...  # the account that reads\npassword_file = ...",
    "carddav": "url = https://...\nuser = ...\npassword_file = ...",
    "manual": "owner = ...  # e-mail address of who is asked; for employees' phones: individuals = on",
    "imap": "host = ...\nuser = ...  # a master user\npassword_file = ...\nmailboxes = anna, bo",
}


def _directory() -> tuple[str, str, str]:
    """(address with base, distinguished name, password), each from the environment or asked for."""
    url = os.environ.get(_URL) or click.prompt("Address, as ldaps://HOST/BASE")
    user = os.environ.get(_USER) or click.prompt("Distinguished name of the account that reads", default="")
    if not user:
        return url, "", ""
    return url, user, os.environ.get(_PASSWORD) or click.prompt("Password", hide_input=True)


def _abilities(opened: Searches) -> list[str]:
    return [name for name, ability in _ABILITIES if isinstance(opened, ability)]


def _rights(declared: DeclaredObject, opened: Searches) -> dict[str, object]:
    can = _abilities(opened)
    changes = [f"{field} in {column}" for field, column in declared.update.items() if "update" in can]
    if declared.erase and "erase" in can:
        changes.append(declared.erase.action)
    if declared.suppress and "suppress" in can:
        changes.append(f"stop marketing in {declared.suppress.column}")
    if declared.restrict and isinstance(opened, Restricts):
        changes.append(f"lock in {declared.restrict.column}")
    by = [f"{find.by} in {', '.join(find.columns)}" for find in declared.find]
    by += [f"from {link.object}" for link in declared.reached_from]
    reads = [*declared.columns, *(f"document: {each.label.en}" for each in declared.documents)]
    return {"object": declared.name, "by": by, "reads": reads, "changes": changes}


def _joined(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) and value else "-"


def _facts(declared: Declaration) -> Iterator[str]:
    yield from declared.unknown
    if declared.canary is None:
        yield "canary: an invented person who must be found"
