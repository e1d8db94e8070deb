"""Mounted file systems: those of the network, and the large local ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from probes.inside.model import Mount

#: A local file system of this size (10⁹ bytes) or more may hold a system's data.
LARGE_GB = 100
MAX_MOUNTS = 100

_NETWORK = re.compile(
    r"^(nfs4?|cifs|smb3?|smbfs|ncpfs|afs|ceph|lustre|beegfs|gfs2?|ocfs2|glusterfs|9p|davfs|fuse\.(glusterfs|sshfs|ceph"
    r"|davfs2?|s3fs|ossfs|cosfs|obsfs|curlftpfs|juicefs|mfs|moosefs))$"
)


def read_mounts(lines: Sequence[str], disks: Sequence[str]) -> tuple[Mount, ...]:
    """``/proc/self/mountinfo`` and ``/proc/partitions`` (its lines begin with ``disk``)."""
    sizes: dict[str, int] = {}
    for line in disks:
        words = line.split()
        if len(words) >= 4 and all(word.isdecimal() for word in words[1:4]):
            sizes[f"{words[1]}:{words[2]}"] = int(words[3][:15]) * 1024
    found: dict[tuple[str, str], Mount] = {}
    for line in lines:
        mount = _mount(line, sizes)
        if mount is not None and (mount.is_network or mount.size_gb >= LARGE_GB):
            # The same thing mounted twice is one; the shorter path is the one that people know.
            known = found.get((mount.source, mount.type))
            if known is None or len(mount.directory) < len(known.directory):
                found[mount.source, mount.type] = mount
        if len(found) >= MAX_MOUNTS:
            break
    return tuple(sorted(found.values(), key=lambda mount: mount.directory))


def _mount(line: str, sizes: dict[str, int]) -> Mount | None:
    before, found, after = line.partition(" - ")
    words, what = before.split(), after.split()
    if not found or len(words) < 5 or len(what) < 2:
        return None
    kind = what[0]
    size = sizes.get(words[2], 0) // 10**9
    return Mount(without_login(_plain(what[1])), kind, _plain(words[4]), size, bool(_NETWORK.match(kind)))


def _plain(text: str) -> str:
    """The kernel writes blanks and backslashes as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def without_login(source: str) -> str:
    """A source without the user's name and password that some file systems keep in it."""
    return re.sub(r"^[^/\s]*@", "", re.sub(r"//[^/\s]*@", "//", source))
