"""What must not be read by strangers: keys, secrets, phone numbers and variables are looked for in
every text that a process of its own shows."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from support import CALL, PAGE, PUSHED, RECORD, STATUS
from support.script import Run
from support.server import Act, Request, Serve, answer, close, raw, reply, reset, silence, truncated

KEY = "sk-live-Zq7Rt2"
SECRETS = ("whsec-Hb3Kw8", "whsec-Yd5Mn1")
PASSWORD = "Pr0xyPw-Lm4"
NAME = "Zebulon Quistgaard"
NUMBERS = ("+919876501234", "+91 98765 05678", "9876509999")
FORBIDDEN = [KEY, *SECRETS, PASSWORD, NAME, "Quistgaard"]
# However a number is written: its last digits, alone and in groups.
FORBIDDEN += ["9876501234", "01234", "05678", "9876509999"]


def echo(status: int, form: str) -> Act:
    """A service that says back all it was told."""

    def act(connection: socket.socket, request: Request) -> None:
        pushed = json.loads(request.body)["records"][0] if request.body else {}
        number = pushed.get("phone_number", NUMBERS[0])
        key = request.headers["x-api-key"]
        details: dict[str, object] = {
            "text": f"Invalid phone number {number} for API key {key}",
            "list": [{"loc": ["body", "records", 0], "msg": number, "type": "x", "input": pushed}],
            "bare": [pushed],
            "dict": {"record": pushed, "key": key},
        }
        body: object = {"detail": details[form]} if form in details else f"{request.body!r} {key}"
        headers = {"x-request-id": f"{number}-{key}", "location": f"/{key}", "retry-after": "0"}
        connection.sendall(answer(status, body, headers))

    return act


def mirror(connection: socket.socket, request: Request) -> None:
    """A 2xx that is what was sent."""
    connection.sendall(answer(200, request.body or b"[]"))


WRONG = {
    "id": {"x": NUMBERS[0]},
    "results": NAME,
    "items": [NAME],
    "stats": NUMBERS,
    "call_id": [1],
}

ACTS: dict[str, Act] = {
    **{
        f"{status} {form}": echo(status, form)
        for status in (301, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503)
        for form in ("text", "list", "bare", "dict", "html")
    },
    "mirror": mirror,
    "wrong": reply(200, RECORD | STATUS | PUSHED | PAGE | CALL | WRONG),
    "text": reply(200, f"{NAME} {NUMBERS[0]}"),
    "cut short": truncated(json.dumps({"a": NAME, "n": NUMBERS[0]}).encode(), 30),
    "no http": raw(f"{NAME} {NUMBERS[0]}\r\n\r\n".encode()),
    "close": close,
    "reset": reset,
    "silence": silence,
}

SCRIPT = """
import io, json, logging, traceback
with open(sys.argv[1]) as file:
    given = json.load(file)
KEY, SECRETS, PASSWORD, NAME, NUMBERS = given["secret"]
shown = []  # every text that a stranger may come to read
class Keep(logging.Handler):
    def emit(self, record):
        shown.append(logging.Formatter("%(name)s %(message)s").format(record))
        shown.append(repr(record.args))
logging.basicConfig(level=1, handlers=[Keep()], force=True)
logging.getLogger("revrag").setLevel(1)
def note(event):
    shown.append(repr(event))
    shown.append(repr([event.path, event.error]))
    asked.add((event.status, event.error is None))
asked = set()
def provoke(act):
    try:
        shown.append(repr(type(act())))
    except (revrag.RevragError, TypeError) as error:
        while error is not None:
            shown.extend([str(error), repr(error), repr(error.args)])
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            for frame in told.stack:
                # The locals of others are theirs.
                if frame.locals and f"revrag{os.sep}" not in frame.filename.rpartition("lib")[2]:
                    frame.locals.clear()
            shown.extend(told.format())
            raised.add(type(error).__name__)
            error = error.__cause__
    else:
        return
raised = set()
LEADS = [{"phone_number": number, "variables": {"name": NAME}, "app_user_id": NAME}
         for number in NUMBERS]
class Odd(str):
    def __repr__(self):
        return NAME
class Broken(dict):
    def items(self):
        raise ValueError(NAME, NUMBERS)
class Hostile:
    def __str__(self):
        return NAME
    __repr__ = __str__
options = {"timeout": 0.3, "max_retries": 0, "on_request": note}
async def debugged(made):
    # In debug mode asyncio logs what callbacks were called with.
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    return await made()
"""
EVERY_CALL = """
for name, url in given["urls"].items():
    retries = int(name.startswith(("429", "close")))
    client = revrag.Client(KEY, base_url=url, **options | {"max_retries": retries})
    leads = client.campaign(CAMPAIGN_ID)
    shown.extend(map(repr, [client, leads, leads.records(), leads.push, leads.records]))
    for lead in LEADS:
        provoke(lambda: leads.push([lead]))
        provoke(lambda: asyncio.run(debugged(lambda: leads.push_async([lead]))))
    for call in (leads.status, lambda: leads.record(CAMPAIGN_ID), lambda: list(leads.records()),
                 lambda: client.call(CAMPAIGN_ID), lambda: leads.wait(CAMPAIGN_ID, timeout=0)):
        provoke(call)
"""
BAD_INPUT = """
from revrag.sandbox import Sandbox
client = revrag.Client(KEY, base_url=given["urls"]["good"], proxy=f"http://me:{PASSWORD}@127.0.0.1:9",
                       **options)
