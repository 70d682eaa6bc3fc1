"""The database: sessions, transactions, outbox and changed EVSEs, through SQLAlchemy Core in one worker thread.

Work is done in the order it was asked for, each piece in one transaction. What was answered to a charge point or to the hub
was committed before, so a process that dies at any moment finds everything again.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from cpo.records import LIVE, Session, Transaction, Waiting
from cpo.settings import BadSettings
from oicp import wire_json
from oicp.wire_json import Json

T = TypeVar("T")
METADATA = sa.MetaData()
SESSIONS = sa.Table(
    "sessions", METADATA,
    sa.Column("session_id", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("data", sa.Text, nullable=False),
)  # fmt: skip
TRANSACTIONS = sa.Table(
    "transactions", METADATA,
    sa.Column("transaction_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("charge_point_id", sa.String(255), nullable=False),
    sa.Column("reference", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(255), nullable=False),
    sa.Column("running", sa.Boolean, nullable=False, index=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("by_fingerprint", "charge_point_id", "fingerprint"),
    sa.Index("by_reference", "charge_point_id", "reference"),
)  # fmt: skip
OUTBOX = sa.Table(
    "outbox", METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("operation", sa.String(40), nullable=False),
    sa.Column("key", sa.String(128), nullable=False),
    sa.Column("session_id", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("after", sa.Integer),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("uncertain", sa.Boolean, nullable=False),
    sa.Column("refusals", sa.Integer, nullable=False),
    sa.Column("note", sa.String(500)),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.UniqueConstraint("operation", "key"),
)  # fmt: skip
EVSES = sa.Table(
    "evses", METADATA,
    sa.Column("evse_key", sa.String(64), primary_key=True),
    sa.Column("data", sa.Text, nullable=False),
)  # fmt: skip


def _pragmas(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@dataclass(frozen=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    done: "asyncio.Future[Any]"

    def succeed(self, result: Any) -> None:
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, fault: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(fault)


class Storage:
    """One database. `open` creates the tables; every method runs in the worker thread and commits."""

    def __init__(self, url: str) -> None:
        self._url = re.sub(r"\Apostgres(ql)?://", "postgresql+psycopg://", url)
        self._thread = ThreadPoolExecutor(1, "storage")
        self._engine: sa.Engine | None = None
        self._jobs: deque[_Job] = deque()

    async def open(self) -> None:
        """Connect and create what is missing. Raises `BadSettings` where the database cannot be used."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except (SQLAlchemyError, ImportError, OSError) as fault:
            reason = str(getattr(fault, "orig", None) or fault).splitlines()[0]
            raise BadSettings(f"--database {_without_password(self._url)} cannot be used: {reason}") from None

    def _open(self) -> None:
        self._engine = sa.create_engine(self._url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _pragmas)
        METADATA.create_all(self._engine)

    async def close(self) -> None:
        """Finish what was asked for and disconnect."""
        loop = asyncio.get_running_loop()
        if self._engine is not None:
            await loop.run_in_executor(self._thread, self._engine.dispose)
        await loop.run_in_executor(None, self._thread.shutdown)

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Do `work` and commit it. The order of calls is the order of commits; what is asked for at once is committed at once.

        `work` may be called twice: should a neighbour fail, everybody is repeated in a transaction of his own.
        """
        if self._engine is None:
            raise RuntimeError("the database is not open")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        self._jobs.append(job)
        loop.run_in_executor(self._thread, self._drain, self._engine, loop)
        result: T = await job.done
        return result

    def _drain(self, engine: sa.Engine, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: all jobs that wait, in one transaction (a commit costs far more than a statement)."""
        jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
        if not jobs:
            return
        try:
            with engine.begin() as connection:
                results = [job.work(connection) for job in jobs]
        except Exception as fault:
            if len(jobs) == 1:
                loop.call_soon_threadsafe(jobs[0].fail, fault)
                return
            for job in jobs:
                self._alone(engine, loop, job)
            return
        for job, result in zip(jobs, results, strict=True):
            loop.call_soon_threadsafe(job.succeed, result)

    def _alone(self, engine: sa.Engine, loop: asyncio.AbstractEventLoop, job: "_Job") -> None:
        try:
            with engine.begin() as connection:
                result = job.work(connection)
        except Exception as fault:
            loop.call_soon_threadsafe(job.fail, fault)
        else:
            loop.call_soon_threadsafe(job.succeed, result)

    # --- sessions and transactions ------------------------------------------------------------------------------------

    async def save(
        self,
        sessions: Iterable[Session] = (),
        transactions: Iterable[Transaction] = (),
        messages: Sequence[Waiting] = (),
    ) -> list[Waiting]:
        """Write all of it or nothing. Returns the messages that are new in the outbox, with their numbers.

        A message whose operation and key are there already is left out. `after` -1 means the message before it in this call.
        """
        session_rows = [
            {"session_id": s.session_id, "state": str(s.state), "data": wire_json.dump(s.to_json())} for s in sessions
        ]
        transaction_rows = [_transaction_row(t) for t in transactions]

        def work(connection: sa.Connection) -> list[Waiting]:
            for row in session_rows:
                _upsert(connection, SESSIONS, "session_id", row)
            for row in transaction_rows:
                _upsert(connection, TRANSACTIONS, "transaction_id", row)
            return _enqueue(connection, messages)

        return await self.run(work)

    async def live_sessions(self) -> list[Session]:
        """Sessions that are not over."""
        states = [str(state) for state in LIVE]
        query = sa.select(SESSIONS.c.data).where(SESSIONS.c.state.in_(states))
        return [Session.from_json(data) for data in await self._data(query)]

    async def session(self, session_id: str) -> Session | None:
        """The session of that id, over or not."""
        query = sa.select(SESSIONS.c.data).where(SESSIONS.c.session_id == session_id)
        return next((Session.from_json(data) for data in await self._data(query)), None)

    async def running_transactions(self) -> list[Transaction]:
        """Transactions that run."""
        query = sa.select(TRANSACTIONS.c.data).where(TRANSACTIONS.c.running)
        return [Transaction.from_json(data) for data in await self._data(query)]

    async def transaction(
        self, charge_point_id: str, *, reference: str | None = None, fingerprint: str | None = None
    ) -> Transaction | None:
        """The latest transaction of a charge point with that reference or fingerprint, running or not."""
        table = TRANSACTIONS.c
        wanted = table.reference == reference if reference is not None else table.fingerprint == fingerprint
        query = sa.select(table.data).where(table.charge_point_id == charge_point_id, wanted)
        found = await self._data(query.order_by(table.transaction_id.desc()).limit(1))
        return Transaction.from_json(found[0]) if found else None

    async def highest_transaction_id(self) -> int:
        """The highest number ever given out, 0 if none."""
        query = sa.select(sa.func.max(TRANSACTIONS.c.transaction_id))
        return await self.run(lambda connection: connection.execute(query).scalar() or 0)

    async def _data(self, query: sa.Select[Any]) -> list[dict[str, Json]]:
        rows = await self.run(lambda connection: list(connection.execute(query).scalars()))
        return [wire_json.parse_text(text).value for text in rows]

    # --- outbox -------------------------------------------------------------------------------------------------------

    async def pending(self) -> list[Waiting]:
        """All messages that wait for the hub, oldest first."""
        names = list(Waiting.__dataclass_fields__)
        query = sa.select(*(OUTBOX.c[name] for name in names)).where(OUTBOX.c.state == "pending")
        query = query.order_by(OUTBOX.c.number)
        rows = await self.run(lambda connection: connection.execute(query).mappings().all())
        return [Waiting(**row) for row in rows]

    async def update(self, message: Waiting, *, state: str = "pending", note: str | None = None) -> None:
        """Write down how far a message came. `state`: pending, delivered, refused or dropped."""
        values = {
            "state": state, "attempts": message.attempts, "uncertain": message.uncertain, "body": message.body,
            "refusals": message.refusals, "note": note and note[:500],
        }  # fmt: skip
        statement = sa.update(OUTBOX).where(OUTBOX.c.number == message.number).values(**values)
        await self.run(lambda connection: connection.execute(statement) and None)

    # --- EVSEs --------------------------------------------------------------------------------------------------------

    async def evse_changes(self) -> dict[str, dict[str, Json]]:
        """What was changed of EVSEs since the fleet file was written, by folded id."""
        query = sa.select(EVSES.c.evse_key, EVSES.c.data)
        rows = await self.run(lambda connection: list(connection.execute(query)))
        return {key: wire_json.parse_text(text).value for key, text in rows}

    async def save_evse(self, key: str, change: dict[str, Json]) -> None:
        """Keep what is different from the fleet file."""
        row = {"evse_key": key, "data": wire_json.dump(change)}
        await self.run(lambda connection: _upsert(connection, EVSES, "evse_key", row))


