"""Where it is remembered which deliveries were handled.

`DjangoStore` and `SqlAlchemyStore` mark an event as handled in the transaction of its handler: both
are committed, or neither. The others claim it before the handler runs and mark it afterwards. A
crash between the handler's end and the mark has the event handled again, and so has a handler that
is slower than `claim_ttl` seconds (300).

All remember what was handled for `done_ttl` seconds (three days).
"""

from revrag.webhooks.stores._django_cache import DjangoCacheStore
from revrag.webhooks.stores._django_orm import DjangoStore
from revrag.webhooks.stores._memory import MemoryStore
from revrag.webhooks.stores._redis import RedisStore
from revrag.webhooks.stores._sqlalchemy import SqlAlchemyStore
from revrag.webhooks.stores._sqlite import SqliteStore
from revrag.webhooks.stores._store import Key, State, Store, Transaction, TransactionalStore

__all__ = [
    "DjangoCacheStore",
    "DjangoStore",
    "Key",
    "MemoryStore",
    "RedisStore",
    "SqlAlchemyStore",
    "SqliteStore",
    "State",
    "Store",
    "Transaction",
    "TransactionalStore",
]
