"""The web shop: what it needs to sell, then accounts, orders, a guest's order and a note."""

# ruff: noqa: E501  # rows of data and queries are read as one line each

from lab.people import ERIK, EVERYBODY, OTHERS, Person
from lab.seeds.clients import Vendure

_SET_UP = (
    "mutation($z: ID!) { updateChannel(input: {id: 1, defaultTaxZoneId: $z, defaultShippingZoneId: $z}) { __typename } }",
    'mutation($z: ID!, $t: ID!) { createTaxRate(input: {name: "25", enabled: true, value: 25, categoryId: $t, zoneId: $z}) { id } }',
)  # fmt: skip
_SHIPPING = """mutation { createShippingMethod(input: {code: "std", fulfillmentHandler: "manual-fulfillment",
  checker: {code: "default-shipping-eligibility-checker", arguments: [{name: "orderMinimum", value: "0"}]},
  calculator: {code: "default-shipping-calculator", arguments: [{name: "rate", value: "0"}, {name: "taxRate", value: "25"},
    {name: "includesTax", value: "auto"}]},
  translations: [{languageCode: sv, name: "Std", description: ""}]}) { id } }"""
_PAYMENT = """mutation { createPaymentMethod(input: {code: "faktura", enabled: true,
  handler: {code: "dummy-payment-handler", arguments: [{name: "automaticSettle", value: "true"}]},
  translations: [{languageCode: sv, name: "Faktura"}]}) { id } }"""
_PRODUCT = """mutation { createProduct(input: {enabled: true,
  translations: [{languageCode: sv, name: "Toner svart", slug: "toner", description: "x"}]}) { id } }"""
_VARIANT = """mutation($p: ID!) { createProductVariants(input: [{productId: $p, sku: "TN-1", price: 99500, stockOnHand: 100000,
  enabled: true, translations: [{languageCode: sv, name: "Toner svart"}]}]) { id } }"""
_COUNTRY = """mutation { createCountry(input: {code: "SE", enabled: true,
  translations: [{languageCode: sv, name: "Sverige"}]}) { id } }"""


def run() -> None:
    shop = Vendure()
    variant = _set_up(shop)
    accounts = {
        each.key: _account(shop, each) for each in EVERYBODY if each not in OTHERS or OTHERS.index(each) % 3 != 1
    }
    _order(shop, variant, ERIK, phone="0707654321", quantity=2)
    guest = {"firstName": "Erik", "lastName": "Lindqvist", "emailAddress": "erik.privat@example.org"}
    _order(shop, variant, ERIK, phone="0707654321", guest=guest)
    note = "mutation($c: ID!, $n: String!) { addNoteToCustomer(input: {id: $c, note: $n, isPublic: false}) { id } }"
    shop.admin(note, c=accounts["erik"], n="Ring Erik efter kl 17 på 070-765 43 21")
    for each in OTHERS[2:40:6]:
        saved = "mutation($c: ID!, $a: CreateAddressInput!) { createCustomerAddress(customerId: $c, input: $a) { id } }"
        shop.admin(saved, c=accounts[each.key], a=_address(each, each.phone))
        _order(shop, variant, each, phone=each.phone)


def _set_up(shop: Vendure) -> str:
    """The id of what is for sale."""
    zone = shop.admin('mutation { createZone(input: {name: "SE"}) { id } }')["id"]
    country = shop.admin(_COUNTRY)["id"]
    shop.admin(
        "mutation($z: ID!, $c: [ID!]!) { addMembersToZone(zoneId: $z, memberIds: $c) { id } }", z=zone, c=[country]
    )
    tax = shop.admin('mutation { createTaxCategory(input: {name: "Standard", isDefault: true}) { id } }')["id"]
    shop.admin(_SET_UP[0], z=zone)
    shop.admin(_SET_UP[1], z=zone, t=tax)
    shop.admin(_SHIPPING)
    shop.admin(_PAYMENT)
    variant: str = shop.admin(_VARIANT, p=shop.admin(_PRODUCT)["id"])[0]["id"]
    return variant


def _account(shop: Vendure, person: Person) -> str:
    query = """mutation($i: CreateCustomerInput!, $p: String) {
      createCustomer(input: $i, password: $p) { __typename ... on Customer { id } } }"""
    fields = {"firstName": person.first, "lastName": person.last, "emailAddress": person.email}
    account: str = shop.admin(query, i=fields | ({"phoneNumber": person.phone} if person.phone else {}), p="pass")["id"]
    return account


def _order(
    shop: Vendure, variant: str, person: Person, *, phone: str, quantity: int = 1, guest: dict[str, str] | None = None
) -> None:
    """One order that is placed and paid: of the person's account, or of a guest."""
    token = None
    if guest is None:
        _, token = shop.shop(
            'mutation($e: String!) { login(username: $e, password: "pass") { __typename } }', e=person.email
        )
    add = "mutation($v: ID!, $q: Int!) { addItemToOrder(productVariantId: $v, quantity: $q) { __typename } }"
    _, token = shop.shop(add, token, v=variant, q=quantity)
    if guest:
        shop.shop(
            "mutation($i: CreateCustomerInput!) { setCustomerForOrder(input: $i) { __typename } }", token, i=guest
        )
    to = _address(person, phone) | ({"fullName": "Erik L (gäst)"} if guest else {})
    shop.shop("mutation($a: CreateAddressInput!) { setOrderShippingAddress(input: $a) { __typename } }", token, a=to)
    method = shop.shop("{ eligibleShippingMethods { id } }", token)[0][0]["id"]
    shop.shop("mutation($m: [ID!]!) { setOrderShippingMethod(shippingMethodId: $m) { __typename } }", token, m=[method])
    shop.shop('mutation { transitionOrderToState(state: "ArrangingPayment") { __typename } }', token)
    pay = (
        'mutation { addPaymentToOrder(input: {method: "faktura", metadata: {}}) { __typename ... on Order { code } } }'
    )
    assert "code" in shop.shop(pay, token)[0]


def _address(person: Person, phone: str) -> dict[str, str]:
    return {
        "fullName": person.name,
        "streetLine1": person.street,
        "postalCode": person.postcode,
        "city": person.city,
        "countryCode": "SE",
        "phoneNumber": phone,
    }
