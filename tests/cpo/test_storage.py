"""The database: what is asked for at once is committed at once, a failure concerns only its own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cpo.records import Waiting
from cpo.storage import OUTBOX, Storage


def count(connection: sa.Connection) -> Any:
    """Rows in the outbox."""
    return connection.execute(sa.select(sa.func.count()).select_from(OUTBOX)).scalar()


async def test_neighbours_of_a_failure_are_kept(tmp_path: Path) -> None:
    """Many at once, one of them fails: the others are written once each, in order, and only that one hears of it."""

    def fails(connection: sa.Connection) -> None:
        raise ValueError("no")

    storage = Storage(f"sqlite:///{tmp_path}/cpo.sqlite3")
    await storage.open()
    messages = [Waiting("ChargeDetailRecord", f"k{n}", "s", "{}") for n in range(20)]
    work: list[Any] = [storage.save(messages=[message]) for message in messages]
    results = await asyncio.gather(*work[:10], storage.run(fails), *work[10:], return_exceptions=True)
    assert isinstance(results.pop(10), ValueError)
    assert [found[0].number for found in results] == list(range(1, 21))  # type: ignore[index]
    assert await storage.run(count) == 20
    await storage.close()


async def test_a_message_is_in_the_outbox_once(tmp_path: Path) -> None:
    """The same operation and key again is left out; the one that has to go first is remembered."""
    storage = Storage(f"sqlite:///{tmp_path}/cpo.sqlite3")
    await storage.open()
    pair = [
        Waiting("ChargingNotifications", "k/End", "s", "{}"),
        Waiting("ChargeDetailRecord", "k", "s", "{}", after=-1),
    ]
    notice, record = await storage.save(messages=pair)
    assert record.after == notice.number
    assert await storage.save(messages=pair) == []
    assert [message.key for message in await storage.pending()] == ["k/End", "k"]
    await storage.close()


async def test_a_failure_alone_is_told(tmp_path: Path) -> None:
    """The one who asked gets the exception; the next one is served."""
    storage = Storage(f"sqlite:///{tmp_path}/cpo.sqlite3")
    await storage.open()
    with pytest.raises(sa.exc.SQLAlchemyError):
        await storage.run(lambda connection: connection.execute(sa.text("SELECT nothing FROM nowhere")))
    assert await storage.run(count) == 0
    await storage.close()
