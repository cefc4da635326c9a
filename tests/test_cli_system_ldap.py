"""`dsar system new ldap` and `dsar system check` of a directory, on a real one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from servers import PASSWORD
from servers.slapd import GROUPS, SUFFIX, DirectoryServer, service, slapd
from test_settings import SMALLEST

from connectors import samples
from dsar.cli import main
from dsar.declaration import load_declaration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DirectoryServer]:
    with slapd(tmp_path / "slapd") as running:
        kanarie = running.person("kanarie", mail="kanarie@example.com", mobile="070-1", jpegPhoto=b"\xff\xd8\xff")
        running.person("bo", mail="bo@example.se", manager=kanarie, userPassword="hemligt")
        running.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": [kanarie]})
        yield running


def run(server: DirectoryServer, *arguments: str, settings: Path | None = None) -> Result:
    environment = {
        "DSAR_ACTOR": "handler",
        "DSAR_SYSTEM_URL": f"ldaps://localhost:{server.tls_port}/{SUFFIX}",
        "DSAR_SYSTEM_USER": service("reader"),
        "DSAR_SYSTEM_PASSWORD": PASSWORD,
    }
    chosen = ["--settings", str(settings)] if settings else []
    trusting = ["--ca-file", str(server.ca_file)] if arguments[0] == "new" else []
    return CliRunner(env=environment).invoke(main, [*chosen, "system", *arguments, *trusting])


def test_a_draft_of_a_live_directory_is_a_valid_declaration(server: DirectoryServer, tmp_path: Path) -> None:
    result = run(server, "new", "ldap", "directory", "--to", str(tmp_path / "d.toml"))

    declared = load_declaration(tmp_path / "d.toml")
    person, group = declared.object("inetOrgPerson"), declared.object("groupOfNames_member")
    assert result.exit_code == 0, result.output
    assert (person.base, person.filter) == (f"ou=people,{SUFFIX}", "(objectClass=inetOrgPerson)")
    assert {(find.by.value, find.columns[0]) for find in person.find} >= {("email", "mail"), ("phone", "mobile")}
    assert [each.content for each in person.documents] == ["jpegPhoto"]
    assert ("inetOrgPerson", "dn", "member") in [(each.object, each.their, each.ours) for each in group.reached_from]


def test_a_draft_holds_no_data_and_erases_nothing(server: DirectoryServer, tmp_path: Path) -> None:
    run(server, "new", "ldap", "directory", "--to", str(tmp_path / "d.toml"))

    text = (tmp_path / "d.toml").read_text("utf-8")
    assert not any(word in text for word in ("bo@example.se", "070-1", "uid=", "cn=alla", "hemligt", "userPassword"))
    assert all(each.erase is None for each in load_declaration(tmp_path / "d.toml").objects)
    assert '# manager names other entries: give it an object of its own with each = "manager".' in text


def test_a_drafted_directory_is_checked_with_its_canary(server: DirectoryServer, tmp_path: Path) -> None:
    samples.create(tmp_path)
    run(server, "new", "ldap", "directory", "--to", str(tmp_path / "directory.toml"))
    drafted = (tmp_path / "directory.toml").read_text("utf-8").replace("# canary", "canary")
    (tmp_path / "directory.toml").write_text(drafted, "utf-8")
    options = f"url = ldaps://localhost:{server.tls_port}\nuser = {service('reader')}\npassword = {PASSWORD}\n"
    options += f"ca_file = {server.ca_file}\n"
    settings = tmp_path / "settings.ini"
    staff = "[staff]\nseparation = off\n[staff.handler]\nrole = handler\nname = H\nemail = handler@xelent.example\n"
    system = f"[system.directory]\nconnector = ldap\ndeclaration = directory.toml\n{options}"
    settings.write_text(SMALLEST + staff + system, "utf-8")
    settings.chmod(0o600)

    answer = json.loads(run(server, "check", "directory", "--json", settings=settings).output)

    assert (answer["ok"], answer["canary"]) == (True, "found")
