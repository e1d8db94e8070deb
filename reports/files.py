"""Writing the file asked for: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[Path]:
    """A new, empty file beside ``path`` that takes its place when the block ends well.

    Readers see the old file or the new one, never half of it; a symbolic link at ``path`` is replaced, not
    followed. The file is its owner's only unless ``mode`` says otherwise. On any error the new file is
    removed and the old one stays. Raises OSError where the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:60]}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        with fresh.open("rb") as stream:
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        fresh.replace(path)
    except BaseException:
        # Also Ctrl-C must not leave a temporary file behind.
        fresh.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Writes ``data`` to ``path``, whole or not at all; see :func:`replacing`."""
    with replacing(path, mode) as fresh:
        fresh.write_bytes(data)
