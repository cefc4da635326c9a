"""(description of an API, a request or an answer) -> what in it the description does not allow."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
from servers.web import Asked, Reply


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that fits the description."""

    name: str  #: operationId.
    asked: Asked
    path: dict[str, str]
    query: dict[str, str]
    operation: dict[str, Any]


class Description:
    """An extract of an OpenAPI description."""

    def __init__(self, name: str) -> None:
        self.whole: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))

    def find(self, asked: Asked) -> Call | None:
        path = asked.path.removeprefix("/api")
        for template, item in self.whole["paths"].items():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            found = re.fullmatch(pattern, path)
            if found and asked.method.lower() in item:
                named = {name: unquote(value) for name, value in found.groupdict().items()}
                query = dict(parse_qsl(urlsplit(asked.target).query, keep_blank_values=True))
                operation = item[asked.method.lower()]
                return Call(name=operation["operationId"], asked=asked, path=named, query=query, operation=operation)
        return None

    def faults_of_call(self, call: Call) -> Iterator[str]:
        declared = {each["name"]: each for each in map(self._resolved, call.operation.get("parameters", []))}
        for name, value in call.query.items():
            if name not in declared:
                yield f"{call.name}: no parameter {name!r}"
            else:
                yield from self._misfits(_typed(value, declared[name]["schema"]), declared[name]["schema"], call.name)
        for name, each in declared.items():
            if each.get("required") and name not in call.query:
                yield f"{call.name}: parameter {name!r} is missing"
        body = call.operation.get("requestBody")
        if body is None and call.asked.body:
            yield f"{call.name}: takes no body"
        if body is not None:
            yield from self._misfits(json.loads(call.asked.body or b"null"), _schema(body), call.name)

    def faults_of_answer(self, call: Call, reply: Reply) -> Iterator[str]:
        declared = call.operation["responses"].get(str(reply.status))
        if declared is None:
            yield f"{call.name}: never answers {reply.status}"
        elif "application/json" in declared.get("content", {}):
            yield from self._misfits(reply.body, _schema(declared), call.name)
        elif "content" not in declared and reply.body is not None:
            yield f"{call.name}: answers {reply.status} without a body"

    def _misfits(self, value: object, schema: dict[str, Any], name: str) -> Iterator[str]:
        whole = {**schema, "components": self.whole.get("components", {})}
        for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
            yield f"{name}: {error.json_path}: {error.message}"

    def _resolved(self, parameter: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in parameter:
            return parameter
        found: dict[str, Any] = self.whole["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        return found


@dataclass
class Double:
    """A server that behaves as the description says; operation `getThing` is answered by method `get_thing`."""

    description: Description
    proof: str  #: The header Authorization that it takes.
    grant: dict[str, str] = field(default_factory=dict)  #: What a token is given for, at /api/token.
    granted: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)  #: Statuses with which the next calls are turned away.

    def __call__(self, asked: Asked) -> Reply:
        if self.grant and asked.path == "/api/token":
            fits = self.grant.items() <= asked.form.items()
            return Reply(body=self.granted) if fits else Reply(status=400, body={"error": "invalid_grant"})
        if asked.headers.get("authorization") != self.proof:
            return Reply(status=401, body={})
        if self.busy:
            return Reply(status=self.busy.pop(), body={}, headers={"Retry-After": "1"})
        call = self.description.find(asked)
        found = ["no such request"] if call is None else list(self.description.faults_of_call(call))
        if call is None or found:
            self.faults += [f"{asked.method} {asked.path}: {fault}" for fault in found]
            return Reply(status=400, body={})
        reply = self.answer(call)
        self.faults += self.description.faults_of_answer(call, reply)
        return reply

    def answer(self, call: Call) -> Reply:
        reply: Reply = getattr(self, re.sub(r"(?<=[a-z])([A-Z])", r"_\1", call.name).lower())(call)
        return reply


def _schema(described: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = described["content"]["application/json"]["schema"]
    return schema


def _typed(text: str, schema: dict[str, Any]) -> object:
    return int(text) if schema.get("type") == "integer" and text.isdecimal() else text
