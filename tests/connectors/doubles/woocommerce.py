"""WooCommerce as its documents describe it: guests in orders only, and orders that outlive their customer."""

from typing import Any

from servers.web import Reply

from doubles.described import Call, Description, Double

_WRONG = {"code": "woocommerce_rest_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}


def _customer(number: int, first: str, last: str, email: str, role: str = "customer", **billing: str) -> dict[str, Any]:
    return {
        "id": number, "email": email, "first_name": first, "last_name": last, "role": role, "username": email,
        "billing": {"first_name": first, "last_name": last, "email": email, **billing}, "shipping": {}, "meta_data": [],
    }  # fmt: skip


def _order(number: int, customer: int, email: str, phone: str, status: str = "completed") -> dict[str, Any]:
    billing = {"first_name": "Erik", "last_name": "Lindqvist", "address_1": "Västergatan 9", "city": "Falkenberg"}
    return {
        "id": number, "number": str(number), "status": status, "customer_id": customer, "total": "995.00",
        "billing": {**billing, "email": email, "phone": phone}, "shipping": dict(billing),
        "customer_note": "Ring först", "customer_ip_address": "192.0.2.7", "customer_user_agent": "Mozilla/5.0",
        "line_items": [{"name": "Toner svart", "quantity": 2}],
    }  # fmt: skip


class WooCommerce(Double):
    """Erik is customer 7 with order 71, and once ordered as a guest, order 72; the namesake is customer 8."""

    def __init__(self) -> None:
        super().__init__(Description("woocommerce"), "Basic ZHNhcjpwdw==")  # dsar:pw
        self.customers = [
            _customer(7, "Erik", "Lindqvist", "erik.lindqvist@example.se", "subscriber", phone="0707654321"),
            _customer(8, "Erik", "Lindqvist", "erik@example.net"),
            *(_customer(number, "Kund", str(number), f"p{number}@example.org") for number in range(100, 350)),
        ]
        self.orders = [
            _order(71, 7, "erik.lindqvist@example.se", "0707654321"),
            _order(72, 0, "erik.privat@example.org", "+46 (0)70-765 43 21"),
            _order(73, 8, "erik@example.net", ""),
        ]
        self.notes = {71: [{"id": 5, "note": "Erik hämtar själv"}, {"id": 6, "note": "Betald"}]}

    def get_customers(self, call: Call) -> Reply:
        role = call.query.get("role", "customer")
        rows = [row for row in self.customers if role in {"all", row["role"]}]
        return self._page(call, [row for row in rows if row["email"] == call.query.get("email", row["email"])])

    def get_customer(self, call: Call) -> Reply:
        return self._one(call, self.customers)

    def put_customer(self, call: Call) -> Reply:
        return self._put(call, self.customers)

    def delete_customer(self, call: Call) -> Reply:
        row = self._found(call, self.customers)
        if row is None:
            return Reply(status=400, body=_WRONG)
        self.customers.remove(row)
        for order in self.orders:
            order["customer_id"] = 0 if order["customer_id"] == row["id"] else order["customer_id"]
        return Reply(body=row)

    def get_orders(self, call: Call) -> Reply:
        asked = int(call.query["customer"]) if "customer" in call.query else None
        return self._page(call, [row for row in self.orders if asked in {None, row["customer_id"]}])

    def get_order(self, call: Call) -> Reply:
        return self._one(call, self.orders)

    def put_order(self, call: Call) -> Reply:
        return self._put(call, self.orders)

    def get_notes(self, call: Call) -> Reply:
        return Reply(body=self.notes.get(int(call.path["id"]), []))

    def delete_note(self, call: Call) -> Reply:
        notes = self.notes[int(call.path["id"])]
        gone = next(note for note in notes if note["id"] == int(call.path["note"]))
        notes.remove(gone)
        return Reply(body=gone)

    def _page(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        size, page = int(call.query.get("per_page", 10)), int(call.query.get("page", 1))
        path = f"{call.asked.path}?" + "".join(f"{k}={v}&" for k, v in call.query.items() if k != "page")
        link = {"Link": f'<{path}page={page + 1}>; rel="next"'} if page * size < len(rows) else {}
        return Reply(body=rows[(page - 1) * size : page * size], headers={"X-WP-Total": str(len(rows)), **link})

    def _found(self, call: Call, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
        return next((row for row in rows if str(row["id"]) == call.path["id"]), None)

    def _one(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        row = self._found(call, rows)
        return Reply(body=row) if row else Reply(status=404, body=_WRONG)

    def _put(self, call: Call, rows: list[dict[str, Any]]) -> Reply:
        row = self._found(call, rows)
        if row is None:
            return Reply(status=400, body=_WRONG)
        for name, value in call.asked.json.items():
            row[name] = row[name] | value if isinstance(value, dict) else value
        return Reply(body=row)
