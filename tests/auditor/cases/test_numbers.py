"""Document numbers: how they read, whose turn it is, and that none is lost or given twice, whatever happens."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cases import numbers
from auditor.cases.drawing import draw
from auditor.cases.numbers import Number
from auditor.cases.pending import undrawn
from auditor.errors import Refused
from auditor.site_office import DocumentsConfig
from inventories.model import canonical
from reports.papers.templates import Templates
from reports.papers.view import Form
from tests.auditor.cases.office import MIGRATE, SIGNER, SITE, WRONGS, Office
from tests.auditor.ledgers import past, site_ledger


def test_how_a_number_reads() -> None:
    assert str(Number("运审管改", 2026, 1)) == "运审管改〔2026〕1号"
    assert Number.parse("运审管改〔2026〕12号") == Number("运审管改", 2026, 12)


@given(
    st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=12),
    st.integers(2000, 2999),
    st.integers(1, 99_999),
)
def test_every_number_reads_back(word: str, year: int, sequence: int) -> None:
    number = Number(word, year, sequence)
    assert Number.parse(str(number)) == number
    assert "第" not in str(Number("运审管改", year, sequence))
    assert f"〕{sequence}号" in str(number)


@pytest.mark.parametrize(
    "text",
    [
        "运审管改〔2026〕01号",
        "运审管改〔2026〕0号",
        "运审管改〔2026〕第1号",
        "运审管改[2026]1号",
        "运审管改（2026）1号",
        "运审管改〔26〕1号",
        "〔2026〕1号",
        "运审1改〔2026〕1号",
        "../〔2026〕1号",
        "运审管改〔2026〕1号\n",
    ],
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no document number"):
        Number.parse(text)


def test_a_form_without_a_word_is_refused_with_the_place_to_write_it() -> None:
    with pytest.raises(Refused, match=r"add it to site.yaml: documents: \{words: \{order: …\}\}"):
        numbers.word_of(DocumentsConfig(), Form.ORDER)


@given(st.none() | st.integers(1, 99_999), st.integers(0, 99_999))
def test_the_next_is_after_all_that_were_given_by_hand_too(last: int | None, by_hand: int) -> None:
    documents = DocumentsConfig(taken={"运审管改": {2026: by_hand}})
    assert numbers.following(documents, "运审管改", 2026, last).sequence == max(last or 0, by_hand) + 1
    assert numbers.following(documents, "运审管改", 2027, None).sequence == 1


def given_numbers(office: Office) -> list[str]:
    return [paper.number for paper in office.papers()]


def test_each_word_and_year_counts_for_itself_and_forms_may_share_a_word(office: Office) -> None:
    office.write_site(consultation=False)
    for case in office.draft(forms=["order", "reminder", "referral"]).cases:
        office.out(case.id, "" if case.form is Form.TASK else "15d")
    # 整改任务书 and 责令限期整改通知书 share a word, and with it their numbers.
    assert sorted(given_numbers(office)) == [
        "运审管函〔2026〕1号",
        "运审管改〔2026〕1号",
        "运审管改〔2026〕2号",
        "运审管改〔2026〕3号",
        "运审管移〔2026〕1号",
    ]


def test_numbers_given_by_hand_before(office: Office) -> None:
    documents = {**SITE["documents"], "taken": {"运审管函": {"2026": 41}}}
    office.write_site(documents=documents)
    first, second, *_ = office.draft().cases
    assert office.out(first.id, "15d").number == "运审管函〔2026〕42号"
    assert office.out(second.id, "15d").number == "运审管函〔2026〕43号"


def test_the_year_is_that_of_the_sites_own_clock(office: Office) -> None:
    first, second, third = office.draft().cases
    for case in (first, second, third):
        office.review(case.id)
    # Half past eleven in the evening in Shanxi.
    office.now = datetime(2026, 12, 31, 15, 30, tzinfo=UTC)
    office.again(*WRONGS)
    assert office.issue(first.id, "15d").number == "运审管函〔2026〕1号"
    # Half past midnight there; in UTC the old year has hours to go.
    office.now = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    paper = office.issue(second.id, "15d")
    assert (paper.number, paper.issued_on) == ("运审管函〔2027〕1号", date(2027, 1, 1))
    assert office.issue(third.id, "15d").number == "运审管函〔2027〕2号"


def test_a_withdrawn_number_is_kept_and_never_given_again(office: Office) -> None:
    first, second, _ = office.draft().cases
    number = office.out(first.id, "15d").number
    office.withdraw(first.id, "对象有误")
    assert office.out(second.id, "15d").number == "运审管函〔2026〕2号"
    withdrawn = next(paper for paper in office.papers() if paper.number == number)
    assert (withdrawn.withdrawn_on, withdrawn.withdrawn_why) == (date(2026, 11, 23), "对象有误")
    assert office.faults() == []


def test_a_refused_issue_takes_no_number(office: Office) -> None:
    first, second, _ = office.draft().cases
    office.review(first.id)
    with pytest.raises(Refused, match="say --within"):
        office.issue(first.id)
    office.write_site(contact="")
    with pytest.raises(Refused, match="联系方式"):
        office.issue(first.id, "15d")
    office.write_site()
    assert office.out(second.id, "15d").number == "运审管函〔2026〕1号"


def many(office: Office, count: int) -> list[str]:
    """So many reviewed letters, one to each of so many departments."""
    for n in range(count):
        office.department(f"d{n:02d}", f"第{n}局")
        office.wrong(MIGRATE, f"M{n:02d}", f"d{n:02d}", f"系统{n}")
    office.later(minutes=1)
    office.audit(*WRONGS, *((MIGRATE, f"M{n:02d}") for n in range(count)))
    made = [case for case in office.draft().cases if case.department_id.startswith("d")]
    for case in made:
        office.review(case.id)
    return [case.id for case in made]


def words_in_the_trail(office: Office) -> dict[str, str]:
    """Number → the digest of the paper's words, as the step that issued it noted them."""
    return {
        str(step.detail["number"]): str(step.detail["words"]) for step in office.steps() if "words" in step.detail
    }


