"""
How a web API is spoken to: requests with slots, logging in, pages, limits, work that ends later.

Effects: none. A value that came from a requester enters a request only through a slot `{value}` or `{key}`, in a form
that the slot names; everything else of a request stands in the declaration (promise P10).
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from dsar.declaration.facts import Name, Strict

#: What a slot stands for. `value`: the identifier or company key searched by; `key`: of the record, `key.2` its second
#: part between colons; `row.NAME`: another column of the record as it was just read; `each`: see WebRequest.each;
#: `new`: the new value, see Writes.change_of; `inside.NAME`: see Inside; `job`: of the job; `secret`: an option of the
#: system in settings, where one logs in only.
SLOT = re.compile(
    r"\{(?P<what>value|key(?:\.[1-9])?|row\.[A-Za-z_]\w*|inside\.[a-z_]+|each|new|job|secret\.[a-z_]+)"
    r"(?::(?P<form>[a-z0-9_]+))?\}"
)
#: Forms a slot may ask for; connectors/slots.py makes them.
Form = Literal[
    "plain", "quoted", "like", "regex", "digits", "last9", "national", "short", "long", "spread", "starred", "apart"
]
FORMS = frozenset(get_args(Form))


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError:
        raise ValueError(f"{text!r} is no JMESPath expression") from None
    return text


def _slots_are_known(text: str) -> str:
    for match in re.finditer(r"\{[^{}\s\"]*\}", text):
        slot = SLOT.fullmatch(match[0])
        if not slot or (slot["form"] or "plain") not in FORMS:
            raise ValueError(f"{match[0]!r} is no slot")
    return text


def _is_local(text: str) -> str:
    # A path alone, so that no request can name another host: neither "//host" nor "https://host" nor "..".
    if not text.startswith("/") or text.startswith("//") or ".." in text or "\\" in text or "?" in text or "#" in text:
        raise ValueError("a path begins with one / and holds neither .. nor ? nor #; parameters stand in 'query'")
    return _slots_are_known(text)


Expression = Annotated[Name, AfterValidator(_expression)]
Template = Annotated[str, AfterValidator(_slots_are_known)]
LocalPath = Annotated[Name, AfterValidator(_is_local)]
Place = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$")]


class Packed(Strict):
    """A query parameter that holds JSON, plain or as base64url (Tryton)."""

    pack: JsonValue
    encode: Literal["json", "base64url"] = "json"


class Paging(Strict):
    """How the rest of a long answer is asked for."""

    style: Literal["page", "offset", "cursor", "link_header", "body_link"]
    param: Place = "page"  #: Parameter of the page number, the offset, the cursor or the time to go on from.
    place: Literal["query", "body"] = "query"  #: Where the parameters stand; a body place may be dotted.
    size_param: Place | None = None
    size: int = Field(default=100, ge=1)
    first: int = 1  #: Number of the first page.
    next: Expression | None = None  #: In the answer: the next cursor (also a time) or link.
    total: Expression | None = None  #: In the answer: how many rows there are; fewer read is a failed read.
    more: Expression | None = None  #: In the answer: whether there are more rows.
    cap: int | None = Field(default=None, ge=1)  #: Pages that the system gives at most; more rows is a failed read.

    @model_validator(mode="after")
    def _next_is_named(self) -> "Paging":
        if (self.style in {"cursor", "body_link"}) != bool(self.next):
            raise ValueError("'next' belongs to styles cursor and body_link, which need it")
        return self


class Job(Strict):
    """Work that the system ends later: its number, how to ask about it, and what the answers mean."""

    number: Expression | None = None  #: In the first answer; without it the Location header names the job.
    path: LocalPath = "/{job}"
    status: Expression
    done: tuple[str, ...] = Field(min_length=1)
    failed: tuple[str, ...] = ()
    result: LocalPath | None = None  #: Where the result is fetched; without it the last answer is the result.
    every_seconds: float = Field(default=2, gt=0)
    within_seconds: float = Field(default=300, gt=0)


class WebRequest(Strict):
    """One request and what its answer means."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: LocalPath
    #: A list is the same parameter several times.
    query: dict[str, Template | tuple[Template, ...] | Packed] = Field(default_factory=dict)
    json_body: JsonValue = Field(default=None, alias="json")
    form: dict[str, Template] | None = None
    rows: Expression = "@"  #: Where the rows stand in the answer; one object is one row.
    nothing: tuple[int, ...] = ()  #: Status codes that mean "there is none".
    null_is_nothing: bool = False  #: Whether null in place of the rows means that, or that something is wrong.
    paging: Paging | None = None  #: Other than that of the whole API.
    paged: bool = True  #: False: the answer is whole, whatever [http.paging] says.
    job: Job | None = None
    each: Expression | None = None  #: Of the record: the request is made once for each of these values, as {each}.
    changes_at: Place | None = None  #: Where changed values go in the body of a write; its top without it.

    @model_validator(mode="after")
    def _one_body(self) -> "WebRequest":
        if self.json_body is not None and self.form is not None:
            raise ValueError("either json or form")
        query = self.json_body.get("query") if isinstance(self.json_body, dict) else None
        if isinstance(query, str) and SLOT.search(query):
            raise ValueError("a value never stands in the text of a query; give it as a variable")
        return self

    @property
    def slots(self) -> frozenset[str]:
        """What the slots of this request stand for: value, key, job, secret.NAME."""
        texts = [self.path, *(self.form or {}).values(), *_texts(self.json_body)]
        for each in self.query.values():
            texts += _texts(each.pack) if isinstance(each, Packed) else [each] if isinstance(each, str) else each
        return frozenset(match["what"] for text in texts for match in SLOT.finditer(text))


