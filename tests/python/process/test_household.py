"""What clients cost a process: rings for the garbage collector, wakes of threads, certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from revrag.sandbox import Sandbox
from support import STATUS
from support.script import Run
from support.server import Serve, reply
from support.silent import Silent

RINGS = {
    "a method": """
class Owner:
    def __init__(self):
        self.campaign = campaign(sys.argv[1], on_request=self.hook)
    def hook(self, event):
        pass
make = Owner
""",
    "a closure": """
class Owner: pass
def make():
    owner = Owner()
    owner.campaign = campaign(sys.argv[1], on_request=lambda event: owner)
    return owner
""",
    "other options": """
class Owner: pass
def make():
    owner = Owner()
    owner.campaign = campaign(sys.argv[1])
    hook = lambda event: owner
    client = owner.campaign.client.with_options(on_request=hook)
    owner.campaign = client.campaign(CAMPAIGN_ID)
    return owner
""",
}


@pytest.mark.parametrize("kind", RINGS)
def test_a_ring_is_collected_with_its_sockets(run: Run, service: Sandbox, kind: str) -> None:
    run(
        RINGS[kind]
        + """
import gc, weakref
gc.collect()
campaign(sys.argv[1]).client.close()
known = socket_inodes()
kept = []
for _ in range(5):
    owner = make()
    assert owner.campaign.status().status == "running"
    assert asyncio.run(owner.campaign.status_async()).status == "running"
    kept += [weakref.ref(owner), weakref.ref(owner.campaign.client)]
    del owner
gc.collect()
assert not [ref for ref in kept if ref() is not None]
deadline = time.monotonic() + 10
while (left := socket_inodes() - known) and time.monotonic() < deadline:
    time.sleep(0.01)
# What is left belongs to the runtime and its event queue.
assert len(left) <= 2, left
""",
        service.url,
    )


def test_only_the_main_thread_ticks(run: Run, silent: Silent) -> None:
    """Blocked calls of other threads sleep until there is an answer."""
    finished = run(
        """
        leads = campaign(sys.argv[1], timeout=4, max_retries=0)
        def switches(tid):
            with open(f"/proc/self/task/{tid}/status") as status:
                for line in status:
                    if line.startswith("voluntary_ctxt_switches"):
                        return int(line.split()[1])
        def work():
            try:
                leads.status()
            except revrag.APITimeoutError:
                pass
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        sys.stdin.readline()
        time.sleep(0.5)
        before = [switches(thread.native_id) for thread in threads]
        time.sleep(1)
        after = [switches(thread.native_id) for thread in threads]
        print(max(b - a for a, b in zip(before, after)))
        [thread.join() for thread in threads]
        """.replace("sys.stdin.readline()\n", "\n"),
        silent.url,
    )
    assert int(finished.out) < 5


def test_ctrl_c_reaches_the_main_thread_beside_others(run: Run, silent: Silent) -> None:
    """Also in a forked child, whose main thread is the one that forked."""
    run(
        """
        leads = campaign(sys.argv[1])
        def interrupted():
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            try:
                leads.status()
            except KeyboardInterrupt:
                return True
        assert interrupted()
        if not (pid := os.fork()):
            os._exit(0 if interrupted() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        """,
        silent.url,
    )


def test_clients_share_loaded_certificates(run: Run, serve: Serve, tmp_path: Path) -> None:
    """A second one of a kind costs next to nothing; another bundle is another kind."""
    authority, other = trustme.CA(), trustme.CA()
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle, wrong = tmp_path / "ca.pem", tmp_path / "other.pem"
    authority.cert_pem.write_to_path(str(bundle))
    other.cert_pem.write_to_path(str(wrong))
    server = serve(reply(200, STATUS), tls=context)
    run(
        """
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        def status(bundle):
            leads = campaign(sys.argv[1], ca_bundle=bundle, max_retries=0)
            kept.append(leads)
            return leads.status().status
        kept = []
        assert status(sys.argv[2]) == "running"
        before = resident()
        for _ in range(30):
            assert status(sys.argv[2]) == "running"
        assert (resident() - before) / 30 < 200_000, (resident() - before) / 30
        try:
            status(sys.argv[3])
        except revrag.APIConnectionError as error:
            assert "certificate" in str(error)
        else:
            raise AssertionError("trusts whom another client trusts")
        assert status(sys.argv[2]) == "running"
        """,
        server.url,
        bundle,
        wrong,
    )