def digest(fields: object) -> str:
    return hashlib.sha256(canonical(fields).encode("utf-8", "surrogatepass")).hexdigest()


def test_eight_people_issuing_at_once(office: Office) -> None:
    """Real processes on one file: no number twice, none left out, and every paper under its own."""
    cases = many(office, 16)
    office.close()
    code = (
        "import sys; from pathlib import Path; from datetime import datetime; sys.path.insert(0, sys.argv[1])\n"
        "from tests.auditor.cases.office import Office\n"
        "office = Office(Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))\n"
        "office.packs, office.ledger, print('ready', flush=True), sys.stdin.readline()\n"
        "for case in sys.argv[4:]: print(case, office.issue(case, '15d').number, flush=True)\n"
    )
    root = str(Path(__file__).parents[3])
    people = [
        subprocess.Popen(
            [*office.python, code, root, str(office.root), office.now.isoformat(), *cases[n::8]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(8)
    ]
    for one in people:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in people:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    said: dict[str, str] = {}
    for one in people:
        out, _ = one.communicate(timeout=120)
        assert one.returncode == 0
        said |= dict(line.split(maxsplit=1) for line in out.splitlines())
    assert sorted(said) == sorted(cases)
    assert sorted(Number.parse(number).sequence for number in said.values()) == list(range(1, 17))
    assert {paper.case: paper.number for paper in office.papers()} == said
    assert {paper.number: digest(dict(paper.fields)) for paper in office.papers()} == words_in_the_trail(office)
    assert office.faults() == []


def rows(office: Office) -> int:
    """How many papers there are, read past the program."""
    with past(site_ledger(office.root)) as database:
        ((found,),) = database.rows("SELECT count(*) FROM papers")
    return int(found)


def test_killed_at_any_moment(office: Office) -> None:
    """SIGKILL between taking the number and writing the paper, and everywhere else: nothing is half done."""
    cases = many(office, 12)
    office.close()
    chance = random.Random(20261123)
    code = (
        "import sys; from datetime import datetime; from auditor import clock\n"
        "at = datetime.fromisoformat(sys.argv[1]); clock.utc_now = lambda: at\n"
        "import auditor.commands.case_steps, auditor.cases.issuing, auditor.commands.notices, docxtpl\n"
        "import reports.papers.templates, auditor.ledger.store, auditor.cases.drawing, reports.papers.compose\n"
        "from auditor.ending import main; print('ready', flush=True)\n"
        "for case in sys.argv[3:]: main(['case', 'issue', case, '--by', '分管领导', '--within', '15d', "
        "'--site', sys.argv[2]])\n"
    )
    templates, redrawn = Templates.load(None), 0
    for turn in range(4):
        left = [case for case in cases if office.case(case).state.value == "reviewed"]
        office.close()
        if not left:
            break
        child = subprocess.Popen(
            [*office.python, code, office.now.isoformat(), str(office.root), *left],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        if turn % 2:
            time.sleep(chance.uniform(0.05, 0.5))
        else:
            # As soon as another number is there: its paper hardly is.
            before, deadline = rows(office), time.monotonic() + 20
            while rows(office) == before and time.monotonic() < deadline:
                time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        child.stdout.close()
        papers = office.papers()
        assert [Number.parse(paper.number).sequence for paper in papers] == list(range(1, len(papers) + 1))
        assert {paper.case for paper in papers} == {
            case.id for case in office.cases() if case.state.value == "issued"
        }
        assert office.faults() == []
        waiting = undrawn(office.desk())
        drawn = {path.stem for path in (office.root / "out").rglob("运审管函*.docx")}
        assert {paper.number for paper in papers} - drawn <= set(waiting)
        redrawn += len(waiting)
        for number in waiting:
            case = office.case(number)
            draw(office.desk(), case, templates, office.root / "out" / "cases" / case.id)
            assert (office.root / "out" / "cases" / case.id / f"{number}.docx").is_file()
        assert undrawn(office.desk()) == []
        # Nobody leaves a half-written paper behind where a clerk looks for one.
        assert all(path.name.startswith(".") for path in (office.root / "out").rglob("*.tmp"))
    assert redrawn, "none was killed after its number and before its paper"
    assert {paper.number: digest(dict(paper.fields)) for paper in office.papers()} == words_in_the_trail(office)
    for name in cases:
        if office.case(name).state.value == "reviewed":
            office.issue(name, "15d")
    assert sorted(Number.parse(number).sequence for number in given_numbers(office)) == list(range(1, 13))


def test_killed_between_the_number_and_the_paper(office: Office) -> None:
    """The moment itself: the number is taken, no file is there. Drawn later, the paper says the same words."""
    (case, *_) = office.draft().cases
    office.review(case.id)
    code = (
        "import os, signal, sys; from datetime import datetime; from auditor import clock\n"
        "at = datetime.fromisoformat(sys.argv[1]); clock.utc_now = lambda: at\n"
        "import auditor.cases.drawing as drawing\n"
        "drawing.draw = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from auditor.ending import main; main(sys.argv[2:])\n"
    )
    done = subprocess.run(
        [*office.python, code, office.now.isoformat(), "case", "issue", case.id, "--by", SIGNER, "--within", "15d",
         "--site", str(office.root)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    (paper,) = office.papers(case.id)
    assert not (office.root / "out").exists()
    assert office.faults() == []
    checked = office.run("ledger", "verify")
    assert f"{paper.number} is issued and not drawn: 'auditor notice render {paper.number}' does it" in checked.stderr
    assert checked.returncode == 0
    # A week later the facts are others; what was signed stays.
    office.later(days=7)
    office.write_site(contact="另一科室", bureau="改名后的局")
    assert office.run("notice", "render", paper.number).returncode == 0
    drawn = office.root / "out" / "cases" / case.id / f"{paper.number}.docx"
    assert drawn.read_bytes() == Templates.load(None).fill(paper.form, dict(paper.fields))
    assert digest(dict(paper.fields)) == words_in_the_trail(office)[paper.number]
    step = office.steps(case.id)[-1]
    assert (step.act, step.actor, dict(step.detail)) == (
        "paper.draw",
        "auditor",
        {paper.number: hashlib.sha256(drawn.read_bytes()).hexdigest()},
    )
    assert drawn.stat().st_mode & 0o077 == 0
