"""The styles of official papers after GB/T 9704-2012, by the Chinese names under which a clerk finds them.

A4 with margins of 37 mm (top), 28 mm (left), 35 mm (bottom) and 26 mm (right): a type area of 156 × 225 mm for
22 lines of 28 characters of 三号仿宋 (16 pt). Everything that a paper looks like stands here: the templates hold
text and tags, and next to no formatting of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from xml.sax.saxutils import quoteattr

from reports.fonts import BODY, HEI, KAI, LATIN, SONG, TITLE

CHAR = 16.0
#: 225 mm over 22 lines, in points.
LINE = 28.95
RED = "FF0000"
#: In twentieths of a point for each character: 28 of 16 pt are 448 pt, the type area is 442.2 pt wide. A grid of
#: characters would say the same, but only Word reads it so; this is understood everywhere.
_TIGHTER = -5

Align = Literal["", "left", "center", "right", "both"]
NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def twips(points: float) -> int:
    """Twentieths of a point, in which the format measures."""
    return round(points * 20)


def mm(length: float) -> float:
    """Points."""
    return length / 25.4 * 72


@dataclass(frozen=True, slots=True)
class Rule:
    """A line along a paragraph: ``eighths`` of a point thick, ``space`` points away (at most 31)."""

    side: Literal["top", "left", "bottom", "right"]
    kind: str = "single"
    eighths: int = 8
    space: int = 1
    colour: str = "000000"

    def xml(self) -> str:
        return (
            f'<w:{self.side} w:val="{self.kind}" w:sz="{self.eighths}" '
            f'w:space="{self.space}" w:color="{self.colour}"/>'
        )


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph style; all lengths in points. ``line`` is an exact height, ``width`` the characters' in percent.

    ``grid``: whether its lines sit on the page's grid of 22 lines. ``level``: in the outline, 0 for 一、. ``fill`` is
    the colour behind it.
    """

    id: str
    name: str
    font: str = BODY
    size: float = CHAR
    line: float = LINE
    align: Align = ""
    first: float = 0
    left: float = 0
    right: float = 0
    before: float = 0
    after: float = 0
    bold: bool = False
    colour: str = ""
    width: int = 100
    grid: bool = True
    keep: bool = False
    new_page: bool = False
    level: int | None = None
    rules: tuple[Rule, ...] = ()
    aliases: str = ""
    fill: str = ""

    def xml(self) -> str:
        custom = "" if self.id in _BUILT_IN else ' w:customStyle="1"'
        default = ' w:default="1"' if self.id == "Normal" else ""
        based = "" if self.id == "Normal" else '<w:basedOn w:val="Normal"/>'
        aliases = f"<w:aliases w:val={quoteattr(self.aliases)}/>" if self.aliases else ""
        return (
            f'<w:style w:type="paragraph"{default}{custom} w:styleId="{self.id}">'
            f"<w:name w:val={quoteattr(self.name)}/>{aliases}{based}<w:qFormat/>"
            f"<w:pPr>{self._paragraph()}</w:pPr><w:rPr>{self._characters()}</w:rPr></w:style>"
        )

    def _paragraph(self) -> str:
        """The properties in the order that the format prescribes."""
        keep = "<w:keepNext/>" if self.keep else ""
        page = "<w:pageBreakBefore/>" if self.new_page else ""
        rules = f"<w:pBdr>{''.join(rule.xml() for rule in self.rules)}</w:pBdr>" if self.rules else ""
        fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{self.fill}"/>' if self.fill else ""
        base = ""
        if self.id == "Normal":
            # No gaps between Chinese and figures, which would push the 28th character off its line, and no
            # punctuation hanging over the margin.
            base = '<w:overflowPunct w:val="0"/><w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>'
        grid = "" if self.grid else '<w:snapToGrid w:val="0"/>'
        spacing = (
            f'<w:spacing w:before="{twips(self.before)}" w:after="{twips(self.after)}" '
            f'w:line="{twips(self.line)}" w:lineRule="exact"/>'
        )
        align = f'<w:jc w:val="{self.align}"/>' if self.align else ""
        level = "" if self.level is None else f'<w:outlineLvl w:val="{self.level}"/>'
        sides = indent(self.left, self.right, self.first)
        return keep + page + rules + fill + base + grid + spacing + sides + align + level

    def _characters(self) -> str:
        bold = "<w:b/><w:bCs/>" if self.bold else ""
        colour = f'<w:color w:val="{self.colour}"/>' if self.colour else ""
        # Tables and headings are set by themselves: only lines of text are counted in characters.
        tighter = _TIGHTER if self.size == CHAR else 0
        width = f'<w:w w:val="{self.width}"/>' if self.width != 100 else ""
        size = round(self.size * 2)
        return (
            f'{fonts(self.font)}{bold}{colour}<w:spacing w:val="{tighter}"/>{width}'
            f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>'
        )


