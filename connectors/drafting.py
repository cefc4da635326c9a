"""
Tables of a live database, a sample answer of an API or a register's header -> a commented declaration to begin from.

Effects: reads the schema of the database at a URL, or the named file; no value in it gets into the draft. A draft is
valid and cautious: nothing in it makes a record certain but keys, and nothing is erased until somebody has said how.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connectors.sql import reading_engine
from connectors.tables import sheets
from dsar.errors import SettingsError, SystemUnavailableError


@dataclass(frozen=True, kw_only=True)
class _Guess:
    """What the name of a column tells about it."""

    words: str  #: Regular expression over the name in small letters.
    category: str
    by: str = ""  #: Identifier by which to find.
    free_text: bool = False


#: The first that fits.
_GUESSES = (
    _Guess(words=r"e.?mail|^mail$|e.?post|epost", category="contact", by="email"),
    _Guess(words=r"phone|telefon|tel$|mobil|cell", category="contact", by="phone"),
    _Guess(words=r"person.?n(umme)?r|pnr$|ssn", category="identity", by="personnummer"),
    _Guess(words=r"org.?n(umme)?r", category="organisation", by="orgnr"),
    _Guess(words=r"(customer|kund|client).?(no|nr|num|id)", category="identity", by="customer_no"),
    _Guess(words=r"user.?name|login|^uid$|samaccountname|användarnamn", category="identity", by="username"),
    _Guess(words=r"serial|serie", category="device"),
    _Guess(words=r"name|namn|^cn$", category="identity", by="name"),
    _Guess(words=r"address|adress|street|gata|city|ort$|zip|post", category="contact"),
    _Guess(
        words=r"note|comment|^rest$|text|body|beskriv|descr|anteckn|message|memo|kommentar",
        category="note",
        free_text=True,
    ),
    _Guess(words=r"order|invoice|faktura|amount|belopp|total", category="order"),
    _Guess(words=r"company|företag|organi[sz]ation|^ou?$", category="organisation"),
    _Guess(words=r"news|consent|samtycke|market|optout|subscri", category="marketing"),
    _Guess(words=r"date|datum|_at$|_on$|time|ip$|log", category="log"),
)
_OTHER = _Guess(words="", category="technical")
#: A column that may mark who lives with protected identity.
_PROTECTS = re.compile(r"sekretess|skydd|protected|secrecy", re.IGNORECASE)
_CANARY = """\
# An invented person in the system who must be found, or a lost permission would look like "nothing found".
# canary = {type = "email", value = "kanarie@example.com"}
"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A table, a kind of JSON row, a register."""

    name: str
    columns: Sequence[str]
    key: str | None
    links: Sequence[tuple[str, str, str]] = ()  #: (our column, other thing, its column)
    documents: Sequence[str] = ()  #: Columns with bytes.
    place: Sequence[str] = ()  #: Lines of TOML that say which entries it is.
    vouched: frozenset[str] = frozenset()  #: Columns that the system itself has given.
    people: bool = True  #: Whether its names are those of persons.

    @property
    def finds(self) -> bool:
        """Whether a column looks like a way to find a person."""
        return self.people and any(_guess(column).by for column in self.columns)


def draft_sql(name: str, url: str) -> str:
    """The declaration of a database. Raises: SettingsError; SystemUnavailableError."""
    engine = reading_engine(name, url)
    try:
        with engine.connect() as connection:
            schema = sa.inspect(connection)
            things = [_table(schema, table) for table in sorted(schema.get_table_names())]
    except sa.exc.SQLAlchemyError as error:
        raise SystemUnavailableError(name, type(error).__name__) from None
    return draft(name, "sql", things)


def draft_rest(name: str, sample: Path) -> str:
    """The declaration of an API that answers like the JSON in *sample*. Raises: SettingsError."""
    try:
        rows, where = _first_rows(json.loads(sample.read_text("utf-8-sig")), "@")
    except (OSError, ValueError) as error:
        raise SettingsError([f"{sample}: no JSON can be read ({type(error).__name__})"]) from None
    if not rows:
        raise SettingsError([f"{sample}: there is no list of objects in it"])
    columns = list(dict.fromkeys(key for row in rows for key in row))
    key = next((each for each in ("id", "uuid", "key", "no", "number") if each in columns), columns[0])
    return draft(name, "rest", [Thing(name="record", columns=columns, key=key)], rows=where)


def draft_files(name: str, register: Path) -> str:
    """The declaration of registers like the CSV file or spreadsheet *register*. Raises: SettingsError."""
    try:
        headers = [header for _, header in (sheet.header() for sheet in sheets(register)) if header]
    except Exception as error:  # noqa: BLE001  # whatever a torn file does to its reader
        raise SettingsError([f"{register}: it cannot be read ({type(error).__name__})"]) from None
    if not headers:
        raise SettingsError([f"{register}: it has no header"])
    thing = Thing(name="entry", columns=[column for column in headers[0] if column], key=None)
    return draft(name, "files", [thing], file=f"*{register.suffix}")


