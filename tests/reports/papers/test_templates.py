"""The templates that come with the program, a bureau's own in their place, and everything that is refused."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document

from inventories.faults import Faults
from reports.papers import opening, schema, wordfile
from reports.papers.compose import compose
from reports.papers.fields import names
from reports.papers.sample import sample
from reports.papers.templates import Templates, shipped
from reports.papers.view import Form
from tools import paper_templates

TEXT = "word/document.xml"
Edit = Callable[[dict[str, bytes]], None]


def edited(form: Form, edit: Edit) -> bytes:
    """The program's own template with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(shipped(form))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit(parts)
    return wordfile.pack(parts.items())


def replaced(old: str, new: str, part: str = TEXT) -> Edit:
    def edit(parts: dict[str, bytes]) -> None:
        assert old.encode() in parts[part]
        parts[part] = parts[part].replace(old.encode(), new.encode(), 1)

    return edit


def with_text(words: str) -> Edit:
    """One paragraph more, before everything else."""
    made = f'<w:body><w:p><w:r><w:t xml:space="preserve">{words}</w:t></w:r></w:p>'
    return replaced("<w:body>", made)


def own(folder: Path, **files: bytes) -> Path:
    for name, data in files.items():
        (folder / f"{name.replace('_', '-')}.docx").write_bytes(data)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(Faults) as caught:
        Templates.load(folder)
    return str(caught.value)


def refused(tmp_path: Path, edit: Edit, form: Form = Form.ORDER) -> str:
    return refusal(own(tmp_path, **{form.replace("-", "_"): edited(form, edit)}))


# --- ours ---------------------------------------------------------------------------------------------------


def test_rebuilding_gives_what_is_shipped() -> None:
    """Where this fails: ``python -m tools.paper_templates``."""
    assert {form: parts(shipped(form)) for form in Form} == {
        form: parts(made) for form, made in paper_templates.templates().items()
    }