def _transaction_row(transaction: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": transaction.transaction_id, "charge_point_id": transaction.charge_point_id,
        "reference": transaction.reference, "fingerprint": transaction.fingerprint, "running": transaction.open,
        "data": wire_json.dump(transaction.to_json()),
    }  # fmt: skip


def _upsert(connection: sa.Connection, table: sa.Table, key: str, row: dict[str, Any]) -> None:
    values = {name: value for name, value in row.items() if name != key}
    changed = connection.execute(sa.update(table).where(table.c[key] == row[key]).values(**values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table).values(**row))


def _enqueue(connection: sa.Connection, messages: Sequence[Waiting]) -> list[Waiting]:
    added: list[Waiting] = []
    for message in messages:
        same = sa.select(OUTBOX.c.number).where(OUTBOX.c.operation == message.operation, OUTBOX.c.key == message.key)
        if connection.execute(same).first() is not None:
            continue
        after = (added[-1].number if added else None) if message.after == -1 else message.after
        new = replace(message, created_at=datetime.now(UTC).isoformat(), after=after)  # the work may be done twice
        row = {name: getattr(new, name) for name in Waiting.__dataclass_fields__ if name != "number"}
        result = connection.execute(sa.insert(OUTBOX).values(state="pending", **row))
        new.number = int(result.inserted_primary_key[0]) if result.inserted_primary_key else 0
        added.append(new)
    return added


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return url
