"""A span for every try of every request, by OpenTelemetry.

``on_request`` is called after each try, in the caller's thread or event loop, where OpenTelemetry's
current span is the caller's own. So each try becomes a child of whatever the caller was doing,
retries and failures included.

It needs ``opentelemetry-sdk``, prints the spans of two calls against the sandbox, and calls nobody.
Against the real service, ``Sandbox()`` and ``sandbox.client(…)`` make way for ``revrag.Client(…)``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from revrag.sandbox import Sandbox

if TYPE_CHECKING:
    from revrag import RequestEvent

tracer = trace.get_tracer("revrag")


def trace_request(event: RequestEvent) -> None:
    """Make a span of one try, with the names of OpenTelemetry's HTTP conventions."""
    ended = time.time_ns()
    span = tracer.start_span(
        event.method,
        kind=SpanKind.CLIENT,
        start_time=ended - int(event.elapsed * 1e9),
        attributes={
            "http.request.method": event.method,
            "url.path": event.path,
            "http.request.resend_count": event.attempt - 1,
        },
    )
    if event.status is not None:
        span.set_attribute("http.response.status_code", event.status)
    if event.request_id is not None:
        span.set_attribute("http.response.header.x-request-id", [event.request_id])
    if event.error is not None:
        span.set_attribute("error.type", str(event.status or "no_answer"))
        span.set_status(Status(StatusCode.ERROR, event.error))
    span.end(ended)


def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)
    with Sandbox() as sandbox, sandbox.client(on_request=trace_request) as client:
        campaign = client.campaign(sandbox.campaign_id)
        with tracer.start_as_current_span("push leads"):
            campaign.push([{"phone_number": "+919876543210"}])
            campaign.status()


if __name__ == "__main__":
    main()
