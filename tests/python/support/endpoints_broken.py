"""An endpoint in Flask that is broken in the way that APP_FAULT names; without one it is good."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time

from flask import Flask, Response, request

FAULT = os.environ.get("APP_FAULT", "")
SECRETS = os.environ["REVRAG_WEBHOOK_SECRET"].split(",")
TOLERANCE = 300
MAX_BODY = 1_000_000

app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
lock = threading.Lock()
database.execute("CREATE TABLE seen (name TEXT PRIMARY KEY)")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_new(name: str) -> bool:
    if FAULT == "handles-twice":
        return True
    return database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [name]).rowcount == 1


def refuse(status: int, detail: str = "") -> Response:
    return Response(detail, status)


@app.route("/revrag", methods=["GET", "POST"] if FAULT == "takes-get" else ["POST"])
def endpoint() -> Response:
    length = request.content_length
    if FAULT != "any-size" and length is not None and length > MAX_BODY:
        return refuse(413)
    if FAULT == "by-length":
        body = request.environ["wsgi.input"].read(length or 0)
    else:
        body = request.get_data()
    headers = request.headers
    if FAULT == "crashes":
        given, stamp = headers["X-Webhook-Signature"], headers["X-Webhook-Timestamp"]
        parts = dict(part.split("=") for part in given.split(","))
    else:
        given = headers.get("X-Webhook-Signature", "")
        stamp = headers.get("X-Webhook-Timestamp", "")
        parts = dict(part.partition("=")[::2] for part in given.split(","))
    if FAULT == "crashes" and not parts["t"].isdigit():
        raise ValueError(given)
    if not parts.get("t", "").isdigit() or not stamp.isdigit() or "v1" not in parts:
        return refuse(400)
    if FAULT != "unsigned-time" and stamp != parts["t"]:
        return refuse(400)
    signed = parts["t"]
    if FAULT == "reserialises":
        body = json.dumps(json.loads(body), separators=(",", ":")).encode()
    every = [part[3:] for part in given.split(",") if part.startswith("v1=")]
    if FAULT == "first-signature":
        every = every[:1]
    right = [
        signature(secret, signed, body) for secret in SECRETS[: 1 if FAULT == "one-secret" else 2]
    ]
    if FAULT != "no-signature" and not any(one in right for one in every):
        return refuse(401, f"expected {right[0]}" if FAULT == "leaks" else "")
    age = time.time() - int(stamp)
    if FAULT == "no-time":
        age = 0
    elif FAULT == "no-future":
        age = max(age, 0)
    if abs(age) > TOLERANCE:
        return refuse(401)
    try:
        call = json.loads(body)
    except ValueError:
        if FAULT == "parses-badly":
            raise
        return refuse(400)
    kind = headers.get("X-Webhook-Event")
    if kind != "call.ended":
        return refuse(422 if FAULT == "one-type" else 200)
    if FAULT == "needs-transcript":
        len(call["transcription"]["messages"])
    names = [headers["X-Webhook-ID"]]
    if FAULT != "id-only":
        names.append(call["call_id"])
    with lock:
        are_new = [is_new(name) for name in names]
    if all(are_new):
        print(call["call_id"], file=sys.stderr, flush=True)
        return refuse(200)
    return refuse(409 if FAULT == "refuses-duplicates" else 200)
