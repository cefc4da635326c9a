"""Operations: customers' printers as hosts with their contact persons, and accounts in the customer portal."""

# rows of data and queries are read as one line each

from typing import Any

from lab.people import ANNA, ERIK, OTHERS, Person, serial
from lab.seeds.clients import Zabbix


def run() -> None:
    zabbix = Zabbix()
    group = zabbix("hostgroup.create", {"name": "Kundskrivare"})["groupids"][0]
    portal = zabbix("usergroup.create", {"name": "Kundportal"})["usrgrpids"][0]
    devices = [
        _host(group, ANNA, "XM4521A00017", "MX-4071", place=f"{ANNA.address}, reception"),
        _host(group, ERIK, "XM4521A00099", "MX-4071", place=ERIK.address),
    ]
    devices += [
        _host(group, each, serial(number), "MX-3071", place=each.address) for number, each in enumerate(OTHERS[:24])
    ]
    zabbix("host.create", devices)
    zabbix("user.create", [_account(portal, each) for each in (ERIK, *OTHERS[:3])])


def _host(group: str, person: Person, device: str, model: str, *, place: str) -> dict[str, Any]:
    customer = person.company or person.number
    agent = {"type": 2, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": "161"}
    return {
        "host": f"prn-{device}",
        "name": f"{model} {customer} {person.employer or person.name} {device[-4:]}",
        "groups": [{"groupid": group}],
        "status": int(not person.active),
        "tags": [{"tag": "kundnr", "value": customer}],
        "interfaces": [{**agent, "details": {"version": 2, "community": "public"}}],
        "inventory_mode": 0,
        "inventory": {
            "serialno_a": device,
            "asset_tag": customer,
            "contact": person.name,
            "poc_1_name": person.name,
            "poc_1_email": person.email,
            "poc_1_phone_a": person.phone,
            "poc_1_cell": person.phone,
            "location": place,
            "site_address_a": place,
            "notes": f"Kontakt: {person.name} {person.email}",
        },
    }


def _account(group: str, person: Person) -> dict[str, Any]:
    return {
        "username": person.email,
        "name": person.first,
        "surname": person.last,
        "passwd": "Zx9!kklqq7mm",
        "roleid": "1",
        "usrgrps": [{"usrgrpid": group}],
        "medias": [{"mediatypeid": "1", "sendto": [person.email]}],
    }
