"""Fortnox as its documents describe it: filters that find parts, lists that tell little, customers that stay."""

from copy import deepcopy
from typing import Any

from servers.web import Reply

from doubles.described import Call, Description, Double

_PLURALS = {
    "customers": "Customer",
    "invoices": "Invoice",
    "orders": "Order",
    "offers": "Offer",
    "suppliers": "Supplier",
}
_IN_LIST = ("CustomerNumber", "SupplierNumber", "Name", "Email", "OrganisationNumber", "Address1", "City", "ZipCode")
_OF_DOCUMENT = (
    *("DocumentNumber", "CustomerNumber", "CustomerName", "Total", "Cancelled"),
    *("InvoiceDate", "DueDate", "Balance", "OCR", "OrderDate", "OfferDate"),
)


def _customer(number: str, name: str, kind: str = "PRIVATE", **more: str) -> dict[str, Any]:
    return {"CustomerNumber": number, "Name": name, "Type": kind, "Active": True, **more}


def _document(number: int, customer: str, **more: object) -> dict[str, Any]:
    return {"DocumentNumber": str(number), "CustomerNumber": customer, "Total": 995.0, "Cancelled": False, **more}


PAID = {"InvoiceDate": "2026-03-02", "DueDate": "2026-04-01", "Balance": 0, "OCR": "12345"}


class Fortnox(Double):
    """Erik is K1; K10 is another person and K2 a company that has his address for invoices."""

    def __init__(self, others: int = 5) -> None:
        granted = {"access_token": "t-1", "refresh_token": "r-2"}
        super().__init__(Description("fortnox"), "Bearer t-1", {"grant_type": "refresh_token"}, granted)
        self.rows: dict[str, list[dict[str, Any]]] = {
            "customers": [
                _customer(
                    "K1", "Erik Lindqvist", OrganisationNumber="19121212-1212", Email="Erik.Lindqvist@Example.se",
                    Phone1="0346-123 45", Phone2="070-765 43 21", Address1="Västergatan 9", YourReference="Erik",
                    Comments="Ring efter kl 17",
                ),
                _customer("K10", "Erik Lindqvist", Email="erik@example.net", Phone1="0340-999 99"),
                _customer("K2", "Varbergs Tandvård AB", "COMPANY", EmailInvoiceCC="erik.lindqvist@example.se"),
                *(_customer(f"K3{number:03d}", f"Kund {number}") for number in range(others)),
                _customer("K9", "Ylva Sist"),
            ],
            "invoices": [
                _document(
                    1, "K1", CustomerName="Erik Lindqvist", **PAID, Remarks="Tack för köpet, Erik",
                    InvoiceRows=[{"Description": "Toner svart"}],
                    EmailInformation={"EmailAddressTo": "erik@work.example"},
                ),
                _document(2, "K10", **PAID),
            ],
            "orders": [_document(7, "K1", OrderDate="2026-03-01", OrderRows=[{"Description": "Toner svart"}])],
            "offers": [],
            "suppliers": [{"SupplierNumber": "9", "Name": "Erik Lindqvist Bud", "Email": "erik.lindqvist@example.se"}],
        }  # fmt: skip

    def answer(self, call: Call) -> Reply:
        """Every register is asked in the same way."""
        plural = call.asked.path.removeprefix("/api/3/").partition("/")[0]
        if call.asked.method == "PUT":
            return self._put(call)
        return self._get(call, plural) if call.path else self._list(call, plural)

    def _list(self, call: Call, plural: str) -> Reply:
        rows = self.rows[plural]
        for parameter, value in call.query.items():
            if parameter not in {"page", "limit"}:  # SELECT ... WHERE field ILIKE '%value%'
                names = {name.lower(): name for row in rows for name in row}
                rows = [row for row in rows if value.lower() in str(row.get(names[parameter], "")).lower()]
        size, page = int(call.query.get("limit", 100)), int(call.query.get("page", 1))
        shown = _OF_DOCUMENT if _PLURALS[plural] in {"Invoice", "Order", "Offer"} else _IN_LIST
        told = [{name: row[name] for name in shown if name in row} for row in rows[(page - 1) * size : page * size]]
        meta = {"@CurrentPage": page, "@TotalPages": -(-len(rows) // size), "@TotalResources": len(rows)}
        return Reply(body={plural.capitalize(): told, "MetaInformation": meta})

    def _get(self, call: Call, plural: str) -> Reply:
        row = self.row(plural, call.path["number"])
        if row is None:
            return Reply(
                status=404, body={"ErrorInformation": {"error": 1, "message": "Kan inte hitta", "code": 2000424}}
            )
        return Reply(body={_PLURALS[plural]: deepcopy(row)})

    def row(self, plural: str, number: str) -> dict[str, Any] | None:
        keys = ("DocumentNumber", "SupplierNumber") if plural != "customers" else ("CustomerNumber",)
        return next((row for row in self.rows[plural] if number in [row.get(key) for key in keys]), None)

    def _put(self, call: Call) -> Reply:
        row = self.row("customers", call.path["number"])
        assert row is not None
        row |= call.asked.json["Customer"]
        return Reply(body={"Customer": row})
