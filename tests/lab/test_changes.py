"""Approved changes on real products, with the traps of each: read back by key, and nothing left in its own tables."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dsar import settings, wiring
from dsar.declaration import load_declaration
from dsar.errors import SystemDriftError
from dsar.identifiers import normalise
from dsar.model import IdentifierType, PlanStep, RequestedChange, StepAction
from lab.people import OTHERS, Person
from lab.seeds import openldap
from lab.seeds.clients import AREA, port, web
from lab.test_search import NOW

#: A private customer whom every system knows, with a sale that is not closed; not one whom the searches look for.
LENA = OTHERS[26]
#: Nobody's business partner any more: nothing is pending.
OLD = OTHERS[38]


@pytest.fixture(scope="session")
def systems() -> Any:
    chosen = settings.load(Path(__file__).parent / "settings.ini", os.environ)
    declarations, _ = wiring.load_declarations(chosen)
    return wiring.open_systems(chosen, declarations)


def found(system: Any, person: Person) -> Any:
    types = {IdentifierType.EMAIL: person.email, IdentifierType.PHONE: person.phone}
    identifiers = [normalise(type_, text) for type_, text in types.items()]
    answer = system.search([each for each in identifiers if each], read_at=NOW)
    assert answer.complete
    return answer.records


def carry_out(system: Any, steps: Sequence[PlanStep]) -> None:
    writing = [step for step in steps if step.action not in {StepAction.TASK, StepAction.KEEP}]
    for step in writing:
        system.apply(step, key="case-1")
        system.apply(step, key="case-1")  # a step repeated after a crash changes nothing more
    for step in writing:
        assert system.verify(step).done, (step.object, system.verify(step).detail)


@pytest.mark.parametrize(
    ("name", "field", "old", "new"),
    [
        ("tryton", "phone", OLD.phone, "+46701740699"),
        ("vendure", "phone", OLD.phone, "+46701740699"),
        ("rt", "phone", OTHERS[8].phone, "+46701740699"),
        ("zabbix", "email", OTHERS[1].email, "johan.ny@atransbygg.example"),
        ("affarssystem", "phone", OLD.phone, "+46701740699"),
        ("marknadsforing", "phone", OLD.phone, "+46701740699"),
        ("carddav", "phone", OTHERS[6].phone, "+46701740699"),
        ("openldap", "phone", OTHERS[2].phone, "+46701740699"),
        ("files", "phone", OTHERS[28].phone, "+46701740699"),
    ],
)
def test_a_correction_is_made_and_read_back(systems: Any, name: str, field: str, old: str, new: str) -> None:
    who = next(each for each in OTHERS if old in {each.phone, each.email})
    change = RequestedChange(field=field, old=old, new=new, valid_from=None)
    steps = systems[name].plan_update(found(systems[name], who), [change])

    assert steps
    carry_out(systems[name], steps)

    back = RequestedChange(field=field, old=new, new=old, valid_from=None)
    moved = systems[name].search([normalise(IdentifierType(field), new)], read_at=NOW).records
    carry_out(systems[name], systems[name].plan_update(moved, [back]))


def test_a_new_name_is_written_to_the_subscriber(systems: Any) -> None:
    """Mailman is searched by address only, so that is how it is read back."""
    who, new = OTHERS[10], "Elisabeth Ekström-Ny"
    for old, name in ((who.name, new), (new, who.name)):
        change = RequestedChange(field="name", old=old, new=name, valid_from=None)
        carry_out(systems["mailman"], systems["mailman"].plan_update(found(systems["mailman"], who), [change]))

        (user,) = (each for each in found(systems["mailman"], who) if each.object == "user")
        assert user.person_name == name


def test_a_customer_with_an_open_sale_is_a_task(systems: Any) -> None:
    steps = systems["tryton"].plan_erase(found(systems["tryton"], LENA))

    assert {step.action for step in steps if step.object in {"party.party", "sale.sale"}} == {StepAction.TASK}


@pytest.mark.parametrize(
    "name",
    [
        *("tryton", "vendure", "rt", "zabbix", "mailman", "affarssystem", "marknadsforing"),
        *("carddav", "dovecot", "openldap", "files"),
    ],
)
def test_what_is_erased_is_gone_also_where_the_product_keeps_it(systems: Any, name: str) -> None:
    person = ERASED.get(name, OLD)
    records = found(systems[name], person)
    assert records

    declared = load_declaration(Path(__file__).parent / "systems" / f"{name}.toml").objects
    order = [each.name for each in reversed(declared)]  # as the plan of a case has it: what points at something first
    carry_out(systems[name], sorted(systems[name].plan_erase(records), key=lambda step: order.index(step.object)))

    left = {each.object for each in found(systems[name], person) if each.keep_law is None}
    assert left == set()
    assert sweep(name, person.email) == KEPT.get(name, set())


def test_a_card_that_its_owner_changes_meanwhile_is_not_overwritten(systems: Any) -> None:
    """The ETag of a real server; the owner writes between the last look and the removal."""
    card = f"/saljare1/kontakter/{OTHERS[8].key}.vcf"
    (record,) = found(systems["carddav"], OTHERS[8])
    (step,) = systems["carddav"].plan_erase([record])
    with web("CARDDAV", auth=("saljare1", "pw1")) as owner:
        stored = owner.get(card)
        stale = {"If-Match": stored.headers["ETag"], "Content-Type": "text/vcard"}
        changed = stored.text.replace("END:VCARD", "NOTE:Ny chef\r\nEND:VCARD")
        owner.put(card, content=changed.encode(), headers=stale).raise_for_status()

        assert owner.put(card, content=stored.content, headers=stale).status_code == 412
        with pytest.raises(SystemDriftError):
            systems["carddav"].apply(step, key="case-1")
        assert "Ny chef" in owner.get(card).text


def test_an_application_is_erased_once_nobody_can_claim_anything_by_it(systems: Any) -> None:
    amina, helena = OTHERS[33], OTHERS[30]
    old = [each for each in found(systems["files"], amina) if each.object == "file"]
    new = [each for each in found(systems["files"], helena) if each.object == "file"]

    steps = systems["files"].plan_erase(old)
    carry_out(systems["files"], steps)

    assert [step.action for step in steps] == [StepAction.ERASE]
    assert [each for each in found(systems["files"], amina) if each.object == "file"] == []
    assert not (AREA / "files" / "rekrytering" / "ansokan-2026-014.pdf").exists()
    assert [step.action for step in systems["files"].plan_erase(new)] == [StepAction.KEEP]


#: Some systems know contact persons only.
ERASED = {
    "zabbix": OTHERS[2],
    "rt": OTHERS[3],
    "files": OTHERS[28],
    "mailman": OTHERS[5],
    "carddav": OTHERS[7],
    "dovecot": OTHERS[7],
    "openldap": OTHERS[4],
}
#: Table.column of what stays: an invoice by law.
KEPT: dict[str, set[str]] = {"affarssystem": {"fakturor.faktura_epost"}}
DATABASES = {
    "tryton": f"postgresql+psycopg://postgres@127.0.0.1:{port('PG')}/tryton",
    "vendure": f"postgresql+psycopg://postgres@127.0.0.1:{port('PG')}/vendure",
    "zabbix": f"postgresql+psycopg://postgres@127.0.0.1:{port('PG')}/zabbix",
    "affarssystem": f"postgresql+psycopg://postgres@127.0.0.1:{port('PG')}/affarssystem",
    "marknadsforing": f"mysql+pymysql://root@127.0.0.1:{port('MARIA')}/marknadsforing",
    "rt": f"sqlite:///{AREA}/rt/rtdb",
    "mailman": f"sqlite:///{AREA}/mailman/var/mailman.db",
}


def in_directory(text: str) -> set[str]:
    """Every entry of the directory, as who owns it sees it, that still holds *text*."""
    with openldap.opened() as admin:
        admin.search(openldap.SUFFIX, "(objectClass=*)", attributes=["*", "+"])
        return {each.entry_dn for each in admin.entries if text in each.entry_to_json().lower()}


def sweep(name: str, text: str) -> set[str]:
    """Every table.column of the product's own database that still holds *text*."""
    if name == "openldap":
        return in_directory(text)
    if name not in DATABASES:
        return set()
    engine = sa.create_engine(DATABASES[name])
    hits = set()
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            for column in inspector.get_columns(table):
                stored: Any = sa.column(column["name"])
                holds = sa.func.lower(sa.cast(stored, sa.Text)).like(f"%{text.lower()}%")
                query = sa.select(sa.func.count()).select_from(sa.table(table)).where(holds)
                if connection.execute(query).scalar():
                    hits.add(f"{table}.{column['name']}")
    engine.dispose()
    return hits
