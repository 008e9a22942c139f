"""Work on an inbox: `manage.py revrag_inbox shop.webhooks.call_ended`."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from revrag.webhooks import inbox
from revrag.webhooks.stores import DjangoStore

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Handle the events of an inbox, or look at what is parked."""

    help = "Handle the events of an inbox, or look at those that are parked and run them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the command line."""
        parser.add_argument("handler", nargs="?", help="dotted path of what handles an event")
        parser.add_argument("--name", default="", help="which inbox; one without a name by default")
        parser.add_argument("--database", default="default", help="its alias in DATABASES")
        parser.add_argument("--once", action="store_true", help="handle what is due, and end")
        parser.add_argument("--ordered", action="store_true", help="in order per call")
        parser.add_argument("--max-attempts", type=int, default=10)
        parser.add_argument("--backoff", type=float, default=5.0, help="seconds")
        parser.add_argument("--poll-interval", type=float, default=1.0, help="seconds")
        parser.add_argument("--parked", action="store_true", help="list what is parked")
        parser.add_argument("--run-again", nargs="*", type=int, metavar="ID", help="all by default")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what the options say."""
        store, name = DjangoStore(options["database"]), options["name"]
        if options["parked"]:
            for parked in inbox.parked(store, name=name):
                # No payload, and no text of an error: they may hold personal data.
                kind = parked.error.partition(":")[0]
                self.stdout.write(f"{parked.id} {parked.event.id} {parked.attempts} {kind}")
            return
        if options["run_again"] is not None:
            count = inbox.run_again(store, options["run_again"] or None, name=name)
            self.stdout.write(f"{count} to be tried again")
            return
        if options["handler"] is None:
            raise CommandError("name the handler, or give --parked or --run-again")
        try:
            handler = import_string(options["handler"])
        except ImportError as error:
            raise CommandError(f"handler: {error}") from error
        how: inbox.Work = {
            "name": name,
            "ordered": options["ordered"],
            "max_attempts": options["max_attempts"],
            "backoff": options["backoff"],
        }
        if options["once"]:
            self.stdout.write(f"{inbox.work(handler, store, **how)} tried")
            return
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            # A process manager asks so; the event in hand is finished.
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
        inbox.run(handler, store, stop=stop, poll_interval=options["poll_interval"], **how)
