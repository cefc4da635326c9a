"""What the tests of address books share."""

from collections.abc import Mapping

from servers import PASSWORD, BookServer

from connectors import conformance, open_connector
from dsar.connector import Searches
from dsar.declaration import Declaration, parse_declaration

_REST = """  {column = "rest", label = {sv = "Övrigt", en = "Other"}, category = "note", free_text = true},
]"""


def declared() -> Declaration:
    """The suite's table as cards."""
    text = conformance.DECLARATION.format(kind="carddav", place="").rstrip().removesuffix("]") + _REST
    text = text.replace('{column = "mail",', '{column = "mail", stored_in = "EMAIL",')
    for column in ("no", "offers"):
        text = text.replace(f'{{column = "{column}", label', f'{{column = "{column}", stored_in = "X-{column}", label')
    return parse_declaration(text, source="carddav")


def as_card(row: Mapping[str, str]) -> str:
    phone = f"TEL;TYPE=cell:{row['phone']}\r\n" if row["phone"] else ""
    return vcard(
        f"UID:{row['no']}\r\nFN:{row['name']}\r\nN:{row['name']};;;;\r\nitem1.EMAIL;TYPE=work:{row['mail']}\r\n"
        f"item1.X-ABLabel:Arbete\r\n{phone}X-NO:{row['no']}\r\nX-OFFERS:{row['offers']}\r\n"
    )


def vcard(body: str, *, version: str = "3.0") -> str:
    return f"BEGIN:VCARD\r\nVERSION:{version}\r\n{body}END:VCARD\r\n"


def connect(server: BookServer, declaration: Declaration, **options: str) -> Searches:
    given = {"url": server.home, "user": "office", "password": PASSWORD, **options}
    return open_connector("carddav", name="books", declaration=declaration, options=given)
