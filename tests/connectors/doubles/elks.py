"""46elks as its documents describe it: newest first, 100 at most, `next` is where the next page starts in time."""

from typing import Any

from servers.web import Reply

from doubles.described import Call, Description, Double


def _sms(number: int, sender: str, to: str, message: str, direction: str = "outgoing") -> dict[str, Any]:
    created = f"2026-03-{1 + number // 24:02d}T{number % 24:02d}:00:00.000000"
    row = {"id": f"s{number}", "created": created, "direction": direction, "from": sender, "to": to}
    return row | {"message": message} | ({"status": "delivered"} if direction == "outgoing" else {})


class Elks(Double):
    """Erik has +46707654321 and wrote once; 150 messages went to others in between."""

    def __init__(self) -> None:
        super().__init__(Description("46elks"), "Basic ZHNhcjpwdw==")  # dsar:pw
        self.sms = [
            _sms(0, "+46707654321", "+46766861069", "Stopp tack /Erik", "incoming"),
            *(_sms(number, "Xelent", f"+467017406{number:03d}", "Servicedags") for number in range(1, 151)),
            _sms(151, "Xelent", "+46707654321", "Din toner är på väg"),
        ][::-1]
        self.mms = [
            {"id": "m1", "created": "2026-02-20T11:22:26.685000", "direction": "outgoing", "from": "+46766861069"}
            | {"to": "+46707654321", "message": "Så byter du toner"}
        ]

    def list_sms(self, call: Call) -> Reply:
        return self._page(call, [row for row in self.sms if row["to"] == call.query.get("to", row["to"])])

    def list_mms(self, call: Call) -> Reply:
        return self._page(call, self.mms)

    def get_sms(self, call: Call) -> Reply:
        return self._one(call, self.sms)

    def get_mms(self, call: Call) -> Reply:
        return self._one(call, self.mms)

    def _page(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        limit = int(call.query.get("limit", 100))
        rows = [row for row in rows if row["created"] < call.query.get("start", "9")]
        more = {"next": rows[limit - 1]["created"]} if len(rows) > limit else {}
        return Reply(body={"data": rows[:limit], **more})

    def _one(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        found = [row for row in rows if row["id"] == call.path["id"]]
        return Reply(body=found[0]) if found else Reply(status=404)