def indent(left: float, right: float, first: float = 0) -> str:
    """``w:ind`` in points; ``first`` is the first line's, hanging where it is negative."""
    if not (left or right or first):
        return ""
    line = f' w:hanging="{twips(-first)}"' if first < 0 else f' w:firstLine="{twips(first)}"' if first else ""
    return f'<w:ind w:left="{twips(left)}" w:right="{twips(right)}"{line}/>'


def fonts(font: str) -> str:
    """Fonts by script. The hint makes quotation marks and dashes Chinese ones, of full width."""
    latin = font if font in (HEI, SONG) else LATIN
    return f'<w:rFonts w:hint="eastAsia" w:ascii="{latin}" w:eastAsia="{font}" w:hAnsi="{latin}" w:cs="{latin}"/>'


_BUILT_IN = frozenset({"Normal", "Title", "Heading1", "Heading2", "Header", "Footer"})
_SMALL = 14.0  # 四号
_TABLE = 10.5  # 五号
#: Lets a line stick out of the type area to 170 mm, centred on the sheet.
_OUT = {"left": mm(-8), "right": mm(-6)}
#: A rule stands 4 mm (11.3 pt) below characters; some 4 pt of that are the line's own, in a line of text 7.
_BELOW = 7
#: What a line of a red head leaves free above its characters.
_ABOVE = 5


def _office(style: str, name: str, size: float, width: int) -> Style:
    """发文机关标志: red, centred. A long name is set narrower before it is set smaller."""
    return Style(style, name, TITLE, size, size * 1.25, "center", colour=RED, width=width, grid=False)


def _letter_office(style: str, name: str, size: float, width: int) -> Style:
    """The same with the double rule of a letter 4 mm below."""
    double = (Rule("bottom", "thickThinSmallGap", 24, _BELOW, RED),)
    return replace(_office(style, name, size, width), rules=double, left=mm(-8), right=mm(-6))


