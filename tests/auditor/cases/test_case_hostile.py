"""What comes from outside is words: in names, in what people type, and in the files that they hand in."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.cases import attachments
from auditor.cases.drawing import draw
from auditor.cases.pending import lost_files
from auditor.cases.serving import item_of, said
from auditor.errors import Refused
from auditor.ledger.errors import LedgerError
from reports.papers.templates import Templates
from tests.auditor.cases.office import DRAFTER, MIGRATE, REVIEWER, SIGNER, UNAPPROVED, WRONGS, Office

#: Template syntax, markup, controls, formulas, direction marks, rare letters.
EVIL = [
    "{{ 7*7 }}",
    "{% for x in range(9) %}{{ x }}{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "<w:p><w:r><w:t>插入</w:t></w:r></w:p>",
    "&lt;&#x41;&amp;]]><!--",
    "铃\x07退\x1b[31m响\x00",
    '=HYPERLINK("http://x","点")',
    "+1+cmd|' /C calc'!A0",
    "局\u202e字反\u2066x",
    "𠮷𪚥田局",
    "长" * 80,
    "../../../etc/passwd",
    "%s%n{0}{name}",
    "行一\n行二\r\n行三",
]
BIDI = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printed(path: Path) -> str:
    """Everything that a paper prints; it must be well-formed."""
    with zipfile.ZipFile(path) as paper:
        parts = [paper.read(name) for name in paper.namelist() if name.endswith(".xml")]
    return "".join("".join(ElementTree.fromstring(part).itertext()) for part in parts)


@pytest.fixture
def evil(office: Office) -> Office:
    """Every department of the run, every thing, is called something evil."""
    pairs = []
    for number, name in enumerate(EVIL):
        office.department(f"e{number}", name)
        office.wrong(UNAPPROVED, f"E{number}", f"e{number}", name)
        pairs.append((UNAPPROVED, f"E{number}"))
    office.later(minutes=1)
    office.audit(*WRONGS, *pairs)
    return office


def test_names_are_printed_as_they_are_and_do_nothing(evil: Office, capsys: pytest.CaptureFixture[str]) -> None:
    templates = Templates.load(None)
    made = [case for case in evil.draft().cases if case.department_id.startswith("e")]
    assert len(made) == len(EVIL)
    for case in made:
        paper = evil.out(case.id, "15d")
        folder = evil.root / "out" / "cases" / case.id
        draw(evil.desk(), evil.case(case.id), templates, folder)
        text = printed(folder / f"{paper.number}.docx")
        name = EVIL[int(case.department_id[1:])]
        # A paper has names in one line, controls shown as what they are.
        if not BIDI.search(name) and "\n" not in name:
            assert name in text
        assert not BIDI.search(text.replace("\n", "").replace("\t", ""))
        assert [path for path in folder.rglob("*") if not path.name.endswith(".docx")] == []
    assert {path.name for path in evil.root.parent.iterdir()} == {"site"}, "nothing is written elsewhere"
    capsys.readouterr()
    assert evil.type("case", "list") == evil.type("case", "show", made[5].id) == evil.type("ledger", "verify") == 0
    assert not BIDI.search(capsys.readouterr().out.replace("\n", ""))
    assert evil.faults() == []


@pytest.mark.parametrize(
    "words", ["{{ 7*7 }} {% raw %}", "<w:p>&#x41;]]>", "铃\x07\x1b[31m\x00\u202e行\r\n二", "=1+1", "𠮷" * 80]
)
def test_what_people_type_is_kept_in_one_safe_line(
    office: Office, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    office.serve(case.id, place=words, note=words)
    office.object_to(case.id, "1", words)
    office.reply(case.id, words)
    office.answer(case.id, "1", False, why=words)
    office.close_case(case.id, why=words)
    assert office.type("case", "show", case.id) == 0
    assert office.type("notice", "render", case.id) == 0
    shown = capsys.readouterr()
    assert not BIDI.search(shown.out.replace("\n", "") + shown.err.replace("\n", ""))
    closed = office.case(case.id)
    assert "\n" not in closed.note and closed.note == closed.note.strip()
    receipt = next((office.root / "out" / "cases" / case.id).glob("送达回证*"))
    assert not BIDI.search(printed(receipt).replace("\n", "").replace("\t", ""))
    assert office.faults() == []


@pytest.mark.parametrize("name", [name for name in EVIL if len(name) <= 60 and not BIDI.search(name)])
def test_an_office_may_have_a_strange_name_where_the_site_names_none(office: Office, name: str) -> None:
    office.write_site(people={})
    if "\n" in name:
        with pytest.raises(Refused, match="is no office's name"):
            office.draft(by=name)
        return
    (case, *_) = office.draft(by=name).cases
    assert office.steps(case.id)[0].actor == name.strip()


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_case_is_found_by_tricks(audited: Office, name: str) -> None:
    """Nothing that is typed for a case leads anywhere but to a case, or to a refusal in words."""
    try:
        audited.case(name)
    except LedgerError as error:
        assert not BIDI.search(error.what)
    else:
        raise AssertionError("there is no case at all")


@pytest.mark.parametrize(
    "name", ["../C2026-0001", "C2026-0001/..", "%", "_", "C%", "*", "c2026-0001' OR '1'='1", "", " "]
)
def test_a_path_or_a_pattern_is_no_case(office: Office, name: str) -> None:
    office.draft()
    with pytest.raises(LedgerError, match=r"there is no case|is named by its id"):
        office.case(name)


def test_a_case_is_named_by_its_beginning_and_by_its_papers_numbers(office: Office) -> None:
    case, other, *_ = office.draft().cases
    number = office.out(case.id, "15d").number
    for name in (case.id, case.id.lower(), f" {case.id} ", number):
        assert office.case(name).id == case.id
    with pytest.raises(LedgerError, match=f"may be {case.id}, {other.id}.*write more of it"):
        office.case("C2026")


def test_an_item_is_named_by_its_finding_its_beginning_or_its_number(office: Office) -> None:
    (case,) = [case for case in office.draft().cases if len(case.items) == 2]
    first, second = case.items
    for name in (first.finding, first.finding.lower(), "1", f" {first.finding[:6]} "):
        assert item_of(case, name) == first
    assert item_of(case, "2") == second
    for name in ("3", "0", "", "F", "%", "F' OR 1"):
        with pytest.raises(Refused, match=r"(no|2) items are meant by"):
            item_of(case, name)


def test_what_is_kept_for_ever_is_kept_whole_or_refused() -> None:
    assert said(" 一 \n 二 ") == "一 二"
    assert said("字" * 2000) == "字" * 2000
    with pytest.raises(Refused, match="is 2001 characters long"):
        said("字" * 2001)
    with pytest.raises(Refused, match="may have 2000"):
        said("\x07" * 600)


def test_a_reply_of_a_book_is_refused_and_belongs_into_a_file(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    with pytest.raises(Refused, match="is 10001 characters long, and may have 10000"):
        office.reply(case.id, "字" * 10_001)
    assert len(office.reply(case.id, "字" * 10_000).text) == 10_000


# --- files that come with a reply ---------------------------------------------------------------------------


@pytest.fixture
def letter(office: Office) -> Iterator[tuple[Office, str]]:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    yield office, case.id


def kept(office: Office) -> list[str]:
    folder = office.root / "state" / "attachments"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_kept_by_its_digest_and_owner_only(letter: tuple[Office, str], tmp_path: Path) -> None:
    office, case = letter
    content = os.urandom(3_000_000)
    for name in ("批复.pdf", "同一份.pdf"):
        (tmp_path / name).write_bytes(content)
    word = office.reply(case, "", [tmp_path / "批复.pdf", tmp_path / "同一份.pdf"])
    digest = hashlib.sha256(content).hexdigest()
    assert [(file.name, file.sha256, file.size) for file in word.files] == [
        ("批复.pdf", digest, 3_000_000),
        ("同一份.pdf", digest, 3_000_000),
    ]
    assert kept(office) == [digest]
    stored = office.root / "state" / "attachments" / digest
    assert stored.read_bytes() == content
    assert stored.stat().st_mode & 0o077 == 0
    assert stored.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [name for name in EVIL if "\x00" not in name and "/" not in name])
def test_a_files_name_is_words(letter: tuple[Office, str], tmp_path: Path, name: str) -> None:
    office, case = letter
    folder = tmp_path / "von"
    folder.mkdir()
    (folder / name).write_bytes(b"x")
    (file,) = office.reply(case, "", [folder / name]).files
    assert not BIDI.search(file.name) and "\n" not in file.name
    assert kept(office) == [hashlib.sha256(b"x").hexdigest()]


def test_what_is_no_file_is_refused_at_once_and_nothing_changes(letter: tuple[Office, str], tmp_path: Path) -> None:
    office, case = letter
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "empty").write_bytes(b"")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(attachments.MAX_BYTES + 1)
    before = office.dump()
    for name, why in (
        ("pipe", "is no regular file"),
        ("folder", "is no regular file"),
        ("link", "is a symbolic link: name the file itself"),
        ("dangling", "is a symbolic link"),
        ("empty", "is empty"),
        ("huge", "is larger than 256 MiB"),
        ("missing", "No such file or directory"),
        ("real/x", "Not a directory"),
    ):
        start = time.monotonic()
        with pytest.raises(Refused, match=why):
            office.reply(case, "附件", [tmp_path / "real", tmp_path / name])
        assert time.monotonic() - start < 5
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(Refused, match="is no regular file"):
            office.object_to(case, "1", "附件", [Path(device)])
    assert office.dump() == before
    assert not [name for name in kept(office) if "partial" in name]


def test_a_file_that_may_not_be_read_is_refused(letter: tuple[Office, str], tmp_path: Path) -> None:
    """As somebody who is not root: root may read everything."""
    office, case = letter
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    code = (
        "import os, sys; from pathlib import Path; from types import SimpleNamespace as Site\n"
        "from auditor.cases import attachments; from auditor.errors import Refused\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: attachments.keep(Site(state=Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "except Refused as error: print(error)\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [*office.python, code, str(home), str(secret)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "cannot be kept: Permission denied" in done.stdout
    assert case


def test_a_file_that_grows_while_it_is_read_is_kept_as_it_was_read(
    letter: tuple[Office, str], tmp_path: Path
) -> None:
    office, case = letter
    growing = tmp_path / "growing"
    growing.write_bytes(b"a" * 5_000_000)
    stop = threading.Event()

    def grow() -> None:
        with growing.open("ab", buffering=0) as out:
            while not stop.wait(0.001):
                out.write(b"b" * 1000)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        (file,) = office.reply(case, "", [growing]).files
    finally:
        stop.set()
        thread.join()
    (name,) = kept(office)
    content = (office.root / "state" / "attachments" / name).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size) == (name, file.size)


def test_a_refused_step_leaves_no_half_of_a_file(letter: tuple[Office, str], tmp_path: Path) -> None:
    office, case = letter
    (tmp_path / "paper").write_bytes(b"x")
    office.withdraw(case)
    with pytest.raises(Refused, match="is withdrawn"):
        office.reply(case, "附件", [tmp_path / "paper"])
    assert kept(office) == []


def test_evil_words_on_the_command_line(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.write_site(consultation=False)
    (case,) = office.draft(findings=[office.finding(MIGRATE, "S1").id]).cases
    for words in (EVIL[4], EVIL[5].strip("\x00") + EVIL[8] + EVIL[13]):
        capsys.readouterr()
        assert office.type("case", "review", words, "--by", REVIEWER) == 2
        assert office.type("case", "draft", "--by", DRAFTER, "--department", words) == 2
        assert office.type("case", "draft", "--by", DRAFTER, "--finding", words) == 2
        assert office.type("case", "issue", case.id, "--by", SIGNER, "--within", words) == 2
        assert office.type("case", "list", "--state", words) == 2
        said_so = capsys.readouterr()
        assert said_so.out == ""
        assert "Traceback" not in said_so.err
        assert not BIDI.search(said_so.err.replace("\n", "")), words


def test_a_file_that_was_lost_or_changed_is_found(
    letter: tuple[Office, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office, case = letter
    for name, content in (("甲.pdf", b"a"), ("乙.pdf", b"b"), ("丙.pdf", b"c")):
        (tmp_path / name).write_bytes(content)
    word = office.reply(case, "见附件", [tmp_path / "甲.pdf", tmp_path / "乙.pdf", tmp_path / "丙.pdf"])
    assert lost_files(office.desk()) == []
    folder = office.root / "state" / "attachments"
    (folder / word.files[0].sha256).unlink()
    (folder / word.files[1].sha256).write_bytes(b"B")
    assert lost_files(office.desk()) == [
        f"the file 甲.pdf of {word.id}: is missing",
        f"the file 乙.pdf of {word.id}: was changed",
    ]
    assert office.type("ledger", "verify") == 3
    assert "乙.pdf" in capsys.readouterr().out
