"""What an installed wheel must do; on free threads, each test runs in several at once."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig

import pytest
import revrag
from revrag.sandbox import Sandbox

BODY = b'{"call_status": "completed", "call_id": "123e4567-e89b-12d3-a456-426614174000"}'


def test_it_is_the_wheel_that_is_tested():
    assert "site-packages" in revrag.__file__
    assert importlib.metadata.version("revrag") == revrag.__version__


def test_leads_are_pushed_followed_and_uploaded():
    quick = {"failure_rate": 0, "dispatch_after": 0.01, "call_duration": 0.01}
    with Sandbox(**quick) as sandbox, sandbox.client() as client:
        campaign = client.campaign(sandbox.campaign_id)
        pushed = campaign.push([{"phone_number": "+919876543210"}])
        run_id = pushed.results[0].run_id
        record = campaign.wait(run_id, timeout=30, poll_interval=0.05)
        assert client.call(record.call_history[0].call_id).call_status == "completed"
        report = campaign.upload([{"phone_number": "98765 43211"}, {"phone_number": "12"}])
        assert (report.accepted, report.invalid) == (1, 1)
        assert len(list(campaign.records())) == 2


def test_webhooks_are_verified():
    verifier = revrag.WebhookVerifier("secret")
    headers = verifier.sign(BODY, event_id="evt_1")
    assert verifier.verify(BODY, headers).call.call_status == "completed"
    with pytest.raises(revrag.SignatureMismatchError):
        verifier.verify(BODY + b" ", headers)


def test_the_command_runs():
    done = subprocess.run(
        [sys.executable, "-m", "revrag", "--version"], capture_output=True, text=True, check=True
    )
    assert revrag.__version__ in done.stdout


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="it has a GIL")
def test_the_gil_stays_off():
    assert not sys._is_gil_enabled()
