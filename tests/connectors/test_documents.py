"""Documents that records carry: where each kind finds them, and what is never handed over or left behind."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from servers.web import Asked, Reply, Serving, Web

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemContractError, SystemRefusedError, SystemUnavailableError
from dsar.model import IdentifierType, Record

CUSTOMER_NO = IdentifierType.CUSTOMER_NO
LABEL = 'label = {sv = "CV", en = "CV"}'
TEMPLATE = """
name = "hr"
kind = "{kind}"
label = {{sv = "Personal", en = "Staff"}}
{http}
[[object]]
name = "person"
label = {{sv = "Person", en = "Person"}}
key = "no"
activities = ["A7"]
find = [{{by = "customer_no", columns = ["no"]{request}}}]
erase = {{action = "delete"}}
documents = [{{{documents}}}]
fields = [{{column = "no", label = {{sv = "Nr", en = "No"}}, category = "identity", asserted_by = "company"}}]
{place}
"""


def open_one(kind: str, place: str, documents: str, *, http: str = "", request: str = "", **options: str) -> Any:  # noqa: ANN401
    text = TEMPLATE.format(kind=kind, place=place, documents=f"{LABEL}, {documents}", http=http, request=request)
    declaration = parse_declaration(text, source="hr.toml")
    return open_connector(kind, name="hr", declaration=declaration, options=options)


def only(connector: Any, number: str = "K1") -> Record:  # noqa: ANN401
    (record,) = conformance.search(connector, CUSTOMER_NO, number)
    return record


# ------------------------------------------------------------------------------------------------------------- files


@pytest.fixture
def register(tmp_path: Path) -> Path:
    (tmp_path / "hr.csv").write_text("no;cv\nK1;cv1.pdf\nK2;both.pdf\nK3;both.pdf\nK4;\n", "utf-8")
    for name in ("cv1.pdf", "both.pdf"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def open_register(folder: Path) -> Any:  # noqa: ANN401
    return open_one("files", 'file = "*.csv"', 'file = "cv"', folder=str(folder), changes="on")


def test_a_document_of_a_folder_carries_itself(tmp_path: Path) -> None:
    (tmp_path / "Ansökan.txt").write_text("asa@example.se", "utf-8")
    text = TEMPLATE.partition("documents =")[0].format(kind="files", http="", request="")
    text = text.replace('"customer_no", columns = ["no"]', '"email", columns = ["text"]').replace('"no"', '"file"')
    text += 'file = "*"\ncontent = "document"\nfields = [{column = "text", free_text = true, label = {sv = "Text", '
    text += (
        'en = "Text"}, category = "recruitment"}, {column = "file", label = {sv = "F", en = "F"}, category = "log"}, '
        '{column = "criminal", label = {sv = "B", en = "O"}, category = "criminal"}]'
    )
    declaration = parse_declaration(text, source="hr.toml")
    folder = open_connector("files", name="hr", declaration=declaration, options={"folder": str(tmp_path)})

    (record,) = conformance.search(folder, IdentifierType.EMAIL, "asa@example.se")

    assert [(each.name, each.media_type) for each in record.documents] == [("Ansökan.txt", "text/plain")]
    assert getattr(folder, "fetch")(record, record.documents[0]) == b"asa@example.se"  # noqa: B009  # any connector


def test_erasing_a_row_erases_its_document(register: Path) -> None:
    office = open_register(register)
    (step,) = office.plan_erase([only(office)])

    office.apply(step, key="1")

    assert not (register / "cv1.pdf").exists()
    assert office.verify(step).done


def test_a_document_that_another_row_names_too_stays(register: Path) -> None:
    office = open_register(register)
    (step,) = office.plan_erase([only(office, "K2")])

    office.apply(step, key="1")

    assert open_register(register).fetch(only(office, "K3"), only(office, "K3").documents[0]) == b"both.pdf"


def test_an_erasure_that_died_between_document_and_row_goes_on(register: Path) -> None:
    office = open_register(register)
    (step,) = office.plan_erase([only(office)])
    (register / "cv1.pdf").unlink()

    office.apply(step, key="1")

    assert office.verify(step).done


def test_a_document_that_is_named_and_not_there_makes_the_answer_incomplete(register: Path) -> None:
    (register / "both.pdf").unlink()

    answer = open_register(register).search([conformance.identifier(CUSTOMER_NO, "K1")], read_at=conformance.READ_AT)

    assert (answer.complete, answer.detail) == (False, "person: 2 documents that are named are not there")


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", r"..\secret.txt"])
def test_a_register_cannot_lead_out_of_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "hr.csv").write_text(f"no;cv\nK1;{path}\n", "utf-8")

    answer = open_register(folder).search([conformance.identifier(CUSTOMER_NO, "K1")], read_at=conformance.READ_AT)

    assert (answer.records, answer.complete) == ((), False)


# --------------------------------------------------------------------------------------------------------- databases


def test_a_document_that_is_packed_in_text_is_unpacked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hr.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE person (no TEXT, cv TEXT)")
        packed = base64.b64encode(b"\x00CV").decode()
        connection.exec_driver_sql("INSERT INTO person VALUES ('K1', ?), ('K2', 'ab*')", (packed,))
    engine.dispose()
    database = open_one("sql", 'table = "person"', 'content = "cv", decode = ["hex"]', url=url)

    with pytest.raises(SystemContractError, match="not packed as declared"):
        database.fetch(only(database), only(database).documents[0])
    database = open_one("sql", 'table = "person"', 'content = "cv", decode = ["base64"]', url=url)
    assert database.fetch(only(database), only(database).documents[0]) == b"\x00CV"


# ---------------------------------------------------------------------------------------------------------- web APIs

LINK = 'name = "cv.name", link = "cv.url"'


@pytest.fixture
def storage(serving: Serving) -> Web:
    """Another host, which keeps the documents."""
    return serving(lambda _: Reply(body=b"%PDF", headers={"Content-Type": "application/pdf"}))


def open_api(web: Web, documents: str = LINK, **options: str) -> Any:  # noqa: ANN401
    place = 'web = {read = {path = "/people/{key}"}, remove = [{method = "DELETE", path = "/people/{key}"}]}'
    http = 'http = {auth = {style = "bearer"}, headers = {X-Api-Version = "1"}, rate = {calls = 500}}'
    request = ', request = {path = "/people/{value}"}'
    options = {"url": web.url, "token": "t-1", **options}
    return open_one("rest", place, documents, http=http, request=request, **options)


def api(serving: Serving, url: Callable[[int], str], reply: Reply | None = None) -> Web:
    """A system whose record points at *url*, of the how manieth read it is; anything else gets *reply*."""

    def answer(asked: Asked) -> Reply:
        if "/people/" not in asked.path:
            return reply or Reply(status=404)
        return Reply(body={"no": "K1", "cv": {"name": "cv.pdf", "url": url(len(web.asked))}})

    web = serving(answer)
    return web


def test_a_host_that_nobody_named_is_not_asked(serving: Serving, storage: Web) -> None:
    shop = open_api(api(serving, lambda _: f"{storage.url}/cv"))

    with pytest.raises(SystemRefusedError, match="file_hosts does not name"):
        shop.fetch(only(shop), only(shop).documents[0])
    assert storage.asked == []


def test_a_host_that_is_named_is_asked_without_any_secret(serving: Serving, storage: Web) -> None:
    shop = open_api(api(serving, lambda _: f"{storage.url}/cv?signature=1"), file_hosts=storage.url)

    assert shop.fetch(only(shop), only(shop).documents[0]) == b"%PDF"
    (asked,) = storage.asked
    assert not {"authorization", "cookie", "x-api-version"} & set(asked.headers)
    assert asked.target == "/api/cv?signature=1"


def test_a_redirect_to_a_named_host_is_followed_once_and_to_no_other(serving: Serving, storage: Web) -> None:
    moved = Reply(status=302, headers={"Location": f"{storage.url}/cv"})
    web = api(serving, lambda _: "/api/files/1", moved)

    shop = open_api(web, file_hosts=storage.url)
    assert shop.fetch(only(shop), only(shop).documents[0]) == b"%PDF"
    with pytest.raises(SystemRefusedError):
        open_api(web).fetch(only(shop), only(shop).documents[0])


def test_a_link_that_lives_for_seconds_is_read_anew(serving: Serving, storage: Web) -> None:
    shop = open_api(api(serving, lambda read: f"{storage.url}/cv?read={read}"), file_hosts=storage.url)
    record = only(shop)

    shop.fetch(record, record.documents[0])
    shop.fetch(record, record.documents[0])

    assert [asked.target for asked in storage.asked] == ["/api/cv?read=2", "/api/cv?read=3"]


def test_a_page_to_log_in_on_is_no_document(serving: Serving) -> None:
    page = Reply(body=b"<html>Log in", headers={"Content-Type": "text/html; charset=utf-8"})
    shop = open_api(api(serving, lambda _: "/api/files/1", page))

    with pytest.raises(SystemUnavailableError, match="web page"):
        shop.fetch(only(shop), only(shop).documents[0])


# ------------------------------------------------------------------------------------------------------ declarations


@pytest.mark.parametrize(
    ("kind", "place", "documents", "fault"),
    [
        (
            "sql",
            'table = "person"',
            'file = "cv"',
            "hr.toml:13: object.1.documents.1: a document of kind sql needs con",
        ),
        ("files", 'file = "*"', 'content = "cv"', "needs file"),
        ("files", 'file = "*"\ncontent = "document"', 'file = "cv"', "carries itself"),
        ("memory", "", 'content = "cv", each = "cvs"', "'each' needs 'key'"),
    ],
)
def test_documents_that_cannot_be_found_are_faults(kind: str, place: str, documents: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        open_one(kind, place, documents)


def test_an_object_with_documents_cannot_be_anonymised() -> None:
    text = TEMPLATE.format(kind="memory", http="", request="", documents=f'{LABEL}, content = "cv"', place="")
    text = text.replace('"delete"', '"anonymise", set = {no = ""}')

    with pytest.raises(SettingsError, match="anonymising leaves the documents"):
        parse_declaration(text, source="hr.toml")
