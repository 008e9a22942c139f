"""What functions in clouds have in common: a request that is there whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revrag.webhooks._body import read_now
from revrag.webhooks._endpoint import Endpoint, check_event_handler
from revrag.webhooks.wsgi import handle_delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from revrag import WebhookVerifier
    from revrag.webhooks._admission import Admission
    from revrag.webhooks._options import Options
    from revrag.webhooks._reply import Reply


class Function:
    """An endpoint, and the handler of its events."""

    def __init__(
        self, verifier: WebhookVerifier, handle: Callable[..., Any], options: Options
    ) -> None:
        check_event_handler(handle, "handle")
        endpoint = Endpoint(verifier=verifier, **options)
        self._endpoint = endpoint.named_after(handle).for_blocking()
        self._handle = handle

    def answer(self, method: str | None, headers: Any, body: Callable[[], bytes | None]) -> Reply:
        """Handle a request; what to answer, whatever happens.

        Args:
            method: The request's method.
            headers: Its headers.
            body: Gives its body; None where it is malformed.
        """

        def receive() -> Admission:
            self._endpoint.check_request(method, None)
            found = read_now(self._endpoint, body)
            # What is malformed has no signature either: the verifier says so.
            return self._endpoint.check_body(b"" if found is None else found, headers)

        return handle_delivery(self._endpoint, self._handle, receive)
