"""Where a channel's API lives, and which addresses belong to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import quote

from yarl import URL

Path = str | Sequence[str]
"""A path below the base address: percent-encoded text, or segments that still have to be quoted."""


class BaseAddress:
    """The address of an API; ``ValueError`` where requests to it would not be safe."""

    def __init__(self, base_url: str, *, allow_http: bool = False) -> None:
        url = _parsed(base_url)
        if url is None or url.scheme not in ("http", "https") or not url.host:
            raise ValueError("base_url must be like https://shop.example/api")
        if url.user is not None or url.password is not None or url.query_string or url.fragment:
            raise ValueError("base_url must hold neither credentials nor a query; pass credentials as auth")
        if url.scheme == "http" and not (allow_http or _is_loopback(url.host)):
            raise ValueError(f"base_url sends credentials to {url.host} unencrypted; use https")
        self._url = url
        self._text = str(url).rstrip("/")

    @property
    def host(self) -> str:
        """Return host and port, as a message tells them."""
        return f"{self._url.host_subcomponent}:{self._url.port}"

    def below(self, path: Path) -> URL:
        """Return the address of *path*; ``ValueError`` for a segment that no server would take literally."""
        return URL(self._text + _joined(path), encoded=True)

    def next_page(self, link: str) -> str:
        """Return the path of a link that an answer gave; ``ValueError`` when it leads elsewhere."""
        found = _parsed(link)
        if found is None:
            raise ValueError("leads nowhere")
        text = str(self._url.join(found).with_fragment(None))
        if text.partition("?")[0] != self._text and not text.startswith(f"{self._text}/"):
            raise ValueError("leads out of the API")
        return text.removeprefix(self._text)


def shown(path: Path) -> str:
    """Return *path* as an error may tell it: without its query, which may hold secrets."""
    try:
        return _joined(path).partition("?")[0] or "/"
    except ValueError:
        return "/..."


def _joined(path: Path) -> str:
    if isinstance(path, str):
        return path if not path or path.startswith(("/", "?")) else f"/{path}"
    if any(segment in ("", ".", "..") for segment in path):
        raise ValueError("a segment of the path is empty or made of dots")
    return "".join(f"/{quote(segment, safe='')}" for segment in path)


def _parsed(text: str) -> URL | None:
    try:
        return URL(text)
    except (ValueError, TypeError):
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
