"""Papers as pages: LibreOffice without a window, in a profile and a process group of its own, under a time limit.

What it may do is cut down: no macros, no links followed, nothing of the user's own settings. Fonts that are not
installed are replaced by ones that this module chooses and names, so that no page shows what nobody knows of.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from inventories.faults import clean
from reports import fonts
from reports.files import replacing

SECONDS = 120.0
_PACKAGE = "libreoffice-writer"
_PASSED_ON = ("PATH", "HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_DATA_HOME", "XDG_DATA_DIRS")
_FONTS = re.compile(rb"<w:rFonts [^>]*>")
_NAMED = re.compile(rb'w:(?:ascii|hAnsi|eastAsia)="([^"<&]{1,80})"')
_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
_BASE_FONT = re.compile(rb"/BaseFont\s*/(?:[A-Z]{6}\+)?([^\s/<>\[\]()]+)")
_JUSTIFIED = re.compile(rb'(<w:jc w:val=")both("\s*/>)')
_MAX_PART = 1 << 29


@dataclass(frozen=True, slots=True)
class Converted:
    """``substituted``: font that the paper names → font that was taken; ``warnings`` are Chinese, for the clerk."""

    pages: int
    substituted: Mapping[str, str]
    warnings: tuple[str, ...]


class NoPdf(Exception):
    """No PDF was made, and nothing was left behind. ``what`` happened, and how to ``mend`` it."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what, self.mend = what, mend
        super().__init__(f"{what}: {mend}" if mend else what)


def to_pdf(docx: Path, pdf: Path, *, timeout: float = SECONDS) -> Converted:
    """Draws a .docx as PDF, whole or not at all, its owner's only.

    ``timeout`` is in seconds. Raises :class:`NoPdf` where LibreOffice or every Chinese font is missing, where it
    hangs, is killed, or gives no PDF; OSError where ``docx`` cannot be read or ``pdf`` not be written. Whatever
    ends it, Ctrl-C too, LibreOffice and all that it started are gone afterwards.
    """
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        raise NoPdf("LibreOffice is not installed", f"install the package {_PACKAGE} (apt install {_PACKAGE})")
    with replacing(pdf) as fresh, docx.open("rb") as source, _folder() as folder:
        try:
            instead = _substitutes(_copied(source, docx.name, folder / "paper.docx"))
            _profile(folder / "profile", instead)
            said = _run(program, folder, timeout)
            made = _made(folder / "out" / "paper.pdf", said)
            fresh.write_bytes(made)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            mend = "make room on the disk" if full else "see whether the temporary folder can be written"
            raise NoPdf(f"cannot write: {error.strerror or error}", mend) from error
    told = fonts.warning(instead)
    return Converted(len(_PAGE.findall(made)), instead, (told,) if told else ())


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder, its owner's only, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="paper-", ignore_cleanup_errors=True) as name:
        yield Path(name)


_INSTALL_FONT = "install a font of simplified Chinese: fonts-noto-cjk"


def _substitutes(named: Set[str]) -> Mapping[str, str]:
    """For every font that the paper names and this machine has not."""
    instead = fonts.substitutes(sorted(named))
    chinese = {name for name in named if not name.isascii()}
    if chinese - set(instead) - fonts.installed(chinese):
        raise NoPdf("no font of simplified Chinese is installed: the page would show empty boxes", _INSTALL_FONT)
    return instead


