"""Files that come with replies and objections: kept by their digest, owner-only, never opened by the program."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader, BufferedWriter
from pathlib import Path

from auditor.cases.model import Attachment
from auditor.errors import Refused
from auditor.site import Site
from inventories.faults import clean

#: A scanned reply with photographs; more than this is no reply.
MAX_BYTES = 256 * 1024 * 1024
_BLOCK = 1 << 20


def keep(site: Site, file: Path) -> Attachment:
    """Copies a file into the site's state folder under its SHA-256; the same content is kept once.

    :class:`Refused` where it is no regular file, empty, too large, or cannot be read or copied.
    """
    folder = site.state / "attachments"
    fresh = folder / f".{os.getpid()}.partial"
    digest, size = hashlib.sha256(), 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(file) as source, _new(fresh) as out:
            while block := source.read(_BLOCK):
                size += len(block)
                if size > MAX_BYTES:
                    raise Refused(f"{clean(str(file), 200)} is larger than {MAX_BYTES >> 20} MiB")
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if not size:
            raise Refused(f"{clean(str(file), 200)} is empty")
        fresh.replace(folder / digest.hexdigest())
    except OSError as error:
        why = "is a symbolic link: name the file itself" if error.errno == errno.ELOOP else error.strerror or error
        raise Refused(f"{clean(str(file), 200)} cannot be kept: {why}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return Attachment(clean(file.name, 200), digest.hexdigest(), size)


def trouble(site: Site, kept: Attachment) -> str:
    """What is wrong with a file that was kept; empty where it is as it came."""
    try:
        with _opened(site.state / "attachments" / kept.sha256) as stored:
            found = hashlib.file_digest(stored, "sha256").hexdigest()
    except FileNotFoundError:
        return "is missing"
    except (OSError, Refused) as error:
        return f"cannot be read: {error}"
    return "" if found == kept.sha256 else "was changed"


def _opened(file: Path) -> BufferedReader:
    """A regular file to read. A link may lead anywhere, and a pipe or a device would never end."""
    # Opening a pipe must not wait for its writer.
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
        os.close(handle)
        what = f"larger than {MAX_BYTES >> 20} MiB" if stat.S_ISREG(found.st_mode) else "no regular file"
        raise Refused(f"{clean(str(file), 200)} is {what}")
    return os.fdopen(handle, "rb")


def _new(path: Path) -> BufferedWriter:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")
