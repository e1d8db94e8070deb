"""Starting a pack: it loads as it stands, takes the text over word for word, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.faults import Faults
from policies.articles import article_name
from policies.casetest import test_packs as run_cases
from policies.coverage import articles, missing
from policies.pack import load_pack
from policies.scaffold import articles_of, check_name, read_text, start_pack

TEXT = """\
示例市办法
第一章 总则
第一条 本办法适用于市级各部门。
\u3000\u3000第二条\u3000系统应当上云："尽快"、\\且 - 不得: 拖延 #原文
（一）第一项；
第二章 附则

第三条 本办法自印发之日起施行。
"""


def test_a_new_pack_loads_and_its_cases_pass(tmp_path: Path) -> None:
    folder = tmp_path / "gaoping-2024"
    files = start_pack(folder, region="140581")
    assert sorted(files) == ["cases/README.md", "pack.yaml", "text.yaml"]
    pack = load_pack(folder)
    assert (pack.id, pack.region, pack.rules) == ("gaoping-2024", "140581", ())
    assert not pack.text_verified, "nothing can be ordered by a pack that nobody has worked on"
    assert missing(pack) == ()
    assert run_cases([pack]).passed


def test_a_regulations_text_is_taken_over_word_for_word(tmp_path: Path) -> None:
    found = articles_of(TEXT, "text")
    assert found == {
        "第一条": "本办法适用于市级各部门。",
        "第二条": '系统应当上云："尽快"、\\且 - 不得: 拖延 #原文\n（一）第一项；',
        "第三条": "本办法自印发之日起施行。",
    }
    start_pack(tmp_path / "gaoping-2024", region="140581", articles=found)
    pack = load_pack(tmp_path / "gaoping-2024")
    assert {name: text.strip() for name, text in pack.texts.items()} == found
    assert [a.name for a in articles(pack) if a.manual] == ["第二条", "第三条"]
    assert pack.articles == 3


@given(lines=st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_whatever_stands_in_a_text_the_pack_loads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    text = "\n".join(f"{article_name(i)} 甲{line}" for i, line in enumerate(lines, 1))
    try:
        found = articles_of(text, "text")
    except Faults:
        return
    folder = tmp_path_factory.mktemp("packs") / "gaoping-2024"
    start_pack(folder, region="140581", articles=found)
    assert list(load_pack(folder).texts) == list(found)


def test_articles_in_traditional_characters() -> None:
    assert articles_of("第一條 適用範圍。\n第二條 其他。", "text") == {"第一条": "適用範圍。", "第二条": "其他。"}


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("一、总则\n", "text", "holds no line that begins with 第一条"),
        ("第一条 甲\n第三条 乙\n", "text:2:1", "第三条 where 第二条 should stand"),
        ("第一条 甲\n第一条 乙\n", "text:2:1", "第一条 where 第二条 should stand"),
        ("第一条\n第二条 乙\n", "text", "第一条 has no wording"),
    ],
)
def test_a_text_that_is_not_whole(text: str, place: str, what: str) -> None:
    with pytest.raises(Faults) as error:
        articles_of(text, "text")
    assert any(f.where == place and what in f.what for f in error.value.faults)


def test_a_text_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "text"
    with pytest.raises(Faults, match="cannot be read"):
        read_text(path)
    path.write_bytes("第一条 甲\n".encode("gbk"))
    with pytest.raises(Faults, match="is not UTF-8"):
        read_text(path)
    path.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Faults, match="is larger than"):
        read_text(path)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "gaoping",
            "2024",
            "../gaoping-2024",
            "a/b-2024",
            "/tmp/x-2024",
            "Gaoping-2024",
            "高平-2024",
            "x-20244",
        ),
        *("gaoping-2024\n", "gaoping--2024", "-gaoping-2024", "gaoping-2024.", "a" * 80 + "-2024", "x-2024\x00"),
    ],
)
def test_names_that_are_no_region_and_year(tmp_path: Path, name: str) -> None:
    with pytest.raises(Faults, match="is no REGION-YEAR"):
        check_name(name)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "gaoping-2024"
    mine.mkdir()
    with pytest.raises(FileExistsError):
        start_pack(mine, region="140581")
    assert list(mine.iterdir()) == []
    link = tmp_path / "linked-2024"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        start_pack(link, region="140581")
    assert not (tmp_path / "elsewhere").exists()


def test_editors_find_the_schemas_beside_it(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "text.schema.json").write_text("mine", encoding="utf-8")
    start_pack(tmp_path / "gaoping-2024", region="140581")
    for name in ("pack", "text"):
        first = (tmp_path / "gaoping-2024" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        path = first.partition("$schema=")[2]
        assert (tmp_path / "gaoping-2024" / path).is_file()
    assert (tmp_path / "schemas" / "text.schema.json").read_text(encoding="utf-8") == "mine"


def test_a_disk_that_fills_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("policies.scaffold._schemas", full)
    with pytest.raises(OSError, match="No space left"):
        start_pack(tmp_path / "gaoping-2024", region="140581")
    assert list(tmp_path.iterdir()) == []
