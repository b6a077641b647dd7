"""The database of the reference server: SQLite or PostgreSQL, with the same tables.

All code that depends on the database is in this module.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import psycopg
from pydantic_core import from_json, to_json
from sqlalchemy import (
    DDL,
    JSON,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    String,
    create_engine,
    event,
    insert,
    make_url,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """A date-time in UTC. SQLite has no such type: there it is text in an order-preserving format."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else self.impl_instance)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        moment = value and value.astimezone(UTC)
        return moment.isoformat(" ", "microseconds") if moment and dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        # Files of an earlier version have no time zone.
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, dict[str, Any]: JSON}


class User(Base):
    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]


class Credential(Base):
    """The SHA-256 of a token. User access tokens are also valid as session cookie."""

    __tablename__ = "credentials"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id))
    is_user_token: Mapped[bool]


class Definition(Base):
    __tablename__ = "workflow_definitions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]
    # The number of runs. Triggers update it (COUNT_TRIGGERS, below) in the transaction that adds or deletes runs, so it
    # is always consistent with them, without a count.
    runs: Mapped[int] = mapped_column(default=0)


class ReadAccess(Base):
    """Allows a user to read a definition's path."""

    __tablename__ = "read_access"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id), primary_key=True)
    definition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Definition.id), primary_key=True)


class Run(Base):
    __tablename__ = "workflow_runs"

    # The order of the list: runs are numbered when they are invoked, so their order never changes. Both columns
    # together are the index for pages.
    workflow_definition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Definition.id), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID]
    runner_type: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    run_snapshot: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def add_status_index(status: str, name: str, *columns: Any, unique: bool = False) -> None:
    """Add an index of the few runs with a status."""
    only = Run.status == status
    Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)


# The database allows one running run per definition.
add_status_index("RUNNING", "one_running", Run.workflow_definition_id, unique=True)
add_status_index("PENDING", "those_waiting", Run.workflow_definition_id, Run.sequence)

# The triggers that update Definition.runs. On PostgreSQL, once per statement: it keeps every version of a row until the
# transaction ends, so a million updates of one row would take hours.
COUNT_TRIGGERS = {
    "sqlite": """
        CREATE TRIGGER count_{event} AFTER {event} ON workflow_runs FOR EACH ROW BEGIN
            UPDATE workflow_definitions SET runs = runs {sign} 1 WHERE id = {row}.workflow_definition_id;
        END""",
    "postgresql": """
        CREATE FUNCTION count_{event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE workflow_definitions SET runs = runs {sign} number
            FROM (SELECT workflow_definition_id, count(*) AS number FROM changed GROUP BY 1) AS counted
            WHERE id = workflow_definition_id;
            RETURN NULL;
        END $$;
        CREATE TRIGGER count_{event} AFTER {event} ON workflow_runs REFERENCING {row} TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION count_{event}()""",
}
for dialect, template in COUNT_TRIGGERS.items():
    for change in ({"event": "insert", "row": "NEW", "sign": "+"}, {"event": "delete", "row": "OLD", "sign": "-"}):
        ddl = DDL(template.format(**change)).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        event.listen(Base.metadata.tables[Run.__tablename__], "after_create", ddl)

# Milliseconds that a statement waits for a lock.
LOCK_TIMEOUT_MS = 2000


def open_database(url: str) -> Engine:
    """Connect to the database and create missing tables.

    Raises ValueError or SQLAlchemy's ArgumentError for an invalid URL, ImportError for a missing driver, and
    SQLAlchemyError if the database refuses or has other tables of these names.
    """
    parsed = make_url(url)
    # Unlimited: each thread has its own connection, and none waits for another's.
    options: dict[str, Any] = {"pool_size": 0, "json_serializer": to_json_text, "json_deserializer": from_json}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            # One database for all threads, each with its own connection and transactions. A plain in-memory database
            # has one connection; with SQLite's shared cache, a reader fails at once while another connection writes.
            parsed = make_url(f"sqlite:///file:/{uuid.uuid4().hex}?vfs=memdb&uri=true")
        engine = create_engine(parsed, **options)
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        given: dict[str, Any] = dict(parsed.query)
        limits = {"options": f"-c lock_timeout={LOCK_TIMEOUT_MS} {given.pop('options', '')}", "connect_timeout": "5"}
        # By default, each statement of a transaction sees what was committed before it.
        engine = create_engine(parsed.set(query=limits | given), isolation_level="REPEATABLE READ", **options)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(select(table).limit(0))
    return engine


def prepare_sqlite(connection: Any, _: object) -> None:
    # By default, sqlite3 begins no transaction before a SELECT: two SELECTs could see different data.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
    # In a file, readers and a writer never wait for each other. In memory it has no effect: they take turns.
    connection.execute("PRAGMA journal_mode = WAL")


def to_json_text(value: object) -> str:
    """Serialize as UTF-8: half the size of json.dumps, and several times as fast."""
    return to_json(value).decode()


def add_runs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add many runs in the fastest way of the database. A million takes about a minute."""
    table = Base.metadata.tables[Run.__tablename__]
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = [column.name for column in table.columns]
    # COPY is not part of SQLAlchemy, only of psycopg.
    cursor = cast(psycopg.Cursor[Any], connection.connection.cursor())
    with cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            values = row | {"run_snapshot": to_json_text(row["run_snapshot"])}
            copy.write_row([values[name] for name in names])


def update_statistics(engine: Engine) -> None:
    """Update PostgreSQL's statistics after many inserts. Autovacuum would do it within minutes."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM ANALYZE {Run.__tablename__}")
