"""Functions in clouds, invoked with what each cloud sends, as it documents the shapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions
import functions_framework
import pytest
import revrag
from revrag import testing
from revrag.webhooks import Reply, aws, gcp
from revrag.webhooks import azure as azure_endpoint
from revrag.webhooks.stores import MemoryStore

VERIFIER = revrag.WebhookVerifier("whsec")
Event = dict[str, Any]


def rest_api(body: str, is_base64: bool, headers: dict[str, str], method: str = "POST") -> Event:
    """API Gateway, a REST API with proxy integration: payload format 1.0."""
    return {
        "resource": "/revrag",
        "path": "/revrag",
        "httpMethod": method,
        "headers": {"Host": "id.execute-api.ap-south-1.amazonaws.com", **headers},
        "multiValueHeaders": {
            "Host": ["id.execute-api.ap-south-1.amazonaws.com"],
            **{name: [text] for name, text in headers.items()},
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1"},
            "path": "/prod/revrag",
            "protocol": "HTTP/1.1",
            "requestId": "a0b1",
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def http_api(body: str, is_base64: bool, headers: dict[str, str], method: str = "POST") -> Event:
    """API Gateway, an HTTP API: payload format 2.0, with lower-cased headers."""
    return {
        "version": "2.0",
        "routeKey": "POST /revrag",
        "rawPath": "/revrag",
        "rawQueryString": "",
        "headers": {name.lower(): text for name, text in headers.items()},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.ap-south-1.amazonaws.com",
            "http": {
                "method": method,
                "path": "/revrag",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "agent",
            },
            "requestId": "a0b1",
            "routeKey": "POST /revrag",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def function_url(
    body: str, is_base64: bool, headers: dict[str, str], method: str = "POST"
) -> Event:
    """A function URL: format 2.0, too."""
    event = http_api(body, is_base64, headers, method)
    event["routeKey"] = event["requestContext"]["routeKey"] = "$default"
    event["requestContext"]["domainName"] = "id.lambda-url.ap-south-1.on.aws"
    return event


def load_balancer(
    body: str, is_base64: bool, headers: dict[str, str], method: str = "POST"
) -> Event:
    """An Application Load Balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:a:1:t/a/b"}},
        "httpMethod": method,
        "path": "/revrag",
        "queryStringParameters": {},
        "headers": {name.lower(): text for name, text in headers.items()},
        "body": body,
        "isBase64Encoded": is_base64,
    }


def load_balancer_of_many(
    body: str, is_base64: bool, headers: dict[str, str], method: str = "POST"
) -> Event:
    """An Application Load Balancer whose target group has multi-value headers enabled."""
    event = load_balancer(body, is_base64, headers, method)
    event["multiValueHeaders"] = {name: [text] for name, text in event.pop("headers").items()}
    return event


SHAPES = [rest_api, http_api, function_url, load_balancer, load_balancer_of_many]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_base64", [False, True])
def test_lambda(shape: Callable[..., Event], is_base64: bool):
    handled: list[str] = []

    def handle(event: revrag.WebhookEvent) -> dict[str, str]:
        handled.append(event.id)
        return {"handled": event.id}

    handler = aws.handler(VERIFIER, handle, store=MemoryStore())
    # No ASCII alone: what is decoded wrongly has another signature.
    call = testing.sample_call(summary="Zoë — ठीक है")
    sent = testing.delivery(call, VERIFIER, event_id="evt_1")
    body = base64.b64encode(sent.body).decode() if is_base64 else sent.body.decode()
    answers = [handler(shape(body, is_base64, sent.headers), None) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert json.loads(answers[0]["body"]) == {"handled": "evt_1"}
    assert handled == ["evt_1"]
    json.dumps(answers)  # Lambda does so

    wrong = handler(shape(body[1:], False, sent.headers), None)
    assert wrong["statusCode"] == 401
    assert handler(shape("%", True, sent.headers), None)["statusCode"] in {400, 401}
    assert handler(shape(body, is_base64, {}), None)["statusCode"] == 400
    refused = handler(shape("", False, {}, "GET"), None)
    assert refused["statusCode"] == 405
    named = refused.get("headers") or {
        name: texts[0] for name, texts in refused["multiValueHeaders"].items()
    }
    assert named["Allow"] == "POST"
    if shape in {load_balancer, load_balancer_of_many}:
        assert refused["statusDescription"] == "405 Method Not Allowed"
        assert ("multiValueHeaders" in refused) == (shape is load_balancer_of_many)
    assert handled == ["evt_1"]


def test_lambda_answers_of_bytes_are_in_base64():
    handler = aws.handler(VERIFIER, lambda _event: Reply(202, b"\xff\0"))
    sent = testing.delivery(testing.sample_call(), VERIFIER)
    answer = handler(http_api(sent.body.decode(), False, sent.headers), None)
    assert answer["statusCode"] == 202
    assert (base64.b64decode(answer["body"]), answer["isBase64Encoded"]) == (b"\xff\0", True)


def test_a_coroutine_handles_and_a_failure_is_handled_again():
    tried: list[str] = []

    async def handle(event: revrag.WebhookEvent) -> None:
        tried.append(event.id)
        if len(tried) == 1:
            raise RuntimeError("as told")

    handler = aws.handler(VERIFIER, handle)
    sent = testing.delivery(testing.sample_call(), VERIFIER, event_id="evt_1")
    event = rest_api(sent.body.decode(), False, sent.headers)
    assert [handler(event, None)["statusCode"] for _ in range(3)] == [500, 200, 200]
    assert tried == ["evt_1"] * 2


def test_google_cloud_functions(tmp_path: Path):
    """By the framework that Google runs them with."""
    source = tmp_path / "main.py"
    source.write_text(
        "import revrag\n"
        "from revrag.webhooks import gcp\n"
        "handled = []\n"
        "def handle(event):\n"
        "    handled.append(event.id)\n"
        "    return {'handled': event.id}\n"
        "revrag_webhook = gcp.handler(revrag.WebhookVerifier('whsec'), handle)\n"
    )
    app = functions_framework.create_app("revrag_webhook", str(source), "http")
    client = app.test_client()
    sent = testing.delivery(testing.sample_call(), VERIFIER, event_id="evt_1")
    answers = [client.post("/", **sent.flask()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (answers[0].json, answers[1].json) == ({"handled": "evt_1"}, {"detail": "OK"})
    assert client.get("/").status_code == 405
    bad = testing.delivery(testing.sample_call(), "another")
    assert client.post("/", **bad.flask()).status_code == 401
    assert callable(gcp.handler(VERIFIER, print))


def test_azure_functions():
    handled: list[str] = []

    def handle(event: revrag.WebhookEvent) -> dict[str, str]:
        handled.append(event.id)
        return {"handled": event.id}

    app = azure.functions.FunctionApp()
    main = azure_endpoint.handler(VERIFIER, handle)
    app.route("revrag", methods=["POST"])(main)
    sent = testing.delivery(testing.sample_call(), VERIFIER, event_id="evt_1")

    def call(method: str, headers: dict[str, str], body: bytes) -> azure.functions.HttpResponse:
        url = "https://app.azurewebsites.net/api/revrag"
        return main(azure.functions.HttpRequest(method=method, url=url, headers=headers, body=body))

    first, second = (call("POST", sent.headers, sent.body) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert json.loads(first.get_body()) == {"handled": "evt_1"}
    assert first.mimetype == "application/json"
    assert handled == ["evt_1"]
    assert call("POST", sent.headers, sent.body + b" ").status_code == 401
    refused = call("GET", {}, b"")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