class Inside(Strict):
    """
    What the records of an object lie in, such as the mailboxes of a server: its requests are made in each (rest).

    The key of such a record begins with the place, then a colon, and the record has the place under *name*.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")]  #: Of the slot {inside.NAME}.
    request: WebRequest  #: Lists the places; it may name the place around them.
    value: Expression  #: In each row of that list: what names the place in requests and keys.


class TokenFrom(Strict):
    """Where the answer to logging in holds the token."""

    header: Name | None = None
    body: Expression | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "TokenFrom":
        if (self.header is None) == (self.body is None):
            raise ValueError("either header or body")
        return self


class Auth(Strict):
    """How the program proves who it is; the secrets stand in settings."""

    style: Literal[
        "none",
        "basic",
        "bearer",
        "header",
        "query",
        "oauth2_client",
        "oauth2_refresh",
        "oauth2_code",
        "login",
        "cookie",
    ] = "none"
    name: Name | None = None  #: Of the header or parameter (header, query), and of where a login's token goes.
    prefix: str = ""  #: Before the token in the header, such as "Bearer ".
    body_key: Place | None = None  #: login: the token goes into the JSON body under this key instead.
    token_path: LocalPath | None = None  #: oauth2: on the same host; option `token_url` names another.
    scope: str | None = None
    parameters: dict[str, str] = Field(default_factory=dict)  #: oauth2: further ones, such as audience.
    client_auth: Literal["body", "basic"] = "body"  #: oauth2: how the client's id and secret are sent.
    authorize: dict[str, str] = Field(default_factory=dict)  #: oauth2_code: further parameters of the page of consent.
    request: WebRequest | None = None  #: login, cookie: how to log in; {secret.NAME} is an option in settings.
    token: TokenFrom | None = None  #: login.

    @model_validator(mode="after")
    def _has_what_its_style_needs(self) -> "Auth":
        needs = {
            "header": {"name"},
            "query": {"name"},
            "login": {"request", "token"},
            "cookie": {"request"},
        }.get(self.style, set())
        if missing := sorted(need for need in needs if getattr(self, need) is None):
            raise ValueError(f"style {self.style!r} needs {' and '.join(missing)}")
        if self.style == "login" and (self.name is None) == (self.body_key is None):
            raise ValueError("style 'login' needs either name or body_key")
        return self


class Rate(Strict):
    """What the system bears."""

    calls: int = Field(ge=1)
    seconds: float = Field(default=1, gt=0)
    at_once: int = Field(default=4, ge=1)


class Http(Strict):
    """[http]: the API as a whole."""

    auth: Auth = Field(default_factory=Auth)
    headers: dict[str, str] = Field(default_factory=dict)  #: Constant ones.
    paging: Paging | None = None
    rate: Rate = Field(default_factory=lambda: Rate(calls=10, seconds=1))
    error: Expression | None = None  #: In an answer with status 200: set if it is an error (GraphQL, JSON-RPC).
    error_code: Expression | None = None  #: The number of that error.
    login_again: tuple[int, ...] = (401,)  #: Codes that mean that the token has run out.


class Writes(Strict):
    """How a record is read by its key, changed and removed through a web API."""

    read: WebRequest
    anonymise: tuple[WebRequest, ...] = ()  #: What overwrites the person, in this order, instead of `change`.
    change: WebRequest | None = None
    change_of: dict[str, WebRequest] = Field(default_factory=dict)  #: Column -> what changes it alone, to {new}.
    remove: tuple[WebRequest, ...] = ()  #: In this order, such as deactivate, delete, delete for good.
    gone: tuple[int, ...] = (404, 410)  #: Status or error codes of a removal that mean that it is gone already.
    conflict: tuple[int, ...] = (409, 422)  #: Codes that mean that the system says no.
    if_match: bool = False  #: Send the ETag of the last read with a change, so that nobody's change is lost.


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
