"""The pytest plugin, in a pytest of its own: without a conftest, found by its entry point alone."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def test_a_sandbox_whose_time_stands_still(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        URLS = []

        def push(sandbox):
            campaign = sandbox.client().campaign(sandbox.campaign_id)
            return campaign, campaign.push([{"phone_number": "+919876543210"}]).results[0].run_id

        def test_time_is_moved_by_hand(revrag_sandbox):
            URLS.append(revrag_sandbox.url)
            campaign, run_id = push(revrag_sandbox)
            assert campaign.record(run_id).status == "queued"
            revrag_sandbox.run_until_idle()
            assert campaign.record(run_id).status == "completed"

        def test_the_next_one_has_its_own(revrag_sandbox):
            campaign = revrag_sandbox.client().campaign(revrag_sandbox.campaign_id)
            assert campaign.status().stats.total_records == 0
            assert revrag_sandbox.now.isoformat() == "2026-06-01T04:30:00+00:00"

        @pytest.mark.revrag_sandbox(window=("11:00", "18:00"))
        class TestMarked:
            def test_of_the_class(self, revrag_sandbox):
                campaign, run_id = push(revrag_sandbox)
                revrag_sandbox.advance(minutes=30)
                assert revrag_sandbox.waits_for(run_id) == "outside the window until 11:00 IST"

            @pytest.mark.revrag_sandbox(window=None, failure_rate=1)
            def test_the_nearest_counts(self, revrag_sandbox):
                campaign, run_id = push(revrag_sandbox)
                revrag_sandbox.advance(minutes=30)
                assert campaign.record(run_id).status == "failed"

        @pytest.mark.revrag_sandbox(settings="of.toml")
        def test_a_file(revrag_sandbox):
            campaign, run_id = push(revrag_sandbox)
            revrag_sandbox.run_until_idle()
            assert campaign.record(run_id).status == "failed"

        def test_it_is_stopped():
            import revrag
            client = revrag.Client("k", base_url=URLS[0], max_retries=0)
            with pytest.raises(revrag.APIConnectionError):
                client.campaign("11111111-1111-1111-1111-111111111111").status()
        """
    )
    pytester.path.joinpath("of.toml").write_text(
        "[[workspaces]]\n[[workspaces.campaigns]]\nfailure_rate = 1\n"
    )
    done = pytester.runpytest_subprocess("--strict-markers", "-W", "error")
    done.assert_outcomes(passed=6)


def test_a_coroutine_has_one_too(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import asyncio
        import socket

        import pytest
        import revrag

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_it_leaves_the_loop_free(revrag_sandbox_async):
            sandbox = revrag_sandbox_async
            told, ticks = [], []

            async def endpoint(reader, writer):
                head = await reader.readuntil(b"\\r\\n\\r\\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
                told.append(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 204 OK\\r\\nconnection: close\\r\\n\\r\\n")
                await writer.drain()
                writer.close()
                await writer.wait_closed()

            async def tick():
                while True:
                    ticks.append(1)
                    await asyncio.sleep(0)

            server = await asyncio.start_server(endpoint, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            sandbox.set_webhook(f"http://127.0.0.1:{port}/", "whsec")
            campaign = sandbox.client().campaign(sandbox.campaign_id)
            pushed = await campaign.push_async([{"phone_number": "+919876543210"}])
            ticking = asyncio.create_task(tick())
            # The endpoint is served by this very loop.
            now = await sandbox.run_until_delivered_async()
            ticking.cancel()
            server.close()
            await server.wait_closed()
            assert now == sandbox.now
            assert len(told) == 1
            assert len(ticks) > 1
            record = await campaign.record_async(pushed.results[0].run_id)
            assert record.status == "completed"

        async def test_what_takes_too_long_or_is_cancelled_halts(revrag_sandbox_async):
            sandbox = revrag_sandbox_async
            # Its system takes the connection, and nobody ever answers.
            deaf = socket.create_server(("127.0.0.1", 0))
            port = deaf.getsockname()[1]
            sandbox.set_webhook(f"http://127.0.0.1:{port}/", "whsec")
            campaign = sandbox.client().campaign(sandbox.campaign_id)
            await campaign.push_async([{"phone_number": "+919876543210"}])
            with pytest.raises(TimeoutError, match="1 webhooks are still to be delivered"):
                await sandbox.run_until_delivered_async(timeout=0.3)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sandbox.run_until_delivered_async(), 0.2)
            # Nothing moves time any more: it can be moved elsewhere.
            before = sandbox.now
            assert (await sandbox.advance_async(seconds=1) - before).total_seconds() == 1
            with pytest.raises(revrag.InvalidArgumentError, match="never goes back"):
                await sandbox.advance_to_async(before)
            deaf.close()
        """
    )
    done = pytester.runpytest_subprocess("--strict-markers", "-W", "error")
    done.assert_outcomes(passed=2)


def test_a_wrong_marker_says_so(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.revrag_sandbox("manual")
        def test_unnamed(revrag_sandbox): ...

        @pytest.mark.revrag_sandbox(windw=None)
        def test_unknown(revrag_sandbox): ...
        """
    )
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(errors=2)
    done.stdout.fnmatch_lines(["*arguments are named*"])
    done.stdout.fnmatch_lines(["*unexpected keyword argument 'windw'*"])


def test_it_may_be_named_too_or_left_out(pytester: pytest.Pytester):
    pytester.makeconftest('pytest_plugins = ["revrag.testing.fixtures"]')
    pytester.makepyfile("def test_it(revrag_clock, revrag_sandbox): ...")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    pytester.makeconftest("")
    left_out = pytester.runpytest_subprocess("-p", "no:revrag.testing.fixtures")
    left_out.assert_outcomes(errors=1)
    left_out.stdout.fnmatch_lines(["*fixture 'revrag_clock' not found*"])
