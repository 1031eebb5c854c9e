"""Start a throw-away PostgreSQL cluster from the machine's own binaries."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from vendure.ports import free_port, wait_for_port

START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0
# sh holds our pipe: when the test run dies, however it dies, the pipe ends and so does PostgreSQL.
TIED = '"$@" </dev/null & child=$!; cat >/dev/null; kill -INT $child; wait $child'


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where one database of a cluster is and who may enter."""

    port: int
    user: str
    name: str
    password: str = field(repr=False)


class PostgresCluster:
    """A PostgreSQL server on loopback that is gone after the tests."""

    def __init__(self) -> None:
        self.port = free_port()
        self._password = secrets.token_urlsafe(16)
        self._databases = 0
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def create_database(self) -> Database:
        """Make a new, empty database."""
        self._databases += 1
        name = f"shop_{self._databases}"
        binaries = self._binaries()
        subprocess.run(
            [binaries / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "shop", name],
            env={**os.environ, "PGPASSWORD": self._password},
            check=True,
            capture_output=True,
            timeout=START_LIMIT_S,
        )
        return Database(port=self.port, user="shop", name=name, password=self._password)

    def stop(self) -> None:
        """Stop the cluster and remove its data; may be called twice."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(STOP_LIMIT_S)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self) -> None:
        binaries = self._binaries()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="ordersync-postgres-"))
        owner = _other_user()
        password = folder / "password"
        password.write_text(self._password)
        if owner is not None:
            for path in (folder, password):
                shutil.chown(path, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        self._run_initdb(binaries, data, password, owner)
        self._process = self._run_postgres(binaries, data, folder / "log", owner)
        wait_for_port(self.port, self._process, START_LIMIT_S, folder / "log")

    @staticmethod
    def _run_initdb(binaries: Path, data: Path, password: Path, owner: pwd.struct_passwd | None) -> None:
        command: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "shop", "-A", "scram-sha-256"]
        command += ["--pwfile", password, "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            command,
            cwd=data.parent,
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=[] if owner else None,
            check=True,
            capture_output=True,
            timeout=START_LIMIT_S,
        )

    def _run_postgres(
        self, binaries: Path, data: Path, log: Path, owner: pwd.struct_passwd | None
    ) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        command = ["sh", "-c", TIED, "sh", str(binaries / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with log.open("wb") as out:
            return subprocess.Popen(
                command,
                cwd=data.parent,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                user=owner and owner.pw_uid,
                group=owner and owner.pw_gid,
                extra_groups=[] if owner else None,
                start_new_session=True,
            )

    @staticmethod
    def _binaries() -> Path:
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError("no PostgreSQL binaries on this machine")
        return binaries


def find_binaries() -> Path | None:
    """Find the folder of the newest PostgreSQL on this machine."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    whole = [folder for folder in folders if _is_whole(folder)]
    return max(whole, key=_version, default=None)


def _is_whole(folder: Path) -> bool:
    return all((folder / program).exists() for program in ("initdb", "postgres", "createdb"))


def _version(folder: Path) -> int:
    number = re.search(r"/(\d+)/bin$", str(folder))
    return int(number[1]) if number else 0


def _other_user() -> pwd.struct_passwd | None:
    """Choose who runs PostgreSQL, which refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("PostgreSQL refuses root, and there is no other user to run it")