STYLES: tuple[Style, ...] = (
    Style("Normal", "Normal", aliases="公文空行"),
    Style("Title", "Title", TITLE, 22, 36, "center", grid=False, keep=True),
    Style("Heading1", "heading 1", HEI, first=2 * CHAR, keep=True, level=0, aliases="一级标题"),
    Style("Heading2", "heading 2", KAI, first=2 * CHAR, keep=True, level=1, aliases="二级标题"),
    # Not justified: on lines of 28 characters lines end alike anyway, and LibreOffice loses a comma that hangs over
    # the end of a justified line.
    Style("Body", "公文正文", align="left", first=2 * CHAR),
    Style("BodyKept", "公文正文（与下段同页）", align="left", first=2 * CHAR, keep=True),
    Style("Addressee", "主送机关", keep=True),
    Style("Kept", "公文空行（与下段同页）", keep=True),
    Style("Annexes", "附件说明", left=6 * CHAR, first=-4 * CHAR, keep=True),
    # Centred one above the other, the date four characters from the right: a seal covers both.
    Style("Signature", "署名", align="center", left=13 * CHAR, keep=True),
    Style("Date", "成文日期", align="center", left=13 * CHAR),
    Style("Contact", "附注", first=2 * CHAR),
    # 11, 16 and 22 characters fill the type area's 442 pt; what is longer runs over two lines.
    _office("Office", "发文机关标志", 40, 100),
    _office("OfficeLong", "发文机关标志（较长）", 40, 66),
    _office("OfficeLonger", "发文机关标志（很长）", 30, 66),
    _office("OfficeLongest", "发文机关标志（多行）", 24, 66),
    # 170 mm wide, centred on the sheet: 12, 17 and 24 characters fill 482 pt.
    _letter_office("LetterOffice", "信函发文机关标志", 40, 100),
    _letter_office("LetterOfficeLong", "信函发文机关标志（较长）", 40, 66),
    _letter_office("LetterOfficeLonger", "信函发文机关标志（很长）", 30, 66),
    _letter_office("LetterOfficeLongest", "信函发文机关标志（多行）", 24, 66),
    Style("LetterSpace", "信函版头空白", line=mm(15) - 27, grid=False),
    Style("LetterFoot", "信函下线", line=2, grid=False, left=mm(-8), right=mm(-6),
          rules=(Rule("bottom", "thinThickSmallGap", 24, 1, RED),)),
    Style("HeadSpace", "版头空白", line=mm(35) - _ABOVE, grid=False),
    Style("HeadSpaceShort", "版头空白（附件）", line=mm(35) - _ABOVE - LINE, grid=False),
    Style("Number", "发文字号", align="center", rules=(Rule("bottom", "single", 12, _BELOW - 3, RED),)),
    # 7/8 of a character (14 pt) below the rule; half of that is the line's own.
    Style("LetterNumber", "信函发文字号", align="right", before=7.5),
    Style("FormOffice", "文书机关名称", TITLE, 18, 36, "center", grid=False, keep=True),
    Style("FormNumber", "文书编号", align="right", after=6, grid=False),
    Style("AnnexLabel", "附件标注", HEI, keep=True, new_page=True),
    Style("AnnexTitle", "附件标题", TITLE, 22, 36, "center", after=12, grid=False, keep=True),
    Style("TableHead", "表头", HEI, _TABLE, 15, "center", before=1, after=1, grid=False, keep=True),
    Style("TableGroup", "表内分组", KAI, _TABLE, 15, "left", before=1, after=1, grid=False, keep=True),
    Style("TableText", "表内文字", BODY, _TABLE, 15, "left", before=1, after=1, grid=False),
    Style("TableCentre", "表内居中", BODY, _TABLE, 15, "center", before=1, after=1, grid=False),
    Style("TableNote", "表注", BODY, _TABLE, 16, "left", before=4, grid=False),
    Style("TableFiller", "填报说明行", BODY, _TABLE, 20, "left", grid=False, keep=True),
    Style("FormName", "文书栏目", HEI, _SMALL, 22, "center", grid=False),
    Style("FormValue", "文书栏目内容", BODY, _SMALL, 22, "left", grid=False),
    Style("Tag", "模板标记（不打印）", BODY, 9, 12, "left", colour="808080", grid=False),
    Style("Mark", "草稿标记", HEI, CHAR, 22, "center", left=mm(36), right=mm(36), bold=True, grid=False,
          rules=(Rule("top"), Rule("left"), Rule("bottom"), Rule("right"))),
    Style("Header", "header", BODY, CHAR, 22, grid=False),
    Style("Footer", "footer", SONG, _SMALL, _SMALL, after=mm(5.5), grid=False, left=_SMALL, right=_SMALL),
    Style("Copies", "版记抄送", BODY, _SMALL, 24, left=4 * _SMALL, right=_SMALL, first=-3 * _SMALL, grid=False),
    Style("Imprint", "版记印发", BODY, _SMALL, 24, left=_SMALL, right=_SMALL, grid=False),
    Style("End", "文末", BODY, 1, 1, grid=False),
    # 0.25 mm.
    Style("ImprintRule", "版记中间分隔线", BODY, 1, 0.7, grid=False, fill="000000"),
)  # fmt: skip

_TABLES = (
    '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:semiHidden/>'
    '<w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar><w:left w:w="57" w:type="dxa"/>'
    '<w:right w:w="57" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>'
    '<w:style w:type="table" w:customStyle="1" w:styleId="Ruled"><w:name w:val="公文表格"/>'
    '<w:basedOn w:val="TableNormal"/><w:qFormat/><w:tblPr><w:tblBorders>{}</w:tblBorders></w:tblPr></w:style>'
).format(
    "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
)


def sheet() -> str:
    """``word/styles.xml``."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:styles xmlns:w="{NAMESPACE}">'
    yield f"<w:docDefaults><w:rPrDefault><w:rPr>{fonts(BODY)}"
    yield '<w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr>'
    # Papers fill every page: no line is held back for the sake of another (孤行控制).
    yield '</w:rPrDefault><w:pPrDefault><w:pPr><w:widowControl w:val="0"/></w:pPr></w:pPrDefault></w:docDefaults>'
    yield from (style.xml() for style in STYLES)
    yield '<w:style w:type="character" w:default="1" w:styleId="Characters"><w:name w:val="Default Paragraph Font"/>'
    yield "<w:semiHidden/></w:style>"
    yield _TABLES
    yield "</w:styles>"
