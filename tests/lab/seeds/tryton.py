"""
The business system, in its own process and by its own library: `base` makes the company once, `fill` the population.

Run by Tryton's own Python; everything that is written is written through its models.
"""

# rows of data and queries are read as one line each

import datetime as dt
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from lab.people import ANNA, COMPANIES, CONTACTS, ERIK, EVERYBODY, OTHERS, PRIVATE, hyphened, serial

_AREA = Path(os.environ["LAB"])
_TOOLS = "trytond.modules.{}.tests.tools"


class _Tryton:
    """Models and tools over one database."""

    def __init__(self, database: str) -> None:
        proteus: Any = importlib.import_module("proteus")  # in Tryton's environment only
        url = f"postgresql://postgres@127.0.0.1:{os.environ['PG_PORT']}/{database}"
        self.config = proteus.config.set_trytond(url, config_file=str(_AREA / "tryton" / "trytond.conf"))
        self.model = proteus.Model.get

    def tool(self, module: str) -> Any:
        return importlib.import_module(_TOOLS.format(module))

    def save(self, records: Iterable[Any]) -> list[Any]:
        """All at once: one by one takes 0.1 to 0.3 seconds each."""
        saved = list(records)
        type(saved[0]).save(saved)
        return saved

    def as_user(self) -> None:
        self.config._context = self.model("res.user").get_preferences(True, {})  # noqa: FBT003  # its own signature


def base() -> None:
    """Company, accounts, fiscal year, products and the key of the REST API; no persons."""
    tryton = _Tryton("tryton_tmp")
    account, invoicing = tryton.tool("account"), tryton.tool("account_invoice")
    currency = tryton.tool("currency").get_currency("SEK", config=tryton.config)
    tryton.tool("company").create_company(currency=currency, config=tryton.config)
    company = tryton.tool("company").get_company(config=tryton.config)
    tryton.as_user()
    year = account.create_fiscalyear(company, config=tryton.config)
    invoicing.set_fiscalyear_invoice_sequences(year, config=tryton.config).click("create_period")
    account.create_chart(company, config=tryton.config)
    _products(tryton, account.get_accounts(company, config=tryton.config))
    country = tryton.model("country.country")
    if not country.find([("code", "=", "SE")]):
        country(name="Sweden", code="SE", code3="SWE").save()
    tryton.model("party.relation.type")(name="Kontaktperson hos").save()
    tryton.model("marketing.email.list")(name="Nyhetsbrev").save()
    admin = tryton.model("res.user").find([("login", "=", "admin")])[0]
    key = tryton.model("res.user.application")(application="rest", user=admin)
    key.save()
    (_AREA / "tryton" / "restkey").write_text(key.key, "ascii")


def _products(tryton: _Tryton, accounts: dict[str, Any]) -> None:
    unit, day = (tryton.model("product.uom").find([("symbol", "=", symbol)], limit=1)[0] for symbol in "ud")
    category = tryton.model("product.category")(name="Konto", accounting=True)
    category.account_expense = accounts["expense"]
    category.account_revenue = category.account_rental = accounts["revenue"]
    category.save()
    template = tryton.model("product.template")
    for name, price in (("Kopiator MX-4071", "24900"), ("Toner svart", "995")):
        template(
            name=name,
            default_uom=unit,
            type="goods",
            salable=True,
            account_category=category,
            list_price=Decimal(price),
        ).save()
    rented = template(name="Hyrskrivare", default_uom=unit, type="assets", account_category=category, rentable=True)
    rented.rental_per_day, rented.rental_unit = True, day
    price = rented.rental_prices.new()
    price.duration, price.price = dt.timedelta(days=1), Decimal(50)
    rented.save()


def fill() -> None:
    """Parties, sales, invoices, rentals, notes, a file, marketing addresses."""
    tryton = _Tryton("tryton")
    tryton.as_user()
    products = {each.template.name: each for each in tryton.model("product.product").find([])}
    lot = tryton.model("stock.lot")
    devices = ["XM4521A00017", "XM4521A00018", "XM4521A00099", *map(serial, range(24))]
    tryton.save(lot(number=number, product=products["Kopiator MX-4071"]) for number in devices)
    parties = _parties(tryton)
    _trade(tryton, products, parties)
    note, attachment, address = (tryton.model(name) for name in ("ir.note", "ir.attachment", "marketing.email"))
    notes = [note(resource=parties["erik"], message="Ring efter kl 17, Erik jobbar natt. Mobil 070-765 43 21")]
    wishes = ((each, f"{each.first} vill bli kontaktad på {each.phone}") for each in OTHERS[::5])
    tryton.save([*notes, *(note(resource=parties[each.key], message=text) for each, text in wishes)])
    contract = b"Hyresavtal Erik Lindqvist 19121212-1212"
    attachment(resource=parties["erik"], name="hyresavtal-erik.txt", data=contract).save()
    list_ = tryton.model("marketing.email.list").find([])[0]
    tryton.save(address(email=each.email, list_=list_) for each in (ERIK, ANNA, *OTHERS[::2]))
    inactive = [parties[each.key] for each in OTHERS if not each.active]
    for party in inactive:
        party.active = False
    tryton.save(inactive)


