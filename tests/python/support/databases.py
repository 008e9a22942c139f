"""A PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest


def postgres_programs() -> Path | None:
    """Where the newest `postgres` and `initdb` are: Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return None if program is None else Path(program).resolve().parent


def _version(path: Path) -> int:
    return int(path.parts[-3]) if path.parts[-3].isdigit() else 0


def start_postgres(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A PostgreSQL on a free port; its URL and process."""
    programs = postgres_programs()
    if programs is None:
        if "CI" in os.environ:
            pytest.fail("CI has to install postgresql")
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    # It refuses to be run by root.
    user = "postgres" if os.geteuid() == 0 else None
    data = folder / "data"
    if user is not None:
        shutil.chown(folder, user)
    command = [programs / "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust"]
    subprocess.run(
        [*command, "--no-sync", "--encoding", "UTF8", "--locale", "C"],
        user=user,
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            # What a test proves is about workers that die, not about this server.
            "fsync": "off",
            "max_connections": 200,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *flags],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        # Someone else may take the port meanwhile; then it ends, and another is tried.
        while process.poll() is None:
            try:
                psycopg.connect(url, connect_timeout=1).close()
            except psycopg.OperationalError:
                continue
            return url, process
    pytest.fail("PostgreSQL does not start")


def new_database(url: str, name: str) -> str:
    """A database of its own; its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url.rpartition('/')[0]}/{name}"


def start_mariadb(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A MariaDB on a free port, for SQLAlchemy; its URL and process."""
    import pymysql

    program, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if program is None or install is None:
        pytest.skip("there is no MariaDB here: apt-get install mariadb-server")
    data = folder / "data"
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "mysql")
    subprocess.run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            *user,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = [f"--datadir={data}", f"--socket={folder / 's'}", f"--port={port}"]
        options += ["--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}", *user]
        options += ["--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=20"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "--no-defaults", *options], stdout=log, stderr=log)
        while process.poll() is None:
            try:
                connection = pymysql.connect(host="127.0.0.1", port=port, user="root")
            except pymysql.OperationalError:
                continue
            with connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE revrag CHARACTER SET utf8mb4")
            return f"mysql+pymysql://root@127.0.0.1:{port}/revrag", process
    pytest.fail("MariaDB does not start")
