"""``revrag webhook sign``, ``verify`` and ``send``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from support.application import Application
from support.commands import Terminal, environment, run

SECRET = "whsec_of_the_tests"
BODY = b'{"call_id": "c1",  "call_status": "completed"}'
VERIFIER = revrag.WebhookVerifier(SECRET)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, REVRAG_WEBHOOK_SECRET=SECRET)


@pytest.fixture
def application() -> Iterator[Application]:
    made = Application(SECRET)
    yield made
    made.close()


def signed(env: dict[str, str], *arguments: str, body: bytes = BODY) -> dict[str, str]:
    """The headers that it prints."""
    finished = run(["webhook", "sign", "--json", *arguments], env, stdin=body)
    assert finished.returncode == 0, finished.stderr
    headers: dict[str, str] = json.loads(finished.stdout)
    return headers


def verified(
    env: dict[str, str], tmp_path: Path, body: bytes, headers: dict[str, str], *arguments: str
) -> tuple[int, dict[str, Any]]:
    """The exit code, and what is said of the delivery."""
    file = tmp_path / "headers"
    file.write_text("".join(f"{name}: {value}\n" for name, value in headers.items()))
    command = ["webhook", "verify", "--json", "--headers", str(file), *arguments]
    finished = run(command, env, stdin=body)
    return finished.returncode, json.loads(finished.stdout)


def test_what_is_signed_is_valid(env: dict[str, str], tmp_path: Path):
    file = tmp_path / "body.json"
    file.write_bytes(BODY)
    headers = signed(env, str(file), "--event-id", "evt_1")
    event = VERIFIER.verify(BODY, headers)
    assert (event.id, event.type) == ("evt_1", "call.ended")
    assert signed(env, "--event-id", "evt_1", "--timestamp", "17")["X-Webhook-Timestamp"] == "17"
    assert signed(env)["X-Webhook-ID"] != signed(env)["X-Webhook-ID"]
    plain = run(["webhook", "sign", "--timestamp", "17", "--event-id", "e"], env, stdin=BODY)
    expected = VERIFIER.sign(BODY, event_id="e", timestamp=17)
    lines = plain.stdout.decode().splitlines()
    assert dict(line.split(": ") for line in lines) == dict(expected)


def test_a_delivery_is_verified(env: dict[str, str], tmp_path: Path):
    headers = VERIFIER.sign(BODY, event_id="evt_1")
    code, said = verified(env, tmp_path, BODY, headers)
    assert code == 0
    assert (said["valid"], said["id"], said["call_id"]) == (True, "evt_1", "c1")
    pairs = [word for item in headers.items() for word in ("-H", ": ".join(item))]
    finished = run(["webhook", "verify", *pairs], env, stdin=BODY)
    assert finished.returncode == 0
    assert finished.stdout.startswith(b"valid: call.ended evt_1, call c1")


@pytest.mark.parametrize(
    ("body", "changed", "reason", "hint"),
    [
        (BODY + b"\n", {}, "signature_mismatch", "line break at the end"),
        (BODY.replace(b",  ", b", "), {}, "signature_mismatch", None),
        (BODY, {"X-Webhook-ID": ""}, "missing_header", None),
        (BODY, {"X-Webhook-Signature": "v1"}, "malformed_header", None),
        (BODY, {"X-Webhook-Timestamp": "17"}, "malformed_header", None),
    ],
)
def test_what_is_wrong_is_said(
    env: dict[str, str],
    tmp_path: Path,
    body: bytes,
    changed: dict[str, str],
    reason: str,
    hint: str | None,
):
    headers = {**VERIFIER.sign(BODY, event_id="evt_1"), **changed}
    code, said = verified(env, tmp_path, body, headers)
    assert (code, said["valid"], said["reason"]) == (1, False, reason)
    assert len(said["hints"]) == (hint is not None), said
    if hint:
        assert hint in said["hints"][0]


def test_a_body_that_was_written_anew_is_found_out(env: dict[str, str], tmp_path: Path):
    body = json.dumps({"call_id": "c1", "summary": "é"}).encode()
    headers = VERIFIER.sign(body, event_id="evt_1")
    anew = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
    _, said = verified(env, tmp_path, anew, headers)
    assert "written anew" in said["hints"][0]


def test_a_delivery_that_was_kept(env: dict[str, str], tmp_path: Path):
    then = int(time.time()) - 4000
    headers = VERIFIER.sign(BODY, event_id="evt_1", timestamp=then)
    code, said = verified(env, tmp_path, BODY, headers)
    assert (code, said["reason"]) == (1, "timestamp_out_of_tolerance")
    assert "4000 s before" in said["hints"][0] or "4001 s before" in said["hints"][0]
    assert "but for the time it is valid" in said["hints"][1]
    assert verified(env, tmp_path, BODY, headers, "--at", str(then + 5))[0] == 0
    assert verified(env, tmp_path, BODY, headers, "--tolerance", "5000")[0] == 0


def test_the_secret_comes_from_a_file_the_environment_or_the_settings(tmp_path: Path):
    bare = environment(tmp_path)
    finished = run(["webhook", "sign"], bare, stdin=BODY)
    assert finished.returncode == 2
    for way in (b"--secret-file", b"REVRAG_WEBHOOK_SECRET", b"settings file"):
        assert way in finished.stderr
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    VERIFIER.verify(BODY, signed(bare, "--secret-file", str(file)))
    # As an editor saves it, and as a clipboard copies it.
    file.write_text(f"\ufeff{SECRET}\u200b\n")
    VERIFIER.verify(BODY, signed(bare, "--secret-file", str(file)))
    settings = tmp_path / "config.toml"
    settings.write_text(f'[profiles.one]\nwebhook_secret = "{SECRET}"\n')
    settings.chmod(0o600)
    known = {**bare, "REVRAG_CONFIG": str(settings)}
    VERIFIER.verify(BODY, signed({**known, "REVRAG_PROFILE": "one"}))
    # A profile that was named goes before the environment.
    other = {**known, "REVRAG_WEBHOOK_SECRET": "another"}
    VERIFIER.verify(BODY, signed(other, "--profile", "one"))
    # A file of two signs with the first, and verifies with both.
    file.write_text(f"another\n{SECRET}\n")
    headers = VERIFIER.sign(BODY, event_id="evt_1")
    assert verified(bare, tmp_path, BODY, headers, "--secret-file", str(file))[0] == 0


def test_nothing_is_signed_with_blanks_around_the_secret(tmp_path: Path):
    bare = environment(tmp_path)
    finished = run(["webhook", "sign"], {**bare, "REVRAG_WEBHOOK_SECRET": " x "}, stdin=BODY)
    assert finished.returncode == 2
    assert b"has blanks or line ends around it" in finished.stderr
    assert b"--secret-file" not in finished.stderr


def test_a_secret_is_never_an_argument(env: dict[str, str]):
    for verb in ("sign", "verify", "send", "check"):
        text = run(["webhook", verb, "--help"], env).stdout.decode()
        assert "--secret-file" in text
        assert "--secret " not in text


def test_a_sample_is_accepted(env: dict[str, str], application: Application):
    finished = run(["webhook", "send", application.url, "--json"], env)
    assert finished.returncode == 0, finished.stderr
    (taken,) = application.taken
    assert json.loads(finished.stdout)["id"] == taken.event_id
    revrag.Call.from_dict(taken.call)
    assert taken.call["app_session_id"] == "revrag-sample"


def test_a_body_of_ones_own_is_sent(env: dict[str, str], application: Application):
    arguments = ["webhook", "send", application.url, "--body", "-", "--event-id", "evt_9"]
    assert run(arguments, env, stdin=BODY).returncode == 0
    (taken,) = application.taken
    assert (taken.event_id, taken.call) == ("evt_9", json.loads(BODY))


def test_an_answer_is_told(env: dict[str, str], application: Application):
    application.answer = lambda _: 503
    finished = run(["webhook", "send", application.url], env)
    assert finished.returncode == 1
    assert b"503, not accepted" in finished.stdout
    wrong = run(["webhook", "send", application.url], {**env, "REVRAG_WEBHOOK_SECRET": "x"})
    assert b"401, not accepted" in wrong.stdout
    application.close()
    down = run(["webhook", "send", application.url], env)
    assert down.returncode == 4
    assert b"did not answer" in down.stderr
    assert run(["webhook", "send", "nowhere"], env).returncode == 2


def test_a_terminal_shows_headers_to_copy(env: dict[str, str], tmp_path: Path):
    file = tmp_path / "body"
    file.write_bytes(BODY)
    terminal = Terminal(["webhook", "sign", str(file)], env)
    try:
        code, text = terminal.finish()
    finally:
        terminal.close()
    assert code == 0
    headers = dict(line.split(": ") for line in text.splitlines())
    VERIFIER.verify(BODY, headers)
