"""The settings file: where it is, who may read it, and what goes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID

Start = Callable[..., Any]
# Nothing of the environment's own.
BARE = {"REVRAG_API_KEY": "", "REVRAG_CAMPAIGN_ID": ""}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Sandbox() as sandbox:
        yield sandbox.url


def write(env: dict[str, str], text: str, mode: int = 0o600) -> Path:
    path = Path(env["HOME"]) / ".config" / "revrag" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def profile(name: str, url: str, key: str = "sandbox-key") -> str:
    return (
        f'[profiles.{name}]\napi_key = "{key}"\nbase_url = "{url}"\ncampaign_id = "{CAMPAIGN_ID}"\n'
    )


def test_a_profile_is_all_it_takes(start: Start, env: dict[str, str], url: str) -> None:
    write(env, profile("default", url))
    assert start("status", **BARE).end()[0] == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(
    start: Start, env: dict[str, str], url: str, mode: int
) -> None:
    path = write(env, profile("default", url), mode)
    code, _, err = start("status", **BARE).end()
    assert code == 2
    assert f"chmod 600 {path}" in err
    assert "sandbox-key" not in err


def test_without_a_key_others_may_read_it(start: Start, env: dict[str, str], url: str) -> None:
    write(env, f'[profiles.default]\nbase_url = "{url}"\n', 0o644)
    assert start("status").end()[0] == 0


def test_an_unknown_setting_names_its_line(start: Start, env: dict[str, str]) -> None:
    path = write(env, '[profiles.default]\napi_kye = "s3cret"\n')
    code, _, err = start("status").end()
    assert code == 2
    assert f"{path}, line 2: unknown field `api_kye`" in err
    assert "s3cret" not in err


def test_which_profile_goes_first(start: Start, env: dict[str, str], url: str) -> None:
    write(env, 'profile = "good"\n' + profile("good", url) + profile("bad", url, "another"))
    assert start("status", **BARE).end()[0] == 0
    assert start("status", **BARE, REVRAG_PROFILE="bad").end()[0] == 3
    assert start("status", "--profile", "good", **BARE, REVRAG_PROFILE="bad").end()[0] == 0
    # The environment goes before a profile, but for one that was named.
    assert start("status", REVRAG_PROFILE="bad").end()[0] == 0
    assert start("status", "--profile", "bad").end()[0] == 3
    code, _, err = start("status", "--profile", "none").end()
    assert code == 2
    assert "--profile: there is no profile" in err
    assert "bad, good" in err


def test_another_place(start: Start, folder: Path, url: str) -> None:
    path = folder / "elsewhere.toml"
    path.write_text(profile("default", url))
    path.chmod(0o600)
    assert start("status", **BARE, REVRAG_CONFIG=str(path)).end()[0] == 0


def test_a_folder_names_a_campaign_and_nothing_of_keys(
    start: Start, folder: Path, url: str
) -> None:
    (folder / "revrag.toml").write_text(f'campaign_id = "{CAMPAIGN_ID}"\n')
    assert start("status", url=url, REVRAG_CAMPAIGN_ID="").end()[0] == 0
    for line in ('api_key = "s3cret"', 'base_url = "http://127.0.0.1:1"'):
        (folder / "revrag.toml").write_text(line)
        code, _, err = start("status", url=url).end()
        assert code == 2
        assert "revrag.toml, line 1" in err
        assert "no key" in err
        assert "s3cret" not in err


def test_init_makes_a_file_that_nobody_else_reads(start: Start, env: dict[str, str]) -> None:
    code, out, err = start("init").end()
    path = Path(out.strip())
    assert code == 0, err
    assert path.parent.parent.parent == Path(env["HOME"])
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("mine")
    code, _, err = start("init").end()
    assert code == 2
    assert "is left as it is" in err
    assert path.read_text() == "mine"


def test_what_init_makes_can_be_read(start: Start, url: str) -> None:
    assert start("init").end()[0] == 0
    assert start("status", url=url).end()[0] == 0


def test_no_key_from_an_argument(start: Start) -> None:
    code, _, err = start("status", "--api-key", "sandbox-key").end()
    assert code == 2
    assert "--api-key" in err