def parts(data: bytes) -> list[tuple[str, tuple[int, ...], bytes]]:
    """All of an archive but how it was compressed, which is the library's business."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(entry.filename, entry.date_time, archive.read(entry)) for entry in archive.infolist()]


@pytest.mark.parametrize("form", Form)
def test_ours_pass_the_checks_of_a_bureaus_own(form: Form, tmp_path: Path) -> None:
    opening.check(shipped(form), form)
    templates = Templates.load(own(tmp_path, **{form.replace("-", "_"): shipped(form)}))
    assert list(templates.own) == [form]


@pytest.mark.parametrize("issued", [True, False], ids=["issued", "draft"])
@pytest.mark.parametrize("form", Form)
def test_every_paper_is_drawn_and_marked_while_it_is_a_draft(form: Form, issued: bool) -> None:
    fields = compose(sample(form, issued=issued))
    assert set(fields) == names(form)
    paper = Templates.load().fill(form, fields)
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        assert not any(re.search(rb"\{[{%#]|[%#}]\}", archive.read(name)) for name in archive.namelist())
    document = Document(io.BytesIO(paper))
    assert document.settings.odd_and_even_pages_header_footer
    for section in document.sections:
        heads = [section.header, section.even_page_header]
        if section.different_first_page_header_footer:
            heads.append(section.first_page_header)
        marks = ["草稿" in "".join(p.text for p in head.paragraphs) for head in heads]
        assert marks == [not issued] * len(heads)


def test_the_sample_is_of_the_kinds_that_templates_are_checked_against() -> None:
    for form in Form:
        assert list(schema.check(form, compose(sample(form)), form)) == []
        assert set(schema.schema(form)) == names(form)
        assert list(schema.check(form, schema.example(form, filled=True), form)) == []
        assert list(schema.check(form, schema.example(form, filled=False), form)) == []


def test_fields_of_another_kind_are_told() -> None:
    fields = compose(sample(Form.ORDER))
    fields |= {"title": "x", "body": [{"style": 1}], "evidence": [], "office": None, "stub": ["x"]}
    told = [str(fault) for fault in schema.check(Form.ORDER, fields, "o")]
    assert told == [
        "o: office: is NoneType: it is to be a text",
        "o: title: is str: it is to be a list of texts",
        "o: body[1].style: is int: it is to be a text",
        "o: evidence: is list: it is to be a group of fields (label, title, groups, note)",
        "o: stub[1]: is str: it is to be a group of fields (name, value)",
    ]


# --- a bureau's own -----------------------------------------------------------------------------------------


def test_a_bureaus_own_template_takes_the_place_of_ours(tmp_path: Path) -> None:
    changed = edited(Form.ORDER, with_text("本局自用格式"))
    templates = Templates.load(own(tmp_path, order=changed))
    ours = Templates.load()
    fields = compose(sample(Form.ORDER))
    assert Document(io.BytesIO(templates.fill(Form.ORDER, fields))).paragraphs[0].text == "本局自用格式"
    assert Document(io.BytesIO(ours.fill(Form.ORDER, fields))).paragraphs[0].text != "本局自用格式"
    assert templates.digest(Form.ORDER) != ours.digest(Form.ORDER)
    assert templates.digest(Form.TASK) == ours.digest(Form.TASK)
    task = compose(sample(Form.TASK))
    assert templates.fill(Form.TASK, task) == ours.fill(Form.TASK, task)


def test_files_that_a_word_processor_keeps_beside_an_open_one_are_none(tmp_path: Path) -> None:
    (tmp_path / "~$order.docx").write_bytes(b"x")
    (tmp_path / ".~lock.order.docx#").write_bytes(b"x")
    assert Templates.load(tmp_path).own == {}


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ordre.docx", "is no paper's template: did you mean 'order.docx'?"),
        ("通知.docx", "templates are called letter.docx, reminder.docx"),
        ("order.docm", "save it as .docx, without macros"),
        ("order.doc", "save it as .docx, without macros"),
        ("order.docx.bak", "did you mean 'order.docx'?"),
        ("order", "is no paper's template"),
    ],
)
def test_a_file_of_another_name_is_a_fault(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).write_bytes(shipped(Form.ORDER))
    assert told in refusal(tmp_path)


def test_all_faults_of_all_templates_come_at_once(tmp_path: Path) -> None:
    own(
        tmp_path,
        order=edited(Form.ORDER, with_text("{{ adressee }}{{ office.name }}")),
        task=edited(Form.TASK, replaced("{{ mark }}", "{{ marc }}", "word/header1.xml")),
        letter=b"nothing of the kind",
    )
    told = refusal(tmp_path).splitlines()
    assert [line.partition(" ")[0].rstrip(",:") for line in told] == [
        "letter.docx",
        "order.docx",
        "order.docx",
        "task.docx",
    ]
    assert "no field 'adressee': did you mean 'addressee'?" in told[1]
    assert "what stands before the point is a text" in told[2]
    assert "header1 near '{{ marc }}{% else %}': no field 'marc': did you mean 'mark'?" in told[3]


def test_tags_split_over_runs_are_one(tmp_path: Path) -> None:
    split = (
        '<w:t xml:space="preserve">{{ num</w:t></w:r><w:proofErr w:type="spellStart"/><w:r><w:rPr><w:b/></w:rPr>'
        '<w:t>ber }</w:t></w:r><w:bookmarkStart w:id="1" w:name="x"/><w:r><w:t>}'
    )
    data = edited(Form.ORDER, replaced('<w:t xml:space="preserve">{{ number }}', split))
    templates = Templates.load(own(tmp_path, order=data))
    fields = compose(sample(Form.ORDER))
    said = [p.text for p in Document(io.BytesIO(templates.fill(Form.ORDER, fields))).paragraphs]
    assert fields["number"] in said


# --- tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("{{ stamp }}", "no field 'stamp'"),
        ("{{ rows }}", "no field 'rows'"),
        ("{{ case_id }}", "did you mean 'case'?"),
        ("{{ evidence.not }}", "did you mean 'note'?"),
        ("{% for g in evidence.groups %}{{ g.head }}{% endfor %}", "no field 'head'"),
        ("{% for l in body %}{{ l.txt }}{% endfor %}", "did you mean 'text'?"),
        ("{{ line.text }}", "no field 'line'"),
        ("{% for l in body %}{{ loop.prev }}{% endfor %}", "no loop.prev"),
        ("{{ body }}", "prints a list of Line (style, lead, text)"),
        ("{{ evidence }}", "prints a group of fields (label, title, groups, note): name one"),
        ("{% for x in office %}{{ x }}{% endfor %}", "walks through a text"),
        ("{% for office in body %}{% endfor %}", "which is a field's own name"),
        ("{{ office.__class__ }}", "begins with an underscore"),
        ("{{ office['__class__'] }}", "begins with an underscore"),
        ("{{ evidence['labl'] }}", "did you mean 'label'?"),
        ("{{ office.upper }}", "what stands before the point is a text"),
        ("{{ office.upper() }}", "a call may not stand"),
        ("{{ range(9) }}", "a call may not stand"),
        ("{{ self }}", "no field 'self'"),
        ("{{ cycler }}", "no field 'cycler'"),
        ("{{ office|safe }}", "the filter 'safe' is not known"),
        ("{{ office|attr('x') }}", "the filter 'attr' is not known"),
        ("{{ office|join }}", "the filter 'join' is for lists"),
        ("{{ body|join }}", "only a list of texts can be joined"),
        ("{{ title|join(office) }}", "takes fixed texts only"),
        ("{% autoescape false %}{{ office }}{% endautoescape %}", "{% autoescape %} may not stand"),
        ("{% set x = 1 %}", "{% set %} may not stand"),
        ("{% macro m() %}{% endmacro %}", "{% macro %} may not stand"),
        ("{% include 'letter.docx' %}", "{% include %} may not stand"),
        ("{% import 'x' as y %}", "{% import %} may not stand"),
        ("{% from 'x' import y %}", "{% import %} may not stand"),
        ("{% extends 'x' %}", "{% extends %} may not stand"),
        ("{% block x %}{% endblock %}", "{% block %} may not stand"),
        ("{% filter upper %}x{% endfilter %}", "{% filter %} may not stand"),
        ("{% with %}{% endwith %}", "{% with %} may not stand"),
        ("{{ 'x' * 999999999 }}", "a multiplication may not stand"),
        ("{{ 9 ** 99 }}", "a power may not stand"),
        ("{{ office + 1 }}", "counts with what is no number"),
        ("{% if office &gt; 3 %}{% endif %}", "compares the size of what is no number"),
        ("{% if office is defined %}{% endif %}", "a test (is …) may not stand"),
        ("{{ office[0:3] }}", "[…] takes a field's name or a place"),
        ("{{ {'a': 1} }}", "a dictionary may not stand"),
        ("{{ 1 == 1 }}", "prints no text"),
        ("{{ office", "expected token 'end of print statement'"),
        ("{% if office %}", "innermost block"),
        ("{% switch office %}", "unknown tag 'switch'"),
        ("{%up office %}", "unknown tag 'up'"),
        ("｛｛ office ｝｝", "full-width braces"),
        ("{％ if office ％}", "full-width braces"),
        ("{% for x in body recursive %}{% endfor %}", "in a way that is not known"),
        ("{% for a, b in body %}{% endfor %}", "in a way that is not known"),
    ],
)
def test_tags_that_do_more_than_name_a_field_are_refused(tmp_path: Path, tag: str, told: str) -> None:
    assert told in refused(tmp_path, with_text(tag))


@pytest.mark.parametrize(
    "tag",
    [
        "{{ office }}（{{ number }}）",
        "{% if copies and not mark %}{{ copies }}{% elif contact or case %}{{ case }}{% else %}无{% endif %}",
        "{% for l in title %}{{ loop.index }}/{{ loop.length }}{% if not loop.last %}、{% endif %}{% endfor %}",
        "{{ title|join('') }}{{ annexes|first if annexes else '' }}{{ annexes|length + 1 }}",
        "{{ evidence.label ~ '：' ~ evidence['title'] }}{{ '短' if office|length &lt;= 12 else '长' }}",
        "{% if office in ('甲局', '乙局') %}x{% endif %}{# 说明 #}",
        "{% for x in body if x.style == “h1” %}{{ x.text }}{% endfor %}",
        "{% raw %}{{ 原样 }}{% endraw %}",
    ],
)
def test_tags_that_name_fields_choose_and_walk_are_taken(tmp_path: Path, tag: str) -> None:
    templates = Templates.load(own(tmp_path, order=edited(Form.ORDER, with_text(tag))))
    assert templates.fill(Form.ORDER, compose(sample(Form.ORDER)))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (replaced('w:val="Title"', 'w:val="{{ case }}"'), "prints a field where no text stands (pStyle)"),
        (with_text("{{r case }}"), "prints a field where no text stands"),
        (with_text("x</w:t></w:r>{{ case }}<w:r><w:t>y"), "prints a field where no text stands (r)"),
        (with_text("{% if case %}</w:t></w:r></w:p>{% endif %}<w:p><w:r><w:t>"), "does not fit together once filled"),
        (with_text("{{ case }}</w:t></w:r></w:p>{{ office }}<w:p><w:r><w:t>"), "where no text stands (p)"),
        (replaced("{{ mark }}", "草稿", "word/header2.xml"), "does not mark a draft on even pages"),
        (replaced("{{ mark }}", "{{ case }}{{ office }}", "word/header1.xml"), "does not mark a draft on odd pages"),
        (
            lambda parts: parts.update({TEXT: parts[TEXT].replace(b"{{ date }}", b"")}),
            "order.docx: does not print 'date': a paper of this form cannot do without {{ date }}",
        ),
    ],
    ids=range(8),
)
def test_templates_that_would_not_do_as_papers_are_refused(tmp_path: Path, edit: Edit, told: str) -> None:
    assert told in refused(tmp_path, edit)


def test_a_header_without_the_mark_is_refused(tmp_path: Path) -> None:
    def edit(parts: dict[str, bytes]) -> None:
        for name in ("word/header1.xml", "word/header2.xml"):
            parts[name] = re.sub(rb"<w:p>.*</w:p>", b"<w:p/>", parts[name], flags=re.DOTALL)

    told = refused(tmp_path, edit)
    assert "does not mark a draft on even pages" in told
    assert "does not mark a draft on odd pages" in told


def test_a_cell_that_may_be_left_without_a_paragraph_is_refused(tmp_path: Path) -> None:
    cell = "<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc><w:tcPr/>{}</w:tc></w:tr></w:tbl><w:p/>"
    tags = "".join(
        f"<w:p><w:r><w:t>{tag}</w:t></w:r></w:p>" for tag in ("{%p if case %}", "{{ case }}", "{%p endif %}")
    )
    told = refused(tmp_path, replaced("<w:body>", f"<w:body>{cell.format(tags)}"))
    assert "with empty fields and lists, a table's cell has no paragraph" in told
