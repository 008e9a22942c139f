"""What the caller chose, as an engine hands it over."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrag import Client, InvalidArgumentError
from revrag._revrag import excluded_numbers, row_tokens, token_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def share_or_count(value: Any) -> float | int:
    """How many rows may be invalid: a float is a share, an int a count."""
    text = str(value).strip()
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


# Options of `Campaign.upload` that hold for rows by themselves, and how each reads as text.
UPLOAD: dict[str, Any] = {
    "phone_number": str,
    "variables": list,
    "app_user_id": str,
    "region": str,
    "on_invalid": str,
    "required": list,
    "max_records": int,
    "max_bytes": int,
    "concurrency": int,
    "on_unknown": str,
    "settle_after": float,
    "give_up_after": float,
}
CLIENT: dict[str, Any] = {
    "timeout": float,
    "connect_timeout": float,
    "max_retries": int,
    "ca_bundle": str,
    "proxy": str,
}
OWN: dict[str, Any] = {
    "campaign_id": str,
    "key": list,
    "name": str,
    "base_url": str,
    "api_key_file": str,
    "outcomes": str,
    "max_records_per_second": float,
    "limit": int,
    "max_invalid": share_or_count,
}
KINDS = OWN | UPLOAD | CLIENT

WHY_A_KEY = (
    "a cluster runs tasks again, on other rows and in another order, so a row can't be known by "
    'its place: name the column that identifies it, as key="crm_id"'
)
WHERE_FROM = (
    "options are shown in plans, in the engine's pages and in logs: set REVRAG_API_KEY in the "
    "environment of the driver and of the executors (from the cluster's secrets), or pass "
    "api_key_file, the path of a file that holds the key on each of them"
)
WHERE_NUMBERS = (
    "options are shown in plans, in the engine's pages and in logs, so no numbers stand there: "
    "write them to a file that the driver can read, and pass its path"
)


@dataclass(frozen=True)
class Settings:
    """What a job is. It holds no key of the service, so it may travel."""

    campaign_id: str
    key: tuple[str, ...]
    name: str | None = None
    base_url: str | None = None
    api_key_file: str | None = None
    outcomes: str | None = None
    max_records_per_second: float | None = None
    limit: int | None = None
    max_invalid: float | int | None = None
    # The numbers themselves stay with the driver.
    excludes: bool = False
    upload: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Settings from options, of which those of Spark are all text.

        Raises:
            InvalidArgumentError: One is missing, unknown, or can't be used; nothing was sent.
        """
        options = {name.lower(): value for name, value in given.items() if value is not None}
        if path := options.pop("path", None):
            options.setdefault("outcomes", path)
        exclude = options.pop("exclude", None)
        if isinstance(exclude, str) and exclude.lstrip().startswith(("[", "{", "+")):
            raise InvalidArgumentError(f"exclude: {WHERE_NUMBERS}")
        for name in options:
            if name in ("api_key", "apikey", "revrag_api_key"):
                raise InvalidArgumentError(f"{name}: {WHERE_FROM}")
            if name not in KINDS:
                known = ", ".join(sorted([*KINDS, "exclude"]))
                raise InvalidArgumentError(f"there is no option {name!r}; there are {known}")
        read = {name: read_as(name, value) for name, value in options.items()}
        if not read.get("campaign_id"):
            raise InvalidArgumentError(
                "campaign_id: it is missing; it stands on the campaign's page"
            )
        key = tuple(read.get("key", ()))
        if not key:
            raise InvalidArgumentError(f"key: it is missing; {WHY_A_KEY}")
        if "app_session_id" in key:
            raise InvalidArgumentError(
                "key: the column app_session_id can't be it here; give the ids a column of "
                "another name"
            )
        rate = read.get("max_records_per_second")
        if rate is not None and not 0 < rate < float("inf"):
            raise InvalidArgumentError("max_records_per_second: it must be more than 0")
        if (limit := read.get("limit")) is not None and limit < 0:
            raise InvalidArgumentError("limit: it must be at least 0")
        most = read.get("max_invalid")
        if most is not None and not 0 <= most <= (1 if isinstance(most, float) else most):
            raise InvalidArgumentError(
                "max_invalid: it must be a share from 0.0 to 1.0, or a count of at least 0"
            )
        if read.get("on_invalid") == "send" and (exclude is not None or most is not None):
            name = "exclude" if exclude is not None else "max_invalid"
            raise InvalidArgumentError(
                f'{name}: with on_invalid="send" no number is told from what is none; '
                '"reject" keeps those home'
            )
        if read.get("on_invalid") == "raise":
            raise InvalidArgumentError(
                'on_invalid: a task sees its own rows alone; "reject" keeps invalid rows home, and '
                "max_invalid=0 stops the job at the first"
            )
        if read.get("on_unknown") == "stop":
            raise InvalidArgumentError(
                'on_unknown: "settle" or "leave"; a task that stops runs again'
            )
        own = {name: read[name] for name in OWN if name in read and name != "key"}
        upload = {name: read[name] for name in UPLOAD if name in read}
        client = {name: read[name] for name in CLIENT if name in read}
        is_excluding = exclude is not None
        made = cls(key=key, excludes=is_excluding, upload=upload, options=client, **own)
        # Refused here and not by a task: what can be read without the service.
        with Client("checked", base_url=made.base_url, **client) as checked:
            checked.campaign(made.campaign_id)
        _ = made.prefix
        return made

    @property
    def phone_number(self) -> str:
        """The column of the numbers."""
        return str(self.upload.get("phone_number", "phone_number"))

    def numbers(self, exclude: object) -> list[int]:
        """Numbers that are not to be called: the digits of each.

        Raises:
            InvalidArgumentError: They can't be read.
        """
        region = self.upload.get("region", "IN")
        return excluded_numbers(exclude, phone_number=self.phone_number, region=region)

    @property
    def settle_after(self) -> float:
        """Seconds that the service is given to finish what it has."""
        return float(self.upload.get("settle_after", 5.0))

    @property
    def prefix(self) -> str:
        """What all tokens begin with."""
        return token_prefix(self.name)

    def tokens(self, keys: list[str]) -> list[str]:
        """The session ids of rows, by their keys as a report tells them."""
        return row_tokens(self.name, keys, is_joined=len(self.key) > 1)

    @property
    def what(self) -> tuple[str | None, str, str | None]:
        """What two jobs must not do at once."""
        return (self.base_url, self.campaign_id, self.name)

    def client(self) -> Client:
        """A client with the key of this machine.

        Raises:
            InvalidArgumentError: There is no key here.
        """
        key: str | None = None
        if self.api_key_file is not None:
            key = Path(self.api_key_file).read_text("utf-8").strip()
        elif not os.environ.get("REVRAG_API_KEY"):
            raise InvalidArgumentError(f"there is no API key here; {WHERE_FROM}")
        return Client(key, base_url=self.base_url, **self.options)

    def to_json(self) -> str:
        """Itself as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Back from text."""
        read = json.loads(text)
        return cls(**(read | {"key": tuple(read["key"])}))


def read_as(name: str, value: Any) -> Any:
    """An option's value, which may be text."""
    kind = KINDS[name]
    if kind is list:
        if name == "variables" and isinstance(value, dict):
            return value
        if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
            try:
                return json.loads(value)
            except ValueError as error:
                raise InvalidArgumentError(f"{name}: it is no JSON: {error}") from error
        return split(value)
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        wanted = "a whole number" if kind is int else "a number"
        raise InvalidArgumentError(f"{name}: it must be {wanted}, and is {value!r}") from error


def split(value: str | Iterable[str]) -> list[str]:
    """Names of columns, as text between commas or one by one."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value]
