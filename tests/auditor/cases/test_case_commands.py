"""What the commands print for programs, with which status they end, and what a full disk does."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.auditor.cases.office import DRAFTER, MIGRATE, REVIEWER, SIGNER, UNAPPROVED, WRONGS, Office
from tests.auditor.ledgers import past, site_ledger

CASE_KEYS = [
    "id",
    "form",
    "state",
    "round",
    "department_id",
    "department_name",
    "formerly",
    "addressee",
    "pack",
    "power",
    "number",
    "issued_on",
    "served_on",
    "due",
    "due_provisional",
    "overdue",
    "replied_on",
    "closed_at",
    "drafted_by",
    "reviewed_by",
    "signed_by",
    "snapshot",
    "parent",
    "note",
    "items",
]
ITEM_KEYS = [
    "position",
    "finding",
    "rule",
    "title",
    "asset_key",
    "asset_name",
    "state",
    "ground",
    "decided_by",
    "round",
]
PAPER_KEYS = ["id", "form", "round", "number", "issued_on", "signed_by", "withdrawn_on", "withdrawn_why"]
WORD_KEYS = ["id", "kind", "finding", "on", "by", "text", "verdict", "files"]
STEP_KEYS = ["seq", "at", "by", "login", "act", "subject", "note", "detail", "digest"]


class Typist:
    """Types commands and reads what they say."""

    def __init__(self, office: Office, said: pytest.CaptureFixture[str]) -> None:
        self.office, self._said = office, said

    def __call__(self, *words: str, status: int = 0) -> str:
        self._said.readouterr()
        ended = self.office.type(*words)
        spoken = self._said.readouterr()
        assert ended == status, f"{words}: {ended}\n{spoken.out}\n{spoken.err}"
        assert "Traceback" not in spoken.err
        if status:
            assert spoken.out == "", "a refusal prints nothing for programs"
            assert spoken.err.strip()
            return spoken.err
        return spoken.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def typist(office: Office, capsys: pytest.CaptureFixture[str]) -> Typist:
    return Typist(office, capsys)


def test_a_whole_life_by_commands(office: Office, typist: Typist, tmp_path: Path) -> None:
    drafted = typist.json("case", "draft", "--by", DRAFTER, "--department", "mzj")
    assert list(drafted) == ["cases", "withdrawn", "left_out"]
    letter = next(case for case in drafted["cases"] if case["power"] == "assessment")
    name = letter["id"]
    assert list(letter) == CASE_KEYS
    assert list(letter["items"][0]) == ITEM_KEYS
    typist("case", "issue", name, "--by", SIGNER, "--within", "15d", status=2)
    typist("case", "review", name, "--by", REVIEWER, "--note", "已核对")
    typist("case", "issue", name, "--by", SIGNER, "--within", "15d")
    typist("case", "issue", name, "--by", SIGNER, "--within", "15d", status=2)
    typist("case", "serve", name, "--by", DRAFTER, "--receiver", "办公室")
    (tmp_path / "附件.txt").write_text("证据", encoding="utf-8")
    typist("case", "object", name, "1", "--by", DRAFTER, "--text", "不符", "--file", str(tmp_path / "附件.txt"))
    typist("case", "answer", name, "1", "--by", REVIEWER, "--reject", "--reason", "证据不足")
    typist("case", "reply", name, "--by", DRAFTER, "--text", "情况属实")
    shown = typist.json("case", "show", name)
    assert list(shown) == [*CASE_KEYS, "papers", "words", "steps", "consequences"]
    assert list(shown["papers"][0]) == PAPER_KEYS
    assert [list(word) for word in shown["words"]] == [WORD_KEYS] * 3
    assert list(shown["words"][0]["files"][0]) == ["name", "sha256", "bytes"]
    assert [list(step) for step in shown["steps"]] == [STEP_KEYS] * 8
    assert [step["act"] for step in shown["steps"]] == [
        "case.draft",
        "case.review",
        "case.issue",
        "paper.draw",
        "case.serve",
        "case.object",
        "case.answer",
        "case.reply",
    ]
    assert (shown["due"], shown["due_provisional"], shown["overdue"], shown["replied_on"]) == (
        "2026-12-08",
        False,
        False,
        "2026-11-23",
    )
    (order,) = typist.json("case", "draft", "--by", DRAFTER, "--form", "order")["cases"]
    typist("case", "review", order["id"], "--by", REVIEWER)
    typist("case", "issue", order["id"], "--by", SIGNER)
    typist("case", "serve", order["id"], "--by", DRAFTER, "--receiver", "办公室")
    typist("case", "reply", order["id"], "--by", DRAFTER, "--text", "已整改")
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != MIGRATE), (MIGRATE, "S2"))
    looked = typist.json("case", "inspect", order["id"], "--by", DRAFTER)
    assert list(looked) == CASE_KEYS
    assert sorted(item["state"] for item in looked["items"]) == ["cannot_tell", "not_mended"]
    unclear = next(item["finding"] for item in looked["items"] if item["state"] == "cannot_tell")
    for wrong in (("--decide", unclear), ("--mended",), ("--decide", unclear, "--mended")):
        typist("case", "inspect", order["id"], "--by", REVIEWER, *wrong, status=2)
    decide = ("case", "inspect", order["id"], "--by", REVIEWER, "--decide", unclear, "--mended", "--reason", "已下线")
    typist(*decide)
    typist("case", "close", order["id"], "--by", SIGNER, status=2)
    typist("case", "escalate", order["id"], "--by", SIGNER, status=2)
    typist("case", "second", order["id"], "--by", SIGNER)
    typist("case", "withdraw", order["id"], "--by", SIGNER, "--reason", "另案处理")
    listed = typist.json("case", "list")
    assert [list(case) for case in listed] == [CASE_KEYS] * len(listed)
    assert order["id"] not in {case["id"] for case in listed}
    assert order["id"] in {case["id"] for case in typist.json("case", "list", "--all")}
    assert [case["id"] for case in typist.json("case", "list", "--state", "withdrawn")] == [order["id"]]
    checked = typist.json("ledger", "verify")
    assert list(checked) == ["head", "steps", "faults", "not_drawn"]
    assert (checked["faults"], checked["not_drawn"]) == ([], [])
    assert typist.json("ledger", "verify", "--expect", checked["head"])["faults"] == []
    assert list(typist.json("ledger", "trail", name)[0]) == STEP_KEYS
    assert list(typist.json("notice", "render", name)) == ["case", "files"]
    for words in (("case", "list"), ("case", "show", name), ("ledger", "trail"), ("ledger", "verify")):
        assert typist(*words)


def test_what_is_left_out_is_told_to_programs_with_its_reasons(office: Office, typist: Typist) -> None:
    office.later(days=1)
    office.audit(*(pair for pair in WRONGS if pair != (MIGRATE, "S1")))
    drafted = typist.json("case", "draft", "--by", DRAFTER)
    assert drafted["left_out"] == [
        {
            "finding": office.finding(MIGRATE, "S1").id,
            "department_id": "mzj",
            "form": "letter",
            "because": ["本次审计未能再次确认，依据已过时"],
        }
    ]


def test_refusals_end_with_2_and_print_nothing(office: Office, typist: Typist) -> None:
    office.draft()
    before = office.dump()
    for words in (
        ("case", "show", "C2026-9999"),
        ("case", "list", "--state", "drafted"),
        ("case", "draft", "--by", DRAFTER, "--form", "letters"),
        ("case", "draft", "--by", "路人科"),
        ("case", "draft"),
        ("case", "review", "C2026-0001"),
        ("case", "refer", "FNONE", "--by", DRAFTER),
        ("case", "issue", "C2026-0001", "--by", SIGNER, "--from", "reading"),
        ("case", "serve", "C2026-0001", "--by", DRAFTER, "--receiver", "x", "--on", "2026-13-01"),
        ("ledger", "verify", "--expect", "abc"),
        ("ledger", "verify", "--expect", f"1:{'0' * 63}"),
        ("notice", "render", "没有的文号"),
    ):
        typist(*words, status=2)
    assert office.dump() == before


def test_where_nothing_was_audited_yet_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(tmp_path)
    office.write_site()
    for words in (("case", "list", "--json"), ("case", "draft", "--by", DRAFTER), ("ledger", "verify")):
        assert "nothing was audited yet" in Typist(office, capsys)(*words, status=2)


def test_overdue_and_department_narrow_the_list(office: Office, typist: Typist) -> None:
    for case in office.draft().cases:
        office.out(case.id, "3d")
        office.serve(case.id)
    assert typist.json("case", "list", "--overdue") == []
    office.now = office.now.replace(day=27)
    assert len(typist.json("case", "list", "--overdue")) == 3
    assert {case["department_id"] for case in typist.json("case", "list", "--overdue", "--department", "jtj")} == {
        "jtj"
    }


def test_a_change_past_the_trail_is_found_and_ends_with_3(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    head = json.loads(office.run("ledger", "verify", "--json").stdout)["head"]
    with past(site_ledger(office.root)) as database:
        database.rows("UPDATE papers SET number = '运审管函〔2026〕7号'")
    capsys.readouterr()
    assert office.type("ledger", "verify", "--json", "--expect", head) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["faults"] == [f"papers:{case.id}/1: was changed past the trail"]


def test_a_case_is_shown_after_its_pack_was_put_away(office: Office, typist: Typist) -> None:
    (case,) = [one for one in office.draft().cases if one.department_id == "jtj"]
    office.out(case.id, "15d")
    office.write_site(packs=["national"])
    assert typist.json("case", "show", case.id)["consequences"] == []
    typist("notice", "render", case.id)
    assert (office.root / "out" / "cases" / case.id / f"{office.case(case.id).number}.docx").is_file()
    typist("case", "withdraw", case.id, "--by", SIGNER, "--reason", "依据已不在用")


def test_a_draft_is_rendered_with_what_may_stand_in_it_today(office: Office, typist: Typist) -> None:
    (case,) = [one for one in office.draft().cases if len(one.items) == 2]
    office.later(days=1)
    office.audit(*(pair for pair in WRONGS if pair != (MIGRATE, "S1")))
    files = typist.json("notice", "render", case.id)["files"]
    assert [Path(file).name for file in files] == [f"草稿-{case.id}-1.docx", f"拟稿说明-{case.id}.docx"]


# --- a full disk --------------------------------------------------------------------------------------------


def limited(megabytes: float) -> Any:
    def limit() -> None:
        size = int(megabytes * (1 << 20))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        # The system would kill whoever writes more; a full disk only says no.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return limit


def test_a_disk_that_is_full_while_a_paper_is_drawn(office: Office, typist: Typist) -> None:
    """The number is given and the words are kept; only the file is missing, and can be drawn later."""
    for number in range(150):
        office.wrong(UNAPPROVED, f"N{number}", "mzj", f"系统{number}")
    office.later(minutes=1)
    office.audit(*WRONGS, *((UNAPPROVED, f"N{number}") for number in range(150)))
    (case,) = [one for one in office.draft().cases if len(one.items) > 150]
    office.review(case.id)
    office.close()
    # The ledger has room; the paper, of so many things some 50 KiB, has not.
    code = (
        "import sys; from datetime import datetime; from auditor import clock; import resource, signal\n"
        "at = datetime.fromisoformat(sys.argv[1]); clock.utc_now = lambda: at\n"
        "import auditor.cases.drawing as drawing; real = drawing.write_whole\n"
        "def full(path, content):\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        "    real(path, content)\n"
        "drawing.write_whole = full\n"
        "from auditor.ending import main; sys.exit(main(sys.argv[2:]))\n"
    )
    done = subprocess.run(
        [*office.python, code, office.now.isoformat(), "case", "issue", case.id, "--by", SIGNER, "--within", "15d",
         "--site", str(office.root)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert f"{case.id} is issued as 运审管函〔2026〕1号" in done.stderr
    assert "the papers cannot be drawn: File too large; what was signed is kept" in done.stderr
    assert f"'auditor notice render {case.id}" in done.stderr
    folder = office.root / "out" / "cases" / case.id
    assert list(folder.iterdir()) == [], "no half of a paper, and nothing left over"
    assert office.faults() == []
    checked = typist.json("ledger", "verify")
    assert checked["not_drawn"] == ["运审管函〔2026〕1号"]
    typist("notice", "render", "运审管函〔2026〕1号")
    assert (folder / "运审管函〔2026〕1号.docx").stat().st_size > 10_000
    assert typist.json("ledger", "verify")["not_drawn"] == []


@pytest.mark.sqlite_file
def test_a_disk_that_is_full_for_the_ledger_takes_no_number(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.review(case.id)
    before = office.dump()
    office.close()
    done = office.run("case", "issue", case.id, "--by", SIGNER, "--within", "15d", preexec_fn=limited(0.01))
    assert done.returncode == 3, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert "refuses to read or write" in done.stderr or "full" in done.stderr, done.stderr
    assert office.dump() == before
    assert office.issue(case.id, "15d").number == "运审管函〔2026〕1号"
    assert office.faults() == []
