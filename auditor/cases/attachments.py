"""Files that come with replies and objections: kept by their digest, owner-only, never opened by the program."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from auditor.cases.model import Attachment
from auditor.errors import Refused
from auditor.site import Site
from inventories.faults import clean

#: A scanned reply with photographs; more than this is no reply.
MAX_BYTES = 256 * 1024 * 1024
_BLOCK = 1 << 20


def keep(site: Site, file: Path) -> Attachment:
    """Copies a file into the site's state folder under its SHA-256; one that is there already is not copied again.

    :class:`Refused` where it is no regular file, too large, or cannot be read or copied.
    """
    folder = site.state / "attachments"
    fresh = folder / f".{os.getpid()}.partial"
    digest, size = hashlib.sha256(), 0
    try:
        # A pipe or a device would never end.
        if not stat.S_ISREG(file.stat().st_mode):
            raise Refused(f"{clean(str(file), 200)} is no regular file")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            file.open("rb") as source,
            os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            while block := source.read(_BLOCK):
                size += len(block)
                if size > MAX_BYTES:
                    raise Refused(f"{clean(str(file), 200)} is larger than {MAX_BYTES >> 20} MiB")
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(folder / digest.hexdigest())
    except OSError as error:
        raise Refused(f"{clean(str(file), 200)} cannot be kept: {error.strerror or error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return Attachment(clean(file.name, 200), digest.hexdigest(), size)