def draft_carddav(name: str) -> str:
    """The declaration of address books, whose cards have the same properties wherever they are."""
    runs_it = 'processors = [{unknown = "who runs the address books for us"}]  # ?'
    return _of_sample(name, "addressbook.toml", head=runs_it)


def draft_manual(name: str) -> str:
    """The declaration of an office or of employees, who are asked by mail and answer in their own words."""
    return _of_sample(name, "branch.toml", head="# Its columns take what colleagues write as 'label: value', or send.")


def _of_sample(name: str, file: str, *, head: str) -> str:
    """A declaration that is shipped, as a draft: with *head* below its label, and as cautious as any."""
    text = (files("connectors.samples") / file).read_text(encoding="utf-8")
    told = {
        r"\A(?:#.*\n)+": f"# Draft of what the system {name} holds; lines marked ? are yours to say.\n",
        r"^name = .*": f"name = {_text(name)}",
        r"^label = .*": f"label = {_label(name)}  # ? as a letter to a person calls it\n{head}",
        r"^canary = .*\n": _CANARY,
    }
    for pattern, line in told.items():
        text = re.sub(pattern, line.replace("\\", r"\\"), text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^(activities = .*)$", r"\1  # ? ids in the register", text, flags=re.MULTILINE)
    text = re.sub(r"^(erase = .*)$", r"# \1  # ? until you say so, erasing is a task", text, flags=re.MULTILINE)
    text = text.replace(', asserted_by = "company"', "")
    return text.replace("\nfields = [", '\n# ? asserted_by = "company" where only staff enter the value\nfields = [')


def draft_imap(name: str) -> str:
    """The declaration of employees' mailboxes, which have the same columns wherever they are."""
    text = (files("connectors.samples") / "mailboxes.toml").read_text(encoding="utf-8")
    host = re.search(r"\[\[processors\]\]\n(?:.+\n)+", text)
    canary = re.search(r"canary = .*\n", text)
    if host is None or canary is None:
        raise AssertionError("the sample has a processor and a canary")
    text = text.replace(host[0], '[[processors]]\nunknown = "who runs the mail server for us"  # ?\n')
    text = text.replace(canary[0], f"# {canary[0].rstrip()}  # ? an invented person whose mail must be found\n")
    text = re.sub(r"^(activities = .*)$", r"\1  # ? ids in the register", text, flags=re.MULTILINE)
    text = re.sub(r"^(keep = .*)$", r"\1  # ? is this what you have decided", text, flags=re.MULTILINE)
    text = re.sub(r"^(erase = .*)$", r"# \1  # ? until you say so, removing a mail is a task", text, flags=re.MULTILINE)
    return text.replace('name = "mailboxes"', f"name = {json.dumps(name)}")


def _table(schema: Any, table: str) -> Thing:  # noqa: ANN401  # sa.Inspector
    key = schema.get_pk_constraint(table)["constrained_columns"]
    links = [
        (each["constrained_columns"][0], each["referred_table"], each["referred_columns"][0])
        for each in schema.get_foreign_keys(table)
        if len(each["constrained_columns"]) == 1
    ]
    stored = schema.get_columns(table)
    documents = [column["name"] for column in stored if isinstance(column["type"], sa.LargeBinary)]
    columns = [column["name"] for column in stored if column["name"] not in documents]
    return Thing(name=table, columns=columns, key=key[0] if len(key) == 1 else None, links=links, documents=documents)


def _first_rows(value: Any, where: str) -> tuple[list[dict[str, Any]], str]:  # noqa: ANN401  # JSON
    """The first list of objects in *value* and its JMESPath."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return value, where
    if isinstance(value, dict):
        for key, each in value.items():
            step = key if _BARE.fullmatch(key) and "-" not in key else json.dumps(key)
            rows, found = _first_rows(each, step if where == "@" else f"{where}.{step}")
            if rows:
                return rows, found
    return [], where


# ----------------------------------------------------------------------------------------------------------- writing


#: Kind -> what it calls its things; only those that may be about persons are drafted.
_WORDS = {"sql": "Table", "ldap": "Class"}


def draft(name: str, kind: str, things: Sequence[Thing], **said: str) -> str:
    """The text of a declaration of *things*; said: `file` (files), `rows` (rest)."""
    personal = {thing.name for thing in things if thing.finds}
    reached = {thing.name for thing in things if any(other in personal for _, other, _ in thing.links)}
    lines = [*_head(name, kind)]
    for thing in things:
        if kind in _WORDS and thing.name not in personal | reached:
            told = f"no column looks like a person's. Look: {', '.join(thing.columns)}"
            lines += ["", f"# {_WORDS[kind]} {thing.name}: {told}"]
        elif kind == "sql" and thing.key is None:
            lines += ["", f"# Table {thing.name} holds persons but has no key of one column: give it one, or a view."]
        else:
            keyed = {each.name for each in things if each.key is not None}
            lines += ["", *_object(thing, kind, personal & keyed, said)]
    if not personal:
        lines += [
            "",
            "# Nothing here looks like a way to find a person; without [[object]] this is no declaration yet.",
        ]
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str) -> Iterator[str]:
    yield f"# Draft of what the system {name} holds. A line marked ? is a guess from a name: read it, correct it, and"
    yield "# remove the mark. docs/connecting.md explains every key."
    yield f"name = {_text(name)}"
    yield f"kind = {_text(kind)}"
    yield f"label = {_label(name)}  # ? as a letter to a person calls it"
    yield "# Who runs it for us; remove it if it is nobody but ourselves."
    yield 'processors = [{unknown = "IT-ansvarig: leverantör, land och överföringsgrund"}]'
    yield from _CANARY.splitlines()
    if kind == "rest":
        yield ""
        yield "[http]  # ? how to log in, how the rest of a long answer is asked for, and what the system bears"
        yield 'auth = {style = "bearer"}'
        yield "rate = {calls = 5, seconds = 1}"
        yield '# paging = {style = "page", param = "page", size_param = "per_page", size = 100}'


def _object(thing: Thing, kind: str, findable: set[str], said: dict[str, str]) -> Iterator[str]:
    yield "[[object]]"
    yield f"name = {_text(thing.name)}"
    yield f"label = {_label(thing.name)}  # ?"
    if kind == "sql":
        yield f"table = {_text(thing.name)}"
    if kind == "files":
        yield f"file = {_text(said['file'])}  # ?"
    yield from thing.place
    if thing.key:
        yield f"key = {_text(thing.key)}"
    yield 'activities = ["A1"]  # ? which activities of the register it serves'
    names = [column for column in thing.columns if thing.people and _guess(column).by == "name"]
    if names:
        yield f"person_name = [{_text(names[0])}]  # ?"
    for column in filter(_PROTECTS.search, thing.columns):
        yield f'# protected_if = {{{_text(column)} = "..."}}  # ? how it looks for who lives with protected identity'
    yield from _finds(thing, kind, said)
    links = [each for each in thing.links if each[1] in findable and each[1] != thing.name]
    if links:
        yield "reached_from = ["
        for ours, other, their in links:
            yield f"  {{object = {_text(other)}, their = {_text(their)}, ours = {_text(ours)}}},"
        yield "]"
    if thing.documents:
        yield "documents = ["
        for column in thing.documents:
            yield f"  {{label = {_label(column)}, content = {_text(column)}}},  # ? and name, media_type: their columns"
        yield "]"
    yield '# erase = {action = "delete"}  # without it, erasing is a task for a person'
    yield '# keep = {rule = "bookkeeping", column = "...", law = {sv = "BFL 7 kap. 2 §", en = "..."}}'
    yield "# asserted_by: who vouches for the value: company, confirmed, or (where nothing is said) anybody. Only the"
    yield "# first two make a record certain; where it is not true, one person's data reach another."
    yield "fields = ["
    linked = {ours for ours, _, _ in thing.links} | thing.vouched
    for column in thing.columns:
        yield f"  {_field(column, is_key=column == thing.key or column in linked)}"
    yield "]"


def _finds(thing: Thing, kind: str, said: dict[str, str]) -> Iterator[str]:
    by = [(_guess(column).by, column) for column in thing.columns if thing.people and _guess(column).by]
    if not by:
        return
    yield "find = ["
    for type_, column in by:
        request = f', request = {{path = "/{thing.name}s", rows = {_text(said["rows"])}}}' if kind == "rest" else ""
        yield f"  {{by = {_text(type_)}, columns = [{_text(column)}]{request}}},{'  # ?' if request else ''}"
    yield "]"


def _field(column: str, *, is_key: bool) -> str:
    guess = _guess(column)
    more = ', asserted_by = "company"' if is_key else ""
    more += ', subject = "organisation"' if guess.category == "organisation" else ""
    more += ", free_text = true" if guess.free_text else ""
    return f"{{column = {_text(column)}, label = {_label(column)}, category = {_text(guess.category)}{more}}},  # ?"


def _guess(column: str) -> _Guess:
    return next((guess for guess in _GUESSES if re.search(guess.words, column.lower())), _OTHER)


def _label(name: str) -> str:
    words = _text(re.sub(r"[_\W]+", " ", name).strip().capitalize() or name)
    return f"{{sv = {words}, en = {words}}}"


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
