"""Makes the offline bundles: ``python -m tools.offline`` (``make offline``).

A bundle is one ``.tar.gz`` that a machine without any network installs and upgrades the program from: the locked
wheels and our own, their hashes, ``install.sh``, a README in Chinese and English. Made twice from the same sources it
is the same bytes, but for what a newer pip or setuptools writes differently into the one wheel that is built here.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.offline_wheels import (
    ARCHITECTURES,
    GLIBC,
    BundleFault,
    Target,
    fetch,
    inspect,
    requirements,
    sha256,
    texts,
)

ROOT = Path(__file__).resolve().parents[1]
#: Beside the program: what Debian has under these names. nmap and ssh look; the rest draws and prints papers.
DEBIAN = ("python3", "python3-venv", "nmap", "openssh-client")
DEBIAN_PAPERS = ("libreoffice-writer", "fonts-noto-cjk")
#: hatchling's own, where no history tells when the sources were last changed.
_EPOCH = 1_580_601_600


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make offline", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, help="default: both")
    parser.add_argument("--python", action="append", metavar="3.11", help="for this Python; default: 3.11")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="an Ed25519 private key (PEM): signs the checksums")
    parser.add_argument("--source", type=Path, default=ROOT, help="the checkout to bundle; default: this one")
    parser.add_argument("--cache", type=Path, help="keep the fetched wheels here, and take those that are there")
    given = parser.parse_args(arguments)
    os.umask(0o022)
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(changed_at(given.source)))
    try:
        for arch in given.arch or ARCHITECTURES:
            targets = [Target(arch, version) for version in given.python or ["3.11"]]
            made = bundle(given.source, targets, given.out, key=given.sign, cache=given.cache)
            sys.stdout.write(f"{made}  {made.stat().st_size // 1_000_000} MB\n")
    except BundleFault as error:
        sys.stderr.write(f"make offline: {error}\n")
        return 1
    return 0


def changed_at(source: Path) -> int:
    """When the sources were last committed, in seconds since 1970; a fixed day where nothing tells."""
    command = ["git", "-c", f"safe.directory={source}", "-C", str(source), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else _EPOCH


def bundle(source: Path, targets: Sequence[Target], out: Path, *, key: Path | None, cache: Path | None) -> Path:
    """Makes one bundle, for one kind of machine and its versions of Python; returns its file. BundleFault."""
    lock = (source / "requirements.lock").read_text(encoding="utf-8")
    arch = targets[0].arch
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        ours = own_wheel(source, work / "own")
        version = ours.name.split("-")[1]
        folder = work / f"auditor-{version}-offline-{arch}"
        wheels = folder / "wheels"
        wheels.mkdir(parents=True)
        for target in targets:
            here = (cache or work / "fetched") / f"{arch}-{target.python}"
            if not list(here.glob("*.whl")):
                fetch(lock, target, here)
            for wheel in sorted(here.glob("*.whl")):
                shutil.copyfile(wheel, wheels / wheel.name)
        fetched = sorted(wheels.glob("*.whl"))
        shutil.copyfile(ours, wheels / ours.name)
        for target in targets:
            listed = requirements(lock, target, fetched)
            listed += f"gov-infra-auditor=={version} --hash=sha256:{sha256(ours)}\n"
            (folder / f"requirements-{target.python}.txt").write_text(listed, encoding="ascii")
        objects = sum(inspect(wheel, arch) for wheel in fetched)
        _describe(folder, source, version, targets, objects)
        _seal(folder, key)
        out.mkdir(parents=True, exist_ok=True)
        return pack(folder, out / f"{folder.name}.tar.gz")


def own_wheel(source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleFault(f"the program's own wheel was not built:\n{done.stderr[-3000:]}")
    (wheel,) = out.glob("*.whl")
    return wheel


def _describe(folder: Path, source: Path, version: str, targets: Sequence[Target], objects: int) -> None:
    said = {
        "version": version,
        "arch": targets[0].arch,
        "glibc": ".".join(map(str, GLIBC)),
        "pythons": " ".join(target.python for target in targets),
        "wheels": str(len(list((folder / "wheels").iterdir()))),
        "shared_objects_checked": str(objects),
    }
    (folder / "BUNDLE").write_text("".join(f"{name}={value}\n" for name, value in said.items()), encoding="ascii")
    shutil.copyfile(source / "LICENSE", folder / "LICENSE")
    shutil.copyfile(source / "tools" / "offline_install.sh", folder / "install.sh")
    (folder / "install.sh").chmod(0o755)
    readme = (source / "tools" / "offline_readme.txt").read_text(encoding="utf-8")
    said |= {"debian": " ".join(DEBIAN), "papers": " ".join(DEBIAN_PAPERS), "name": folder.name}
    (folder / "README.txt").write_text(readme.format(**said), encoding="utf-8")


def _seal(folder: Path, key: Path | None) -> None:
    """The checksums of all that is in the bundle, and, with a key, a signature over them."""
    sums = "".join(f"{digest}  {name}\n" for name, digest in texts(folder).items()).encode()
    (folder / "SHA256SUMS").write_bytes(sums)
    if key is not None:
        (folder / "SHA256SUMS.sig").write_bytes(_sign(key, sums))


def _sign(key: Path, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        loaded = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BundleFault(
            f"{key}: cannot be read as a private key without a passphrase ({type(error).__name__})"
        ) from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise BundleFault(f"{key}: is no Ed25519 key")
    return loaded.sign(message)


def pack(folder: Path, target: Path) -> Path:
    """A folder as ``.tar.gz``, whole or not at all: the same bytes for the same files."""
    when = int(os.environ.get("SOURCE_DATE_EPOCH", _EPOCH))
    fresh = target.with_name(f".{target.name}.tmp")
    with (
        fresh.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=when, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in (folder, *sorted(folder.rglob("*"))):
            entry = archive.gettarinfo(path, path.relative_to(folder.parent).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = when
            entry.mode = 0o755 if path.is_dir() or path.suffix == ".sh" else 0o644
            if path.is_file():
                with path.open("rb") as stream:
                    archive.addfile(entry, stream)
            else:
                archive.addfile(entry)
    fresh.replace(target)
    return target


if __name__ == "__main__":
    sys.exit(main())
