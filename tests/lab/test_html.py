"""The page in a real browser: Chromium opens it without a network, measures it on three screens, and prints it."""

from __future__ import annotations

import html
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from auditor.city.example import write_example
from reports.html.narrowing import narrowed
from reports.html.page import render_page
from tests.lab.chromium import Page, chromium
from tests.reports.conftest import audit_view
from tests.reports.html.cities import AT, made_up, name, trend

pytestmark = pytest.mark.lab

#: A phone, a desk, a meeting room.
SCREENS = ((390, 844, True), (1280, 800, False), (1920, 1080, False))
#: A network of this test's own, where another example city may answer at the same time.
NETWORK = "127.67"
NAMES = ("example", "large", "small", "department", "hostile")
#: Points of A4, and the margin of the page's style.
WIDTH, HEIGHT, MARGIN = 595.3, 841.9, 34.0

#: What stands out of the window, and is not inside a table that scrolls by itself or hidden from sight.
OUTSIDE = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.wide, .defs, .hidden') && e.getClientRects().length)
  .filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 1 || r.left < -1; })
  .map(e => e.tagName + ':' + e.textContent.slice(0, 40))
"""
#: Words of a chart that lie over each other.
OVERLAPPING = """
[...document.querySelectorAll('svg.chart')].flatMap(chart => {
  const boxes = [...chart.querySelectorAll('text')]
    .map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, r]) => r.width);
  return boxes.flatMap(([a, r], i) => boxes.slice(i + 1)
    .filter(([, s]) => r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 2 && s.top < r.bottom - 2)
    .map(([b]) => a + ' / ' + b));
})
"""
SMALLEST = """
Math.min(...[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length && e.textContent.trim())
  .map(e => parseFloat(getComputedStyle(e).fontSize)))
