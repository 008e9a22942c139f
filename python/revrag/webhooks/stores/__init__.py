"""Where it is remembered which deliveries were handled, for `done_ttl` seconds (three days).

What each of them promises, and what it can't:

| store              | shared by           | worker killed after its handler, before the mark | forgets early       |
| ------------------ | ------------------- | ------------------------------------------------ | ------------------- |
| `DjangoStore`      | a database          | handled once: one transaction                    | no                  |
| `SqlAlchemyStore`  | a database          | handled once: one transaction                    | no                  |
| `SqliteStore`      | one machine         | handled twice                                    | no                  |
| `RedisStore`       | a Redis             | handled twice                                    | where it evicts     |
| `DjangoCacheStore` | a cache             | handled twice                                    | where it evicts     |
| `MemoryStore`      | one process         | handled twice                                    | with its process    |

The last four claim an event for `claim_ttl` seconds (300) before its handler runs, and mark it
afterwards: a handler that is slower than that may run twice, too.
"""  # noqa: E501  # a table has long lines

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
