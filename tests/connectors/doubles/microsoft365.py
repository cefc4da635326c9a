"""Microsoft Graph as its documents describe it: a mailbox for each member, pages by link, 1000 hits of a search."""

from typing import Any

from servers.web import Reply

from doubles.described import Call, Description, Double

_NOPE = {"error": {"code": "ErrorItemNotFound"}}
ANNA, BO = "anna@xelent.example", "bo@xelent.example"


def _contact(number: int, name: str, address: str, mobile: str = "", note: str = "") -> dict[str, Any]:
    mails = [{"name": name, "address": address}] if address else []
    return {"id": f"AAMk{number}=", "displayName": name, "emailAddresses": mails, "mobilePhone": mobile or None} | {
        "businessPhones": [], "homePhones": [], "children": [], "personalNotes": note,
    }  # fmt: skip


def _mail(number: int, sender: str, to: str, subject: str, text: str) -> dict[str, Any]:
    return {
        "id": f"AAQk{number}=", "receivedDateTime": "2026-03-02T08:00:00Z", "sensitivity": "normal", "subject": subject,
        "from": {"emailAddress": {"name": "", "address": sender}}, "toRecipients": [{"emailAddress": {"address": to}}],
        "ccRecipients": [], "bccRecipients": [], "body": {"contentType": "text", "content": text},
    }  # fmt: skip


class Microsoft365(Double):
    """Two members and a guest without a mailbox; Erik is in Anna's contacts and mail and in a folder of Bo's."""

    def __init__(self) -> None:
        granted = {"access_token": "t-1"}
        grant = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
        super().__init__(Description("microsoft365"), "Bearer t-1", grant, granted)
        self.users = [
            {"id": "u1", "displayName": "Anna Ek", "userPrincipalName": ANNA, "mail": ANNA, "userType": "Member"},
            {"id": "u2", "displayName": "Bo Alm", "userPrincipalName": BO, "mail": BO, "userType": "Member"},
            {
                "id": "u3",
                "displayName": "Erik Lindqvist",
                "userPrincipalName": "erik.lindqvist_example.se#EXT#@x.example",
            }
            | {"mail": "erik.lindqvist@example.se", "userType": "Guest"},
        ]
        erik = _contact(1, "Erik Lindqvist", "Erik.Lindqvist@example.se", "070-765 43 21")
        self.contacts: dict[str, list[dict[str, Any]]] = {
            ANNA: [erik, *(_contact(number, f"Kund {number}", f"p{number}@example.org") for number in range(10, 260))],
            BO: [],
            f"{BO}/f1": [_contact(2, "Lindqvist, Erik", "", "+46707654321", "Gillar segling")],
        }
        self.mail: dict[str, list[dict[str, Any]]] = {
            ANNA: [
                _mail(1, "erik.lindqvist@example.se", ANNA, "Offert", "Mitt nummer är 19121212-1212."),
                _mail(2, "other@example.org", ANNA, "Hej", "Erik är snäll"),
            ],
            BO: [],
        }
        self.files = {"AAQk1=": {"id": "f1", "name": "avtal.txt", "contentType": "text/plain", "size": 5}}

    def list_users(self, call: Call) -> Reply:
        members = "$filter" in call.query
        shown = [row for row in self.users if not members or row["userType"] == "Member"]
        return Reply(body={"value": [{k: v for k, v in row.items() if k in call.query["$select"]} for row in shown]})

    def get_user(self, call: Call) -> Reply:
        return self._one([row for row in self.users if row["id"] == call.path["mailbox"]])

    def list_folders(self, call: Call) -> Reply:
        folders = [place.rpartition("/")[2] for place in self.contacts if place.startswith(f"{call.path['mailbox']}/")]
        return Reply(body={"value": [{"id": folder} for folder in folders]})

    def list_contacts(self, call: Call) -> Reply:
        place = "/".join(filter(None, (call.path["mailbox"], call.path.get("folder"))))
        start, size = int(call.query.get("$skiptoken", 0)), int(call.query["$top"])
        rows = self.contacts[place]
        link = f"{call.asked.path}?$skiptoken={start + size}"
        more = {"@odata.nextLink": link} if start + size < len(rows) else {}
        return Reply(body={"value": rows[start : start + size], **more})

    def get_contact(self, call: Call) -> Reply:
        return self._one(self._contact(call)[1])

    def patch_contact(self, call: Call) -> Reply:
        _, (row,) = self._contact(call)
        row |= call.asked.json
        return Reply(body=row)

    def delete_contact(self, call: Call) -> Reply:
        rows, found = self._contact(call)
        for row in found:
            rows.remove(row)
        return Reply(status=204) if found else Reply(status=404, body=_NOPE)

    def list_messages(self, call: Call) -> Reply:
        asked = call.query["$search"].strip('"').removeprefix("participants:").lower()
        hits = [row for row in self.mail[call.path["mailbox"]] if asked in str(row).lower()][:1000]
        start, size = int(call.query.get("$skiptoken", 0)), int(call.query["$top"])
        more = {"@odata.nextLink": f"{call.asked.path}?$skiptoken={start + size}"} if start + size < len(hits) else {}
        return Reply(body={"value": hits[start : start + size], **more})

    def get_message(self, call: Call) -> Reply:
        return self._one(self._message(call))

    def delete_message(self, call: Call) -> Reply:
        found = self._message(call)
        for row in found:
            self.mail[call.path["mailbox"]].remove(row)
        return Reply(status=204) if found else Reply(status=404, body=_NOPE)

    def list_attachments(self, call: Call) -> Reply:
        return Reply(body={"value": [self.files[call.path["message"]]] if call.path["message"] in self.files else []})

    def get_attachment(self, call: Call) -> Reply:
        return Reply(body=b"Avtal", headers={"Content-Type": "text/plain"})

    def _contact(self, call: Call) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        rows = self.contacts["/".join(filter(None, (call.path["mailbox"], call.path.get("folder"))))]
        return rows, [row for row in rows if row["id"] == call.path["contact"]]

    def _message(self, call: Call) -> list[dict[str, Any]]:
        return [row for row in self.mail[call.path["mailbox"]] if row["id"] == call.path["message"]]

    def _one(self, found: list[dict[str, Any]]) -> Reply:
        return Reply(body=found[0]) if found else Reply(status=404, body=_NOPE)
