"""What a connected system bears is held over all workers: calls are counted in the database that they share."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import declarations
import pytest
from api import BY_MAIL, NOW, PERSON, declared
from databases import Server
from office import open_office
from servers.web import Asked, Reply, Serving
from sqlmodel import select

from connectors import conformance
from dsar.declaration import Rate
from dsar.errors import SettingsError
from dsar.search import search
from dsar.store import Store, migrate
from dsar.store.tables import CallTurn
from dsar.turns import SharedTurns
from dsar.wiring import open_session

LONG = 3600.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/turns.db"
    server: Server = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def made(url: str) -> str:
    """Where the tables are."""
    store = Store(url)
    migrate.upgrade(store.engine)
    store.close()
    return url


@pytest.fixture
def store(made: str) -> Iterator[Store]:
    opened = Store(made)
    yield opened
    opened.close()


def take(store: Store, holder: str, *, system: str = "shop", lease: float = LONG, **rate: float) -> int | None:
    """The number of the turn that *holder* gets; None: it has to wait."""
    with store.transaction() as tx:
        return tx.take_turn(
            system,
            holder,
            calls=int(rate.get("calls", 1000)),
            seconds=rate.get("seconds", LONG),
            at_once=int(rate.get("at_once", 1)),
            lease=lease,
        ).id


# ----------------------------------------------------------------------------------------------------- whose turn it is


def test_what_one_worker_has_under_way_counts_for_the_others(store: Store) -> None:
    assert take(store, "a:1")
    assert take(store, "b:1") is None


def test_a_call_that_has_ended_makes_room(store: Store) -> None:
    number = take(store, "a:1")
    with store.transaction() as tx:
        tx.end_turn(number or 0)
    assert take(store, "b:1")


def test_one_system_does_not_wait_for_another(store: Store) -> None:
    assert take(store, "a:1")
    assert take(store, "b:1", system="register")


def test_the_call_of_a_dead_process_ends_with_its_lease(store: Store) -> None:
    assert take(store, "a:1", lease=0.0)
    assert take(store, "b:1")


def test_the_call_of_a_lost_worker_ends_when_it_is_missed(store: Store) -> None:
    """Its beats tell it within seconds, long before the lease."""
    assert take(store, "a:1")
    with store.transaction() as tx:
        tx.bury("a:1", now=NOW)
    assert take(store, "b:1")


def test_calls_that_have_ended_count_until_their_time_has_passed(store: Store) -> None:
    for worker in ("a:1", "b:1"):
        number = take(store, worker, calls=2)
        with store.transaction() as tx:
            tx.end_turn(number or 0)
    assert take(store, "c:1", calls=2) is None
    assert take(store, "c:1", calls=2, seconds=1e-9)


def test_who_has_to_wait_is_told_how_long(store: Store) -> None:
    take(store, "a:1", at_once=9, calls=1, seconds=600)
    with store.transaction() as tx:
        turn = tx.take_turn("shop", "b:1", calls=1, seconds=600, at_once=9, lease=LONG)
    assert 0 < turn.wait <= 600


def test_a_pause_that_a_system_asked_for_holds_for_all(store: Store) -> None:
    with store.transaction() as tx:
        tx.pause_turns("shop", seconds=600)
        tx.pause_turns("shop", seconds=1)  # what is asked for later does not shorten it
        turn = tx.take_turn("shop", "b:1", calls=9, seconds=1, at_once=9, lease=LONG)
    assert turn.id is None
    assert 1 < turn.wait <= 600


def test_a_clock_that_was_set_back_stops_nobody(store: Store) -> None:
    with store.transaction() as tx:
        tx.session.add(CallTurn(system="shop", holder="a:1", begun=time.time() + 1e6, until=time.time() + 2e6))
    assert take(store, "b:1", calls=1)


def test_what_no_longer_counts_is_not_kept(store: Store) -> None:
    for _ in range(5):
        take(store, "a:1", lease=0.0, seconds=1e-9)
    with store.transaction() as tx:
        assert len(tx.session.exec(select(CallTurn)).all()) == 1


# ------------------------------------------------------------------------------------------------- workers side by side


def crowd(url: str, rate: Rate, calls: int, during: Callable[[], None]) -> None:
    """Three workers with stores of their own, four threads each, make so many calls together."""
    with ExitStack() as opened:
        workers = []
        for name in ("a:1", "b:1", "c:1"):
            store = Store(url)
            opened.callback(store.close)
            workers.append(SharedTurns(store, "shop", rate, lease=LONG, holder=partial(str, name)))

        def call(number: int) -> None:
            with workers[number % 3].turn():
                during()

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(call, range(calls)))


def test_workers_together_call_no_more_at_once_than_the_system_bears(made: str) -> None:
    inside: list[int] = []
    most = []

    def during() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()

    crowd(made, Rate(calls=1000, at_once=2), 15, during)
    assert len(most) == 15
    assert max(most) <= 2


def test_a_call_that_lasts_longer_than_its_lease_keeps_its_turn(store: Store) -> None:
    """A mailbox can take an hour to read, and nobody knows beforehand."""
    turns = SharedTurns(store, "shop", Rate(calls=9, at_once=1), lease=0.5, holder=lambda: "a:1")
    with turns.turn():
        until = [_until(store)]
        while len(until) < 4:  # it is renewed three times
            time.sleep(0.02)
            until += [last] if (last := _until(store)) > until[-1] else []
    assert until == sorted(until)
    assert take(store, "b:1")


def _until(store: Store) -> float:
    with store.transaction(read_only=True) as tx:
        return tx.session.exec(select(CallTurn.until)).one()


def test_workers_together_keep_the_rate(made: str) -> None:
    began = time.monotonic()
    crowd(made, Rate(calls=3, seconds=0.5, at_once=9), 9, lambda: None)
    assert time.monotonic() - began >= 1.0  # three in each half second


def test_two_installed_workers_share_what_an_api_bears(serving: Serving, tmp_path: Path) -> None:
    """From the settings to the web: `rate` of the declaration is held by the program as it is assembled."""
    inside: list[Asked] = []
    most = []

    def answer(asked: Asked) -> Reply:
        inside.append(asked)
        most.append(len(inside))
        time.sleep(0.02)
        inside.remove(asked)
        return Reply(body=[])

    web = serving(answer)
    rate = "rate = {calls = 1000, seconds = 1, at_once = 1}"
    declaration = tmp_path / "shop.toml"
    declaration.write_text(declared(http=rate, request=BY_MAIL), "utf-8")
    more = {"system.shop": f"connector = rest\ndeclaration = {declaration}\nurl = {web.url}"}
    with open_office(tmp_path, more=more) as office, open_session(tmp_path / "settings.ini") as other:
        systems = [session.app.systems["shop"] for session in (office.session, other)]
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda number: search({"shop": systems[number % 2]}, [PERSON], now=NOW), range(6)))
    assert [each.systems[0].outcome for each in found] == ["nothing"] * 6
    assert (len(most), max(most)) == (6, 1)


_RATE = "rate = {calls = 9, seconds = 1e-9, at_once = 1}\n"
_TABLE = "CREATE TABLE customers (no TEXT, name TEXT, mail TEXT, phone TEXT, offers TEXT)"


def test_a_worker_waits_until_the_connection_to_a_database_of_another_has_ended(tmp_path: Path) -> None:
    """From the settings to the database: `rate` of a declaration is held for what is no web API, too."""
    (tmp_path / "crm.toml").write_text(_RATE + declarations.table(), "utf-8")
    sqlite3.connect(tmp_path / "crm.db").execute(_TABLE).connection.close()
    more = {"system.crm": f"connector = sql\ndeclaration = {tmp_path}/crm.toml\nurl = sqlite:///{tmp_path}/crm.db"}
    with open_office(tmp_path, more=more) as office, ThreadPoolExecutor(1) as pool:
        store, systems = office.session.app.store, {"crm": office.session.app.systems["crm"]}
        other = take(store, "b:1", system="crm")
        searching = pool.submit(search, systems, [PERSON], now=NOW)
        with pytest.raises(TimeoutError):
            searching.result(0.5)
        with store.transaction() as tx:
            tx.end_turn(other or 0)
        assert searching.result(60).systems[0].outcome == "nothing"


def test_a_rate_that_nobody_could_keep_is_told(tmp_path: Path) -> None:
    text = conformance.DECLARATION.format(kind="memory", place="")
    (tmp_path / "crm.toml").write_text(_RATE + text, "utf-8")
    (tmp_path / "rows.json").write_text("{}", "utf-8")
    more = {"system.crm": f"connector = memory\ndeclaration = {tmp_path}/crm.toml\nrows_file = {tmp_path}/rows.json"}
    with pytest.raises(SettingsError, match="rate"), open_office(tmp_path, more=more):
        pass
