"""Mailchimp as its documents describe it: a contact in each audience, DELETE that only archives, one erasure."""

import hashlib
from typing import Any

from servers.web import Reply

from doubles.described import Call, Description, Double

_PROBLEM = {"title": "Resource Not Found", "status": 404}


def _member(number: int, list_id: str, address: str, status: str = "subscribed", **merge: str) -> dict[str, Any]:
    return {
        "contact_id": f"c{number}", "list_id": list_id, "email_address": address, "status": status,
        "merge_fields": {"FNAME": "", "LNAME": "", "PHONE": ""} | merge, "source": "Import", "tags": [],
        "ip_signup": "", "timestamp_signup": "2025-03-01T10:00:00+00:00",
    }  # fmt: skip


class Mailchimp(Double):
    """Erik is in both audiences, archived in one; the namesake and a thousand others are in the first."""

    def __init__(self) -> None:
        super().__init__(Description("mailchimp"), "Basic ZHNhcjpwdw==")  # dsar:pw
        self.members = [
            _member(1, "a1", "Erik.Lindqvist@example.se", FNAME="Erik", LNAME="Lindqvist", PHONE="070-765 43 21"),
            _member(2, "a2", "erik.lindqvist@example.se", "archived"),
            _member(3, "a1", "erik@example.net", FNAME="Erik", LNAME="Lindqvist"),
            *(_member(number, "a1", f"p{number}@example.org") for number in range(4, 1100)),
        ]
        self.notes = {"c1": [{"id": 1, "note": "Vill ha erbjudanden om toner"}]}

    def get_lists(self, call: Call) -> Reply:
        return self._page(call, "lists", [{"id": "a1", "name": "Nyheter"}, {"id": "a2", "name": "Service"}])

    def get_members(self, call: Call) -> Reply:
        return self._page(call, "members", [_told(row) for row in self.members if row["list_id"] == call.path["list"]])

    def get_member(self, call: Call) -> Reply:
        row = self._found(call)
        return Reply(body=_told(row)) if row else Reply(status=404, body=_PROBLEM)

    def patch_member(self, call: Call) -> Reply:
        row = self._found(call)
        if row is None:
            return Reply(status=404, body=_PROBLEM)
        change = call.asked.json
        row |= {**change, "merge_fields": row["merge_fields"] | change.get("merge_fields", {})}
        return Reply(body=_told(row))

    def delete_permanent(self, call: Call) -> Reply:
        # Of all requests this one takes the hash alone.
        row = next((row for row in self._of(call) if _told(row)["id"] == call.path["subscriber"]), None)
        if row is None:
            return Reply(status=404, body=_PROBLEM)
        self.members.remove(row)
        return Reply(status=204)

    def get_notes(self, call: Call) -> Reply:
        row = self._found(call)
        return self._page(call, "notes", self.notes.get(row["contact_id"], []) if row else [])

    def get_activity(self, call: Call) -> Reply:
        opened = {"activity_type": "open", "created_at_timestamp": "2026-03-02T08:00:00+00:00"}
        return self._page(call, "activity", [opened])

    def _of(self, call: Call) -> list[dict[str, Any]]:
        return [row for row in self.members if row["list_id"] == call.path["list"]]

    def _found(self, call: Call) -> dict[str, Any] | None:
        asked = call.path["subscriber"]
        names = ("id", "contact_id", "email_address")
        return next((row for row in self._of(call) if asked.lower() in [_told(row)[x].lower() for x in names]), None)

    def _page(self, call: Call, name: str, rows: list[dict[str, Any]]) -> Reply:
        start, count = int(call.query.get("offset", 0)), int(call.query.get("count", 10))
        return Reply(body={name: rows[start : start + count], "total_items": len(rows)})


def _told(row: dict[str, Any]) -> dict[str, Any]:
    address = row["email_address"].lower().encode()
    return {"id": hashlib.md5(address, usedforsecurity=False).hexdigest(), **row}
