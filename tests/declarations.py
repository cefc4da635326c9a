"""One table of customers as each kind of connector describes it, for tests of what a connector does at its door."""

from connectors import conformance

_WEB = """
name = "shop"
kind = "rest"
label = {{sv = "Butiken", en = "The shop"}}
canary = {{type = "email", value = "kanarie@example.com"}}
http = {{auth = {{{auth}}}}}
[[object]]
name = "customer"
label = {{sv = "Kund", en = "Customer"}}
key = "no"
activities = ["A1"]
find = [{{by = "email", columns = ["mail"], request = {{path = "/customers", query = {{mail = "{{value}}"}}}}}}]
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "identity", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
]
"""

_REST = '  {column = "rest", label = {sv = "Övrigt", en = "Other"}, category = "note", free_text = true},\n]'


def web(auth: str) -> str:
    """A web API. Args: auth: the inside of its log-in in TOML."""
    return _WEB.format(auth=auth)


def table() -> str:
    """A table of a database."""
    return conformance.DECLARATION.format(kind="sql", place='table = "customers"')


def cards() -> str:
    """Contact cards on a server."""
    text = _with_rest(conformance.DECLARATION.format(kind="carddav", place=""))
    for column in ("no", "offers"):
        text = text.replace(f'{{column = "{column}", label', f'{{column = "{column}", stored_in = "X-{column}", label')
    return text


def directory() -> str:
    """Entries of a directory."""
    place = 'base = "ou=people,dc=example,dc=se"\nfilter = "(objectClass=inetOrgPerson)"'
    return _with_rest(conformance.DECLARATION.format(kind="ldap", place=place)).replace('key = "no"\n', "")


def mails() -> str:
    """Employees' mailboxes."""
    text = conformance.DECLARATION.format(kind="imap", place="")
    for taken in (
        'key = "no"\n',
        'suppress = {column = "offers", value = "0"}\n',
        'update = {email = "mail", phone = "phone"}\n',
    ):
        text = text.replace(taken, "")
    return text.replace("asserted_by", 'stored_in = "text", asserted_by')


def _with_rest(text: str) -> str:
    return text.rstrip().removesuffix("]") + _REST
