"""``examples/tracing.py`` on a real OpenTelemetry SDK."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import PUSHED, STATUS
from support.script import Run
from support.server import Serve, reply

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("way", ["sync", "async"])
def test_each_try_is_a_child_of_the_callers_span(run: Run, serve: Serve, way: str) -> None:
    server = serve(
        reply(200, PUSHED, {"x-request-id": "req-1"}), reply(503, {}), reply(200, STATUS)
    )
    run(
        """
        import logging
        logging.getLogger("revrag").addHandler(logging.NullHandler())
        sys.path.insert(0, sys.argv[3])
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from tracing import trace_request, tracer
        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        leads = campaign(sys.argv[1], on_request=trace_request)
        async def asynchronous(name, call):
            with tracer.start_as_current_span(name):
                await call()
        async def main():
            await asynchronous("push", lambda: leads.push_async([LEAD]))
            await asynchronous("status", leads.status_async)
        if sys.argv[2] == "async":
            asyncio.run(main())
        else:
            with tracer.start_as_current_span("push"):
                leads.push([LEAD])
            with tracer.start_as_current_span("status"):
                leads.status()
        spans = exporter.get_finished_spans()
        parents = {span.name: span for span in spans if span.name in ("push", "status")}
        tries = [span for span in spans if span.name in ("GET", "POST")]
        found = []
        for span in tries:
            parent = "push" if span.name == "POST" else "status"
            assert span.parent.span_id == parents[parent].context.span_id
            assert span.start_time < span.end_time
            attributes = span.attributes
            found.append((span.name, attributes["http.response.status_code"],
                          attributes["http.request.resend_count"], span.status.is_ok))
        assert found == [("POST", 200, 0, True), ("GET", 503, 0, False), ("GET", 200, 1, True)]
        assert tries[0].attributes["http.response.header.x-request-id"] == ("req-1",)
        """,
        server.url,
        way,
        EXAMPLES,
    )


def test_the_example_runs(run: Run) -> None:
    finished = run(
        "import runpy; runpy.run_path(sys.argv[1], run_name='__main__')", EXAMPLES / "tracing.py"
    )
    decoder, spans, text = json.JSONDecoder(), [], finished.out.strip()
    while text:
        span, end = decoder.raw_decode(text)
        spans.append(span)
        text = text[end:].lstrip()
    assert [span["name"] for span in spans] == ["POST", "GET", "push leads"]
    assert {span["context"]["trace_id"] for span in spans} == {spans[0]["context"]["trace_id"]}