"""
UNFOLD = "document.querySelectorAll('details').forEach(e => { e.open = true; })"


def example(folder: Path) -> str:
    """The example city, audited for real."""
    site = folder / "site"
    write_example(site, datetime.now(UTC).date(), network=NETWORK)
    audit = [sys.executable, "-m", "auditor", "audit", "--site", str(site)]
    done = subprocess.run(
        [sys.executable, "-m", "auditor.city", "run", "--site", str(site), "--", *audit],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # One zone of the example city has lost its authorisation, on purpose.
    assert done.returncode == 4, done.stderr[-4000:]
    report = [sys.executable, "-m", "auditor", "report", "html", str(folder / "made.html"), "--site", str(site)]
    subprocess.run(report, check=True, capture_output=True, timeout=120)
    return (folder / "made.html").read_text(encoding="utf-8")


def hostile() -> str:
    view = audit_view()
    words = "很长的部门名称" * 14 + "W" * 90 + "<script>alert(1)</script>𠮷\u202e{{ 7*7 }}"
    view = replace(
        view,
        site=words,
        bureau=words,
        departments=tuple(replace(d, name=words) for d in view.departments),
        findings=tuple(replace(f, asset_name=words, department_name=words, title=words) for f in view.findings),
        assets=tuple(replace(a, name=words, department_name=words) for a in view.assets),
        probes=tuple(replace(p, zone_name=words, problems=(words,)) for p in view.probes),
        conflicts=(words,),
    )
    return render_page(view, AT, for_whom=words)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    large = made_up(60, 800)
    texts = {
        "example": example(tmp_path_factory.mktemp("city")),
        "large": render_page(large, AT, trend=trend()),
        "small": render_page(audit_view(), AT),
        "department": render_page(narrowed(large, "d8", {"z8": "农业农村办公网8"}), AT, department=name(8)),
        "hostile": hostile(),
    }
    for key, text in texts.items():
        (folder / f"{key}.html").write_text(text, encoding="utf-8")
    return {key: folder / f"{key}.html" for key in texts}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_without_a_network_and_without_a_complaint(browser: Page, pages: dict[str, Path], name: str) -> None:
    browser.complaints.clear()
    browser.asked.clear()
    browser.open(pages[name])
    browser.size(1280, 800)
    assert browser.value("document.compatMode") == "CSS1Compat"
    assert browser.value("document.title").endswith("政务信息系统上云和信息化合规情况")
    assert browser.value("getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(18, 62, 102)"
    assert browser.value("document.scripts.length") == 0
    assert browser.complaints == []
    assert browser.asked == [pages[name].as_uri()]
    # What the browser made of it is what was written: nothing was moved, closed or dropped.
    written = len(re.findall(r"<[a-zA-Z]", pages[name].read_text(encoding="utf-8")))
    assert browser.value("document.querySelectorAll('*').length") == written


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "unfolded"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_stands_out_of_any_screen(
    browser: Page, pages: dict[str, Path], name: str, unfolded: bool, tmp_path: Path
) -> None:
    browser.open(pages[name])
    if unfolded:
        browser.value(UNFOLD)
    for width, height, phone in SCREENS:
        browser.size(width, height, phone=phone)
        assert browser.value("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
        assert browser.value(OUTSIDE) == [], width
        assert browser.value(OVERLAPPING) == [], width
        assert browser.value(SMALLEST) >= 11, width
        if not unfolded:
            browser.picture(tmp_path / "page.png")
            data = (tmp_path / "page.png").read_bytes()
            assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 100_000
            assert struct.unpack(">I", data[16:20]) == (width,)


def test_the_policy_is_in_force(browser: Page, pages: dict[str, Path]) -> None:
    """What somebody got into the page all the same would be stopped."""
    browser.open(pages["small"])
    browser.complaints.clear()
    browser.value(
        "document.body.insertAdjacentHTML('beforeend', '<p id=x style=\"color:red\" onclick=\"y=1\">x</p>')"
    )
    browser.value("x.click()")
    browser.value("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1/nowhere.png'}))")
    browser.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'z = 1'}))")
    browser.value("new Promise(done => setTimeout(done, 300)).then(() => 1)")
    assert browser.value("typeof y + typeof z") == "undefinedundefined"
    assert browser.value("getComputedStyle(x).color") == "rgb(27, 42, 58)"
    said = " ".join(browser.complaints)
    for directive in ("style-src", "img-src", "script-src"):
        assert re.search(rf"{directive}|default-src 'none'", said), said


# --- on paper -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """``pages``: the words of each page with their right edge and top."""

    file: Path
    pages: list[list[tuple[str, float, float]]]

    def text(self, number: int) -> str:
        return "".join(word for word, _, _ in self.pages[number])


def printed(browser: Page, page: Path, folder: Path, *, unfolded: bool = False) -> Paper:
    browser.open(page)
    browser.size(1280, 800)
    if unfolded:
        browser.value(UNFOLD)
    browser.pdf(folder / "page.pdf")
    done = subprocess.run(
        ["pdftotext", "-bbox", str(folder / "page.pdf"), "-"], check=True, capture_output=True, timeout=60
    )
    found = []
    for part in done.stdout.decode().split("<page ")[1:]:
        width, height = (float(value) for value in re.findall(r'"([\d.]+)"', part[:60])[:2])
        assert (width, height) == (pytest.approx(WIDTH, abs=1), pytest.approx(HEIGHT, abs=1))
        words = re.findall(
            r'<word xMin="[\d.-]+" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="[\d.-]+">(.*?)</word>', part
        )
        found.append([(html.unescape(word), float(right), float(top)) for top, right, word in words])
    return Paper(folder / "page.pdf", found)


@pytest.mark.parametrize(("name", "least", "most"), [("example", 6, 12), ("large", 8, 14), ("small", 4, 10)])
def test_it_prints_on_a4(
    browser: Page, pages: dict[str, Path], tmp_path: Path, name: str, least: int, most: int
) -> None:
    paper = printed(browser, pages[name], tmp_path)
    count = len(paper.pages)
    assert least <= count <= most
    for number in range(count):
        text = paper.text(number)
        assert f"第{number + 1}页，共{count}页" in text
        # No page is left nearly empty but the last.
        assert len(text) > (150 if number < count - 1 else 20), (number, text)
        assert max(right for _, right, _ in paper.pages[number]) <= WIDTH - MARGIN + 2
    whole = "".join(map(paper.text, range(count)))
    assert "上云率" in paper.text(0) and "迁移进度与计划" in paper.text(0)
    for words in ("部门排名", "等保和密评", "口径说明", "没有看到的，既不认定为违规，也不视为合规"):
        assert words in whole
    # Charts to their last label.
    labels = re.findall(r'class="label[^"]*">([^<]+)</text>', pages[name].read_text(encoding="utf-8"))
    assert {label for label in map(html.unescape, labels) if label not in whole} == set()
    assert "系统上云部门排名问题" not in whole  # the contents are for screens


def test_heads_are_repeated_on_every_page_of_a_table(browser: Page, pages: dict[str, Path], tmp_path: Path) -> None:
    paper = printed(browser, pages["large"], tmp_path, unfolded=True)
    numbers = range(len(paper.pages))
    whole = [number for number in numbers if "各部门上云率，按下限从高到低" in paper.text(number)]
    (first,) = whole
    assert "上云情况" in paper.text(first + 1) and "上云情况" in paper.text(first)
    # Nothing that was unfolded is left out.
    assert "展开" not in "".join(map(paper.text, numbers))
    assert all(f"第{d}分局" in "".join(map(paper.text, numbers)) for d in range(60))
    assert max(right for page in paper.pages for _, right, _ in page) <= WIDTH - MARGIN + 2


def test_colours_are_printed_also_by_browsers_that_print_no_backgrounds(
    browser: Page, pages: dict[str, Path], tmp_path: Path
) -> None:
    """``print-color-adjust``: marks that tell unknown from missing are on paper too."""
    paper = printed(browser, pages["small"], tmp_path)
    subprocess.run(
        ["pdftoppm", "-r", "30", "-f", "1", "-l", "1", str(paper.file), str(tmp_path / "first")],
        check=True,
        timeout=60,
    )
    (picture,) = tmp_path.glob("first*.ppm")
    data = picture.read_bytes()
    width, height = (int(number) for number in data.split(b"\n", 2)[1].split())
    pixels = data[-3 * width * height :]
    dark = sum(pixels[i] < 40 and 40 < pixels[i + 1] < 90 and pixels[i + 2] > 80 for i in range(0, len(pixels), 3))
    assert dark > width * height / 50  # the head's blue


def test_today_is_the_day_on_which_it_was_made(browser: Page, pages: dict[str, Path]) -> None:
    browser.open(pages["example"])
    facts: list[Any] = browser.value("[...document.querySelectorAll('.facts li')].map(e => e.textContent)")
    made = next(fact for fact in facts if fact.startswith("制作时间："))
    assert abs((date.fromisoformat(made[5:15]) - datetime.now(UTC).date()).days) <= 1
