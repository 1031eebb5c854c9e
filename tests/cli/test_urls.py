"""Storages by URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordersync.errors import ConfigurationError
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.urls import storage_from


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite:{}", "{}"])
@pytest.mark.parametrize("name", ["shop.db", "shop.sqlite"])
async def test_url_names_a_file(form: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes, none, and a bare path name a file of the current folder, or a path from the root."""
    monkeypatch.chdir(tmp_path)
    for path in (name, str(tmp_path / f"other-{name}")):
        async with storage_from(form.format(path)) as storage:
            assert isinstance(storage, SQLiteStorage)
        assert (tmp_path / path).exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ann:s3cret@db/shop", r"to come with ordersync\[postgres\]"),
        ("postgres://ann:s3cret@db/shop", r"to come with ordersync\[postgres\]"),
        ("mysql://ann:s3cret@db/shop", "begins with mysql: is not understood; write sqlite:///"),
        ("s3cret@db/shop", "no scheme that is known; write sqlite:///"),
        ("sqlite://s3cret/shop.db", "names no host; write sqlite:///"),
        ("sqlite:", "names no file; write sqlite:///"),
        ("sqlite:///", "names no file; write sqlite:///"),
        ("sqlite::memory:", "names no file; write sqlite:///"),
        ("sqlite:///:memory:", "names no file; write sqlite:///"),
        ("sqlite:file:s3cret.db", "names no file; write sqlite:///"),
        ("sqlite:a\x00.db", "names no file; write sqlite:///"),
        ("", "no scheme that is known; write sqlite:///"),
    ],
)
def test_other_urls_are_told_what_is_understood(url: str, told: str) -> None:
    """Anything else is refused with what can be written instead, and no part of it that may be a password."""
    with pytest.raises(ConfigurationError, match=told) as refused:
        storage_from(url)

    assert "s3cret" not in str(refused.value)


def test_file_that_must_exist_is_named(tmp_path: Path) -> None:
    """Where the file must be there, a missing one is told with its whole path, and not created."""
    with pytest.raises(ConfigurationError, match=f"there is no database at {tmp_path}/none.db; name"):
        storage_from(f"sqlite:///{tmp_path}/none.db", must_exist=True)

    assert list(tmp_path.iterdir()) == []