def _copied(docx: IO[bytes], name: str, copy: Path) -> frozenset[str]:
    """Copies a paper as LibreOffice is to see it, and gives the fonts that it names.

    The copy has a name of our own: nobody's file name can be an option or lead elsewhere.

    Justified text is aligned left: LibreOffice loses a comma or stop that hangs over the end of a justified line.
    """
    found: set[bytes] = set()
    try:
        with (
            zipfile.ZipFile(docx) as source,
            zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
        ):
            for entry in source.infolist():
                with source.open(entry) as stream:
                    data = stream.read(_MAX_PART + 1)
                if len(data) > _MAX_PART:
                    raise NoPdf(f"{clean(name, 80)} has a part of more than {_MAX_PART >> 20} MiB")
                if entry.filename.startswith("word/") and entry.filename.endswith(".xml"):
                    found.update(font for element in _FONTS.findall(data) for font in _NAMED.findall(element))
                    data = _JUSTIFIED.sub(rb"\1left\2", data)
                out.writestr(entry.filename, data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NoPdf(f"{clean(name, 80)} is no .docx: {clean(str(error), 80)}") from error
    return frozenset(font.decode("utf-8", "replace") for font in found)


# --- LibreOffice --------------------------------------------------------------------------------------------


def _run(program: str, folder: Path, timeout: float) -> str:
    """What it said. Raises :class:`NoPdf` where it took too long or was killed."""
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        *(
            "--headless",
            "--invisible",
            "--nologo",
            "--nodefault",
            "--norestore",
            "--nolockcheck",
            "--nofirststartwizard",
        ),
        *("--convert-to", "pdf:writer_pdf_Export", "--outdir", str(folder / "out"), str(folder / "paper.docx")),
    ]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"LC_ALL": "C.UTF-8", "TMPDIR": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    # Into a file, not a pipe: what it started might keep a pipe open for ever.
    with (folder / "said").open("w+b") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        with _ended(process):
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                what = f"LibreOffice did not finish within {timeout:g} seconds"
                raise NoPdf(what, "give it more time, or print the .docx by hand") from None
        said.seek(0)
        words = clean(said.read(4096).decode("utf-8", "replace").strip(), 300)
    if status < 0:
        raise NoPdf(f"LibreOffice was killed by {signal.Signals(-status).name}", "see whether memory runs out")
    if status:
        raise NoPdf(f"LibreOffice ended with status {status}: {words or 'it said nothing'}", _CHECK)
    return words


_CHECK = "try it by hand: soffice --headless --convert-to pdf"


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leaves nothing of a process and its group running, however the block ends."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _made(pdf: Path, said: str) -> bytes:
    """The PDF, if it is a whole one. LibreOffice ends with status 0 also where it could not write."""
    try:
        data = pdf.read_bytes()
    except FileNotFoundError:
        data = b""
    if not (data.startswith(b"%PDF-") and b"%%EOF" in data[-1024:] and _PAGE.search(data)):
        raise NoPdf(f"LibreOffice gave no whole PDF: {said or 'it said nothing'}", _CHECK)
    if wrong := _elsewhere(data):
        what = f"the page would show characters as they are written elsewhere (font {', '.join(wrong)})"
        raise NoPdf(what, _INSTALL_FONT)
    return data


def _elsewhere(pdf: bytes) -> list[str]:
    """Fonts for other ways of writing. Collections like Noto CJK keep one set of outlines, named after Japan, for
    all: of those the name tells nothing, and which face is taken has been settled in the profile."""
    names = {name.decode("ascii", "replace") for name in _BASE_FONT.findall(pdf)}
    return sorted(name for name in names if "CJKjp" not in name and fonts.of_elsewhere(name))


def _profile(folder: Path, instead: Mapping[str, str]) -> None:
    """A fresh profile: fonts replaced as chosen, no macros, no links followed."""
    (folder / "user").mkdir(parents=True, mode=0o700)
    settings = [
        _setting("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
        _setting("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
        _setting("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
        _setting("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
        _setting("Office.Common/Misc", "FirstRun", "false"),
        _setting("Office.Writer/Content/Update", "Link", "2"),
        _setting("Office.Linguistic/General", "DefaultLocale_CJK", "zh-CN"),
        _setting("Office.Common/Font/Substitution", "Replacement", "true"),
        *(_font(place, name, other) for place, (name, other) in enumerate(instead.items())),
    ]
    (folder / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{''.join(settings)}</oor:items>\n",
        encoding="utf-8",
    )


def _setting(path: str, name: str, value: str) -> str:
    return (
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{escape(value)}</value></prop></item>"
    )


def _font(place: int, name: str, other: str) -> str:
    pairs = {"ReplaceFont": name, "SubstituteFont": other, "Always": "true", "OnScreenOnly": "false"}
    inner = "".join(f'<prop oor:name="{key}"><value>{escape(value)}</value></prop>' for key, value in pairs.items())
    return (
        '<item oor:path="/org.openoffice.Office.Common/Font/Substitution/FontPairs">'
        f'<node oor:name="_{place}" oor:op="replace">{inner}</node></item>'
    )
