"""The tables of the reference server, and how its database is opened.

Plain SQL types only, so that the same tables work on SQLite and on PostgreSQL. What differs is here, and only here.
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


class Moment(TypeDecorator[datetime]):
    """A date-time in UTC. SQLite has no type for one: there it is text, which sorts as times do."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else self.impl_instance)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        moment = value and value.astimezone(UTC)
        return moment.isoformat(" ", "microseconds") if moment and dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        # A file of an earlier version has no zone.
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, dict[str, Any]: JSON}


class User(Base):
    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]


class Credential(Base):
    """A token, of which only the SHA-256 is stored. User access tokens also count as the session cookie."""

    __tablename__ = "credentials"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id))
    is_user_token: Mapped[bool]


class Definition(Base):
    __tablename__ = "workflow_definitions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]
    # How many runs it has. The database keeps it (COUNTING, below), in the transaction that adds or deletes them: so it
    # is right for whoever reads it together with the runs, whoever wrote them, and nobody has to count.
    runs: Mapped[int] = mapped_column(default=0)


class ReadAccess(Base):
    """This user may read that definition's path."""

    __tablename__ = "read_access"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id), primary_key=True)
    definition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Definition.id), primary_key=True)


class Run(Base):
    __tablename__ = "workflow_runs"

    # The order of the list: a definition's runs are numbered as it is invoked, so two never change places. Together,
    # these are the index that pages come from.
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


def index_by_status(status: str, name: str, *columns: Any, unique: bool = False) -> None:
    """An index of the few runs that have this status."""
    only = Run.status == status
    Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)


# At most one run of a definition is running: the database refuses a second one.
index_by_status("RUNNING", "one_running", Run.workflow_definition_id, unique=True)
index_by_status("PENDING", "those_waiting", Run.workflow_definition_id, Run.sequence)

# The triggers that keep Definition.runs. PostgreSQL keeps each version of a row until the transaction ends, so there it
# is once for each statement: to update one row a million times would take hours.
COUNTING = {
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
for dialect, template in COUNTING.items():
    for change in ({"event": "insert", "row": "NEW", "sign": "+"}, {"event": "delete", "row": "OLD", "sign": "-"}):
        ddl = DDL(template.format(**change)).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        event.listen(Base.metadata.tables[Run.__tablename__], "after_create", ddl)

# How long a statement waits for a lock, in milliseconds, before it gives up.
PATIENCE = 2000


def open_database(url: str) -> Engine:
    """Connects to the database and creates the tables that it lacks.

    Raises ValueError or SQLAlchemy's ArgumentError for a URL that is none, ImportError for a missing driver, and
    SQLAlchemyError for a database that refuses, or whose tables of these names are others.
    """
    parsed = make_url(url)
    # Without a limit: there are as many connections as there are threads at work, and none waits for another one's.
    options: dict[str, Any] = {"pool_size": 0, "json_serializer": to_json_text, "json_deserializer": from_json}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            # One database for all threads, each with a connection and so with transactions of its own. A plain
            # in-memory database has one connection; SQLite's "shared cache" would refuse a reader at once while another
            # one writes.
            parsed = make_url(f"sqlite:///file:/{uuid.uuid4().hex}?vfs=memdb&uri=true")
        engine = create_engine(parsed, **options)
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        given: dict[str, Any] = dict(parsed.query)
        limits = {"options": f"-c lock_timeout={PATIENCE} {given.pop('options', '')}", "connect_timeout": "5"}
        # By default, PostgreSQL shows each statement of a transaction what was committed until then.
        engine = create_engine(parsed.set(query=limits | given), isolation_level="REPEATABLE READ", **options)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(select(table).limit(0))
    return engine


def prepare_sqlite(connection: Any, _: object) -> None:
    # Left alone, Python's sqlite3 begins no transaction before a SELECT: two of them could see different data.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE}")
    # In a file, readers and a writer then never wait for each other. In memory it has no effect: they take turns.
    connection.execute("PRAGMA journal_mode = WAL")


def to_json_text(value: object) -> str:
    """As UTF-8: half the size, and several times as fast as the json module."""
    return to_json(value).decode()


def add_runs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Adds many runs at once, in the quickest way that the database has: so that a million takes about a minute."""
    table = Base.metadata.tables[Run.__tablename__]
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = [column.name for column in table.columns]
    # SQLAlchemy has no word for it; psycopg has.
    cursor = cast(psycopg.Cursor[Any], connection.connection.cursor())
    with cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            values = row | {"run_snapshot": to_json_text(row["run_snapshot"])}
            copy.write_row([values[name] for name in names])


def settle(engine: Engine) -> None:
    """After many rows were added: lets PostgreSQL plan with true figures now. Within minutes, it would by itself."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM ANALYZE {Run.__tablename__}")
