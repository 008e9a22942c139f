"""Where it is remembered which deliveries were handled.

All keep claims for `claim_ttl` seconds (300) and handled deliveries for `done_ttl` seconds (three
days). A handler that is slower than its claim may run twice.
"""

from revrag.webhooks.stores._django import DjangoCacheStore
from revrag.webhooks.stores._memory import MemoryStore
from revrag.webhooks.stores._redis import RedisStore
from revrag.webhooks.stores._sqlite import SqliteStore
from revrag.webhooks.stores._store import State, Store

__all__ = ["DjangoCacheStore", "MemoryStore", "RedisStore", "SqliteStore", "State", "Store"]