def _parties(tryton: _Tryton) -> dict[str, Any]:
    sweden = tryton.model("country.country").find([("code", "=", "SE")])[0]

    def party(
        name: str,
        code: str,
        mail: str,
        phone: tuple[str, str],
        street: str,
        postcode: str,
        city: str,
        number: tuple[str, str] | None,
    ) -> Any:
        made = tryton.model("party.party")(name=name, code=code)
        address = made.addresses[0] if made.addresses else made.addresses.new()
        address.street_unstructured, address.postal_code, address.city, address.country = street, postcode, city, sweden
        for type_, value in (("email", mail), phone):
            if value:
                mechanism = made.contact_mechanisms.new()
                mechanism.type, mechanism.value = type_, value
        if number:
            identifier = made.identifiers.new()
            identifier.type, identifier.code = number
        return made

    made = {
        code: party(
            each.name, code, f"info@{each.domain}", ("phone", each.phone), each.street, each.postcode, each.city,
            ("se_orgnr", each.orgnr) if each.orgnr else None,
        )
        for code, each in COMPANIES.items()
    } | {
        each.key: party(
            each.name, each.number, each.email, ("mobile", each.phone), each.street, each.postcode, each.city,
            ("se_personnummer", hyphened(each.personnummer)) if each.personnummer else None,
        )
        for each in EVERYBODY
    }  # fmt: skip
    tryton.save(made.values())
    relation, kind = tryton.model("party.relation.all"), tryton.model("party.relation.type").find([])[0]
    employed = [each for each in EVERYBODY if each.company]
    tryton.save(relation(from_=made[each.key], to=made[each.company or ""], type=kind) for each in employed)
    return made


def _trade(tryton: _Tryton, products: dict[str, Any], parties: dict[str, Any]) -> None:
    sale = tryton.model("sale.sale")

    def sell(to: Any, product: str, quantity: int = 1, *, contact: Any = None, text: str | None = None) -> Any:
        made = sale(party=to, description=text, invoice_method="order")
        if contact is not None:
            made.contact = contact.contact_mechanisms[0]
        line = made.lines.new()
        line.product, line.quantity, line.unit_price = products[product], quantity, Decimal("995.00")
        return made

    sales = [sell(parties["erik"], "Toner svart", 2, text="Webborder, levereras till Erik Lindqvist")]
    copier = "Kopiator, beställare Anna-Lena Öberg"
    sales.append(sell(parties["K10234"], "Kopiator MX-4071", contact=parties["anna"], text=copier))
    sales += [
        sell(parties[each.company or ""], "Toner svart", contact=parties[each.key], text=f"Er ref {each.name}")
        for each in CONTACTS[:6]
    ]
    sales += [sell(parties[each.key], "Toner svart") for each in PRIVATE[:3]]
    tryton.save(sales)
    confirmed: Sequence[Any] = [*sales[:5], *sales[8:]]  # the others stay drafts without a number
    for button in ("quote", "confirm"):
        sale.click(confirmed, button)
    invoice = tryton.model("account.invoice")
    drafts = invoice.find([("state", "=", "draft")])
    for each in drafts:
        each.invoice_date = dt.date.today()  # noqa: DTZ011  # the fiscal year of today's date was made
    tryton.save(drafts)
    invoice.click(drafts, "post")
    today = dt.date.today()  # noqa: DTZ011
    for renter in ("K10234", "erik"):
        rental = tryton.model("sale.rental")(party=parties[renter])
        line = rental.lines.new()
        line.product, line.per_day, line.quantity = products["Hyrskrivare"], True, 1
        line.planned_start_day, line.planned_end_day = today, today + dt.timedelta(days=365)
        rental.save()


if __name__ == "__main__":
    {"base": base, "fill": fill}[sys.argv[1]]()
