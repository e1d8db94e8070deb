"""Offline bundles: the right wheels for a machine, the same bytes each time, and nothing installed from a bad one.

Refusals are tried on a bundle of a few small files; what a whole one installs, ``tests/lab/test_offline.py`` sees.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools import offline
from tools.offline_wheels import BundleFault, Target, inspect, locked, requirements

ROOT = Path(__file__).resolve().parents[1]
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
X86, ARM = Target("x86_64", "3.11"), Target("aarch64", "3.11")


# --- which wheels -----------------------------------------------------------------------------


def test_the_lock_is_read_for_one_machine() -> None:
    eleven, thirteen = locked(LOCK, X86), locked(LOCK, Target("aarch64", "3.13"))
    assert eleven.keys() == thirteen.keys()
    assert eleven["ansible-core"] != thirteen["ansible-core"], "another version for another Python"
    assert "colorama" not in eleven, "Windows' own"
    assert all(re.match(r"[\w.-]+==[\w.]+ \\\n\s+--hash=sha256:[0-9a-f]{64}", entry) for entry in eleven.values())


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_34_x86_64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", False),
    ],
)
def test_wheels_that_run_on_the_oldest_servers_in_use(tmp_path: Path, name: str, runs: bool) -> None:
    wheel = tmp_path / name
    wheel.write_bytes(b"wheel")
    lock = f"a==1 \\\n    --hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}\n"
    if runs:
        assert requirements(lock, X86, [wheel]) == f"a==1 --hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}\n"
    else:
        with pytest.raises(BundleFault, match="no wheel of a==1"):
            requirements(lock, X86, [wheel])


def test_a_wheel_that_the_lock_does_not_know_is_not_bundled(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"another")
    with pytest.raises(BundleFault, match="none of the hashes"):
        requirements(f"a==1 \\\n    --hash=sha256:{'0' * 64}\n", X86, [wheel])
    with pytest.raises(BundleFault, match="no wheel of a==2"):
        requirements(f"a==2 \\\n    --hash=sha256:{'0' * 64}\n", X86, [wheel])


@pytest.mark.parametrize(
    ("machine", "needs", "fault"),
    [
        (62, b"GLIBC_2.28\0GLIBC_2.2.5", ""),
        (62, b"GLIBC_2.34", "asks for glibc 2.34"),
        (183, b"", "is not for x86_64"),
    ],
)
def test_shared_objects_are_looked_into(tmp_path: Path, machine: int, needs: bytes, fault: str) -> None:
    wheel = tmp_path / "a-1-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.cpython-311.so", b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + needs)
        archive.writestr("a/text.py", "GLIBC_2.99")
    if fault:
        with pytest.raises(BundleFault, match=fault):
            inspect(wheel, "x86_64")
    else:
        assert inspect(wheel, "x86_64") == 1


# --- a small bundle -----------------------------------------------------------------------------


def small(folder: Path, *, arch: str = platform.machine(), glibc: str = "2.17", python: str = HERE) -> Path:
    """A whole bundle whose only wheel is a program of three lines."""
    folder.mkdir()
    (folder / "wheels").mkdir()
    wheel = folder / "wheels" / "auditor_fake-1.0-py3-none-any.whl"
    files = {
        "auditor_fake.py": "import sys\ndef main():\n    print('auditor 1.0') if '--version' in sys.argv else None\n",
        "auditor_fake-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: auditor-fake\nVersion: 1.0\n",
        "auditor_fake-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "auditor_fake-1.0.dist-info/entry_points.txt": "[console_scripts]\nauditor = auditor_fake:main\n",
    }
    record = "".join(f"{name},sha256={_record(text)},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "auditor_fake-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / f"requirements-{python}.txt").write_text(f"auditor-fake==1.0 --hash=sha256:{digest}\n")
    (folder / "BUNDLE").write_text(f"version=1.0\narch={arch}\nglibc={glibc}\npythons={python}\n")
    shutil.copy2(ROOT / "tools" / "offline_install.sh", folder / "install.sh")
    offline._seal(folder, None)
    return folder


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def install(bundle: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, **more}
    return subprocess.run(
        [
            "sh",
            str(bundle / "install.sh"),
            "--prefix",
            str(bundle.parent / "opt"),
            "--python",
            sys.executable,
            *options,
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(bundle: Path, words: str, *options: str) -> None:
    done = install(bundle, *options)
    assert done.returncode == 1 and words in done.stderr, done.stderr
    assert not (bundle.parent / "opt" / "current").exists()


@pytest.mark.lab
def test_it_installs_and_again_changes_nothing(tmp_path: Path) -> None:
    bundle = small(tmp_path / "bundle")
    done = install(bundle, "--no-doctor")
    assert done.returncode == 0, done.stderr
    program = tmp_path / "opt" / "bin" / "auditor"
    assert subprocess.run([program, "--version"], capture_output=True, text=True).stdout == "auditor 1.0\n"
    before = sorted((tmp_path / "opt").rglob("*"))
    assert "in use already" in install(bundle).stderr
    assert sorted((tmp_path / "opt").rglob("*")) == before


def test_a_changed_wheel_is_refused(tmp_path: Path) -> None:
    bundle = small(tmp_path / "bundle")
    with (bundle / "wheels" / "auditor_fake-1.0-py3-none-any.whl").open("ab") as stream:
        stream.write(b"\0")
    refused(bundle, "the bundle is damaged, or was changed")


def test_a_missing_wheel_is_refused(tmp_path: Path) -> None:
    bundle = small(tmp_path / "bundle")
    (bundle / "wheels" / "auditor_fake-1.0-py3-none-any.whl").unlink()
    refused(bundle, "the bundle is damaged, or was changed")


def test_files_that_were_added_and_links_are_refused(tmp_path: Path) -> None:
    bundle = small(tmp_path / "bundle")
    (bundle / "wheels" / "auditor_fake-2.0-py3-none-any.whl").write_bytes(b"")
    refused(bundle, "holds files that its checksums do not name")
    (bundle / "wheels" / "auditor_fake-2.0-py3-none-any.whl").unlink()
    (bundle / "wheels" / "more").symlink_to("/etc")
    refused(bundle, "holds links")


def test_checksums_that_were_removed_are_missed(tmp_path: Path) -> None:
    bundle = small(tmp_path / "bundle")
    (bundle / "SHA256SUMS").unlink()
    refused(bundle, "no whole bundle")


def test_another_machine_is_told_so(tmp_path: Path) -> None:
    other = "aarch64" if platform.machine() != "aarch64" else "x86_64"
    refused(small(tmp_path / "bundle", arch=other), f"the bundle is for {other} 处理器架构不符")
    refused(small(tmp_path / "newer", glibc="9.99"), "is older than the 9.99 that the bundle needs")
    refused(small(tmp_path / "python", python="3.99"), "is not Python 3.99")


def test_who_wants_a_signature_takes_no_other(tmp_path: Path) -> None:
    bundle, keys = small(tmp_path / "bundle"), []
    for number in range(2):
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        keys.append((tmp_path / f"private{number}.pem", tmp_path / f"public{number}.pem"))
        keys[-1][0].write_bytes(private)
        keys[-1][1].write_bytes(public)
    refused(bundle, "the bundle is not signed", "--key", str(keys[0][1]))
    (bundle / "SHA256SUMS").unlink()
    offline._seal(bundle, keys[0][0])
    refused(bundle, "the signature is not by the key", "--key", str(keys[1][1]))
    done = install(bundle, "--check", "--key", str(keys[0][1]))
    assert done.returncode == 0 and "as it was made: 1.0" in done.stderr, done.stderr
    sums = bundle / "SHA256SUMS"
    sums.write_text(sums.read_text() + "\n")
    refused(bundle, "the signature is not by the key", "--key", str(keys[0][1]))


def test_a_key_of_another_kind_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(BundleFault, match="cannot be read as a private key"):
        offline._sign(tmp_path / "key.pem", b"")


@pytest.mark.parametrize(
    "options", [["--prefix"], ["--prefix", "relative"], ["--everything"], ["--python", "no-such"]]
)
def test_wrong_words_do_nothing(tmp_path: Path, options: list[str]) -> None:
    bundle = small(tmp_path / "bundle")
    assert install(bundle, *options).returncode in (1, 2)
    assert not (tmp_path / "opt" / "current").exists()


def test_nothing_to_go_back_to(tmp_path: Path) -> None:
    refused(small(tmp_path / "bundle"), "there is no version before", "--rollback")


# --- the file itself -----------------------------------------------------------------------------


def test_a_bundle_is_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        bundle = small(tmp_path / name / "auditor-1.0-offline-x86_64")
        wheel = next((bundle / "wheels").iterdir())
        # Its name and time are the only thing in the small wheel that a clock decides.
        wheel.write_bytes(b"wheel")
        (bundle / "SHA256SUMS").unlink()
        (bundle / "requirements-3.11.txt").write_text("")
        offline._seal(bundle, None)
        os.utime(bundle / "BUNDLE", (1, 1))
        made.append(offline.pack(bundle, tmp_path / f"{name}.tar.gz").read_bytes())
    assert made[0] == made[1]


def test_the_texts_of_a_bundle_name_no_registry_and_say_what_debian_has() -> None:
    readme = (ROOT / "tools" / "offline_readme.txt").read_text(encoding="utf-8")
    script = (ROOT / "tools" / "offline_install.sh").read_text(encoding="utf-8")
    filled = readme.format(
        name="auditor-1-offline-x86_64",
        arch="x86_64",
        glibc="2.28",
        pythons="3.11",
        wheels="1",
        debian="nmap",
        papers="x",
    )
    assert "{" not in filled and "nmap" in offline.DEBIAN
    for text in (filled, script):
        assert not re.search(r"https?:|\bindex-url\b", text)
    for word in re.findall(r"--[a-z]{3,}", filled):
        assert word in script, word
