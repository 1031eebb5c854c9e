"""Run a real Vendure server as a child process."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from vendure.install import SERVER_FOLDER, vendure_home
from vendure.ports import free_port, tail, wait_for_port
from vendure.postgres import Database

START_LIMIT_S = 90.0
STOP_LIMIT_S = 10.0


class VendureServer:
    """A Vendure shop on loopback: in memory, or on the PostgreSQL database it is given."""

    def __init__(self, *, database: Database | None = None) -> None:
        self.port = free_port()
        self.user = "superadmin"
        self.password = secrets.token_urlsafe(16)
        self._database = database
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Give the server's root; the APIs are below it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_api(self) -> str:
        """Give the address of the GraphQL API that sellers use."""
        return f"{self.url}/admin-api"

    @property
    def shop_api(self) -> str:
        """Give the address of the GraphQL API that buyers use."""
        return f"{self.url}/shop-api"

    @property
    def log_tail(self) -> str:
        """Give the end of what the running server said."""
        return tail(self._folder / "vendure.log") if self._folder else ""

    def start(self) -> None:
        """Start the server and return when it listens; the second start keeps port and password."""
        if self._process is not None:
            raise RuntimeError("the server runs already")
        home = vendure_home()
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="ordersync-vendure-"))
        log = self._folder / "vendure.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                ["node", str(SERVER_FOLDER / "server.js")],
                cwd=self._folder,
                env={**os.environ, **self._settings(), "NODE_PATH": str(home / "node_modules")},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal must not end the server before the tests' teardown.
                start_new_session=True,
            )
        try:
            wait_for_port(self.port, self._process, START_LIMIT_S, log)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, first politely, and remove its folder; may be called twice."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            self.resume()
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._reap()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a power cut would; with PostgreSQL, start() finds the orders again."""
        if self._process is not None:
            self._process.kill()
        self._reap()

    def pause(self) -> None:
        """Freeze the server: it keeps its connections and answers nothing, so clients time out."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on, first with the requests that arrived meanwhile."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _settings(self) -> dict[str, str]:
        settings = {
            "VENDURE_PORT": str(self.port),
            "VENDURE_USER": self.user,
            "VENDURE_PASSWORD": self.password,
            "VENDURE_TIED": "1",
        }
        if self._database is not None:
            settings |= {
                "VENDURE_POSTGRES_PORT": str(self._database.port),
                "VENDURE_POSTGRES_USER": self._database.user,
                "VENDURE_POSTGRES_PASSWORD": self._database.password,
                "VENDURE_POSTGRES_DATABASE": self._database.name,
            }
        return settings

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
