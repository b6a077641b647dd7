"""The tables of the reference server, and how its database is opened.

Plain SQL types only, so that the same tables work on SQLite and on PostgreSQL.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Engine, ForeignKey, Index, Integer, create_engine, event, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A date-time in UTC. SQLite keeps no time zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


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


class ReadAccess(Base):
    """This user may read that definition's path."""

    __tablename__ = "read_access"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id), primary_key=True)
    definition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Definition.id), primary_key=True)


class Run(Base):
    __tablename__ = "workflow_runs"

    # The order of the list: runs are numbered as they are invoked, once and for all, so two never change places.
    sequence: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    workflow_definition_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Definition.id))
    user_id: Mapped[uuid.UUID]
    runner_type: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    run_snapshot: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("workflow_runs_in_order", workflow_definition_id, sequence),)


def open_database(url: str) -> Engine:
    """Connects to the database and creates the tables that it lacks.

    Raises ValueError or SQLAlchemy's ArgumentError for a URL that is none, ImportError for a missing driver, and
    SQLAlchemyError for a database that refuses.
    """
    parsed = make_url(url)
    in_memory = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
    if in_memory:
        # One database for all threads, each with a connection and so with transactions of its own. A plain in-memory
        # database has one connection; SQLite's "shared cache" would refuse a reader at once while another one writes.
        parsed = make_url(f"sqlite:///file:/{uuid.uuid4().hex}?vfs=memdb&uri=true")
    engine = create_engine(parsed)
    if engine.dialect.name == "sqlite":
        # Left alone, Python's sqlite3 begins no transaction before a SELECT: two of them could see different data.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    Base.metadata.create_all(engine)
    return engine