shown.extend([repr(client), str(client)])
leads = client.campaign(CAMPAIGN_ID)
provoke(leads.status)
number, = NUMBERS[2:]
for bad in (
    {"phone_number": int(number)}, {"phone_number": None, "variables": {"a": NAME}}, {number: 1},
    {NUMBERS[1]: 1}, {"phone_number": number, "variables": NAME},
    {"phone_number": number, "variables": {"a": {NAME}}},
    {"phone_number": number, "variables": {"a": Hostile(), "b": NAME}},
    {"phone_number": number, "variables": {"a": 2**80}}, {"phone_number": Hostile()},
    {"phone_number": number, "app_user_id": [NAME]}, {"phone_number": NAME + "\\ud800"},
    {"phone_number": number, "variables": {"a": [NAME, float("inf")]}},
    Broken(phone_number=number), NAME, (number, NAME), Hostile(), b"9876509999",
):
    provoke(lambda: leads.push([bad]))
    provoke(lambda: leads.push(bad))
    provoke(lambda: asyncio.run(leads.push_async([bad])))
for bad in (number, NUMBERS[1], f"{CAMPAIGN_ID}/{number}", Hostile(), 9876509999):
    provoke(lambda: leads.record(bad))
    provoke(lambda: client.campaign(bad))
    provoke(lambda: client.call(bad))
for bad in (KEY + "\\n", KEY + " ", "é" + KEY, KEY + "\\r\\nX-Evil: 1", KEY + "\\0", (KEY,),
            KEY.encode()):
    provoke(lambda: revrag.Client(bad))
for bad in (f"https://me:{PASSWORD}@x.test", f"http://{KEY}.test", f"https://x.test/?k={KEY}",
            f"https://x.test\\r\\n{KEY}", f"{KEY}://x"):
    provoke(lambda: revrag.Client(KEY, base_url=bad))
for bad in (f"ftp://me:{PASSWORD}@x.test", f"http://me:{PASSWORD}@", f"me:{PASSWORD}@x",
            f"http://me:{PASSWORD}@x.test:99999"):
    provoke(lambda: revrag.Client(KEY, proxy=bad))
for kind in (revrag.Record, revrag.PushResult, revrag.Call, revrag.WebhookEvent):
    for bad in ({"id": NAME}, {"phone_number": number, "status": [NAME]}, {"results": [NAME]},
                {"call_id": {number: 1}}, {"id": 1, "type": NAME, "timestamp": NAME, "payload": 1}):
        provoke(lambda: kind.from_dict(bad))
verifier = revrag.WebhookVerifier(list(SECRETS))
shown.extend([repr(verifier), str(verifier)])
body = json.dumps({"to_number": number, "summary": NAME}).encode()
good = verifier.sign(body, event_id="evt_1")
for changed in ({}, {"X-Webhook-Timestamp": number}, {"X-Webhook-ID": ""},
                {"X-Webhook-Signature": NAME}, {"X-Webhook-Signature": f"t={number},v1=00"},
                {"X-Webhook-Event": "\\n" + NAME}):
    provoke(lambda: verifier.verify(body, good | changed))
    provoke(lambda: verifier.verify(body + b" ", good | changed))
for bad in ([SECRETS[0], ""], [SECRETS[0], 7], {SECRETS[0]: 1}, (SECRETS[0].encode(),),
            SECRETS[0] + "\\ud800"):
    provoke(lambda: revrag.WebhookVerifier(bad))
with Sandbox(api_key=KEY, webhook_secret=SECRETS[0], webhook_url="http://127.0.0.1:9") as sandbox:
    shown.extend([repr(sandbox), repr(sandbox.client())])
    sandbox.client().campaign(sandbox.campaign_id).push(LEADS)
    provoke(lambda: revrag.Client("other-key", base_url=sandbox.url).campaign(CAMPAIGN_ID).status())
provoke(lambda: Sandbox(api_key=KEY, webhook_secret=SECRETS[0], webhook_url=NAME))
"""
REPORT = """
text = "\\n".join(shown)
assert len(shown) > 100
print(json.dumps({"text": text, "raised": sorted(raised), "asked": len(asked)}))
"""


def look(run: Run, folder: Path, urls: dict[str, str], *parts: str) -> set[str]:
    """Run a script and look through all it showed; the names of the errors it raised."""
    path = folder / "given.json"
    path.write_text(json.dumps({"urls": urls, "secret": [KEY, SECRETS, PASSWORD, NAME, NUMBERS]}))
    finished = run(SCRIPT + "".join(parts) + REPORT, path, limit=60)
    told = json.loads(finished.out)
    for line in told["text"].splitlines():
        told_of = re.sub(r"\d+\.\d+", "", line)  # how long something took
        for word in FORBIDDEN:
            assert word not in told_of, line
    return set(told["raised"])


@pytest.mark.timeout(90)
def test_nothing_is_told_of_what_was_sent(run: Run, serve: Serve, tmp_path: Path) -> None:
    servers = {name: serve(act) for name, act in ACTS.items()}
    raised = look(run, tmp_path, {name: server.url for name, server in servers.items()}, EVERY_CALL)
    assert raised >= {
        "APIConnectionError", "APIStatusError", "APITimeoutError", "AuthenticationError",
        "BadRequestError", "InvalidResponseError", "NotFoundError", "PayloadTooLargeError",
        "PermissionDeniedError", "PushOutcomeUnknownError", "RateLimitError", "ServerError",
        "UnprocessableEntityError",
    }  # fmt: skip
    for name, server in servers.items():
        assert server.requests, name


def test_nothing_is_told_of_bad_input(run: Run, serve: Serve, tmp_path: Path) -> None:
    raised = look(run, tmp_path, {"good": serve(reply(200, STATUS)).url}, BAD_INPUT)
    assert raised >= {
        "APIConnectionError", "AuthenticationError", "InvalidArgumentError", "InvalidPayloadError",
        "MalformedHeaderError", "MissingHeaderError", "SignatureMismatchError", "TypeError",
    }  # fmt: skip
