"""The tables of a `SqlAlchemyStore`, the same as those of the Django app."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import LONGTEXT

metadata = MetaData()

marks = Table(
    "revrag_webhook_mark",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("expires", Double, nullable=False, index=True),
)

inbox = Table(
    "revrag_webhook_inbox",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("name", String(100), nullable=False),
    Column("event", Text().with_variant(LONGTEXT(), "mysql", "mariadb"), nullable=False),
    Column("order_key", String(64), nullable=False),
    Column("received", Double, nullable=False),
    Column("due", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("error", Text, nullable=False),
    Column("is_parked", Boolean, nullable=False),
    Index("revrag_inbox_due", "name", "is_parked", "due"),
    Index("revrag_inbox_order", "name", "order_key", "id"),
)
