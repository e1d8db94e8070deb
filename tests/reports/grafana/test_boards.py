"""Dashboards: they fit the grid, say what they show, and ask only for what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from reports.grafana import BOARDS, FOLDER, files, queries, substituted, variable_queries, words
from reports.grafana.boards import common
from reports.grafana.drawing import dashboard
from reports.grafana.model import COLUMNS, NOT_TOLD, SCREEN, Board, Kind, Panel, Query, Row, Variable
from reports.grafana.shipped import INSTANT, RANGE, variables_of
from reports.metrics_names import HISTOGRAM, METRICS
from tests.reports.prometheus.promql import references

Json = dict[str, Any]

#: Fixed: links, bookmarks and people's own boards hold on to them.
UIDS = [
    "auditor-city",
    "auditor-department",
    "auditor-places",
    "auditor-domestic",
    "auditor-assessments",
    "auditor-cases",
    "auditor-scanning",
]
#: Panels that Grafana has without any plugin.
CORE = {"stat", "bargauge", "barchart", "timeseries", "table"}
#: Labels that an expression makes for itself.
MADE = {"regulation", "quarter"}
#: The label that Prometheus sets itself: a site is a job.
SITE = "job"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def drawn(console: str = "") -> list[Json]:
    return [json.loads(text) for text in files(console).values()]


def panels() -> Iterator[tuple[Json, Json]]:
    for board in drawn():
        yield from ((board, panel) for panel in board["panels"])


each_panel = pytest.mark.parametrize(
    "panel", [pytest.param(panel, id=f"{board['uid']}-{panel['id']}") for board, panel in panels()]
)
each_board = pytest.mark.parametrize("board", drawn(), ids=lambda one: one["uid"])


# --- what is shipped ----------------------------------------------------------------------------------------


def test_the_shipped_dashboards_are_fresh() -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert shipped.keys() == files().keys(), "make docs"
    assert [name for name, text in files().items() if shipped[name] != text] == [], "make docs"


def test_there_are_seven_and_their_addresses_are_fixed() -> None:
    assert [board.uid for board in BOARDS] == UIDS
    assert [board["uid"] for board in drawn()] == UIDS
    assert len({board["title"] for board in drawn()}) == 7


@each_board
def test_a_dashboard_is_of_a_current_grafana_and_needs_no_plugin(board: Json) -> None:
    assert board["schemaVersion"] >= 39
    assert board["id"] is None, "Grafana gives the number"
    assert {panel["type"] for panel in board["panels"]} <= CORE
    assert "__inputs" not in board and "__requires" not in board
    assert CHINESE.search(board["title"]) and CHINESE.search(board["description"])


# --- the screen ---------------------------------------------------------------------------------------------


@each_board
def test_panels_fill_the_grid_without_overlapping(board: Json) -> None:
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= COLUMNS and p["h"] >= 5 and p["w"] >= 4 for p in places)
    cells = {(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
    assert len(cells) == sum(p["w"] * p["h"] for p in places), "two panels overlap"
    assert len(cells) == COLUMNS * max(p["y"] + p["h"] for p in places), "the grid has a hole"
    assert sorted(panel["id"] for panel in board["panels"]) == list(range(1, len(places) + 1))


@each_board
def test_a_meeting_room_sees_few_large_panels_at_once(board: Json) -> None:
    places = [panel["gridPos"] for panel in board["panels"]]
    rows = {y: [p for p in places if p["y"] == y] for y in {p["y"] for p in places}}
    assert max(len(row) for row in rows.values()) <= 4
    assert sum(p["y"] + p["h"] <= SCREEN for p in places) >= 4, "the first screen shows the gist"
    assert SCREEN in {p["y"] + p["h"] for p in places} or max(p["y"] for p in places) < SCREEN


def test_a_row_that_does_not_fill_the_grid_is_refused() -> None:
    panel = Panel("甲", "乙。", Kind.FIGURES, "none", 20, (Query("vector(1)", "丙"),))
    board = Board("auditor-x", "丁", "戊", "now-1d", (), (Row(6, (panel,)),))
    with pytest.raises(ValueError, match="20 columns wide"):
        list(board.placed())


# --- what a panel says --------------------------------------------------------------------------------------


@each_panel
def test_a_panel_says_what_it_shows_in_which_unit(panel: Json) -> None:
    assert CHINESE.search(panel["title"]) and len(panel["title"]) <= 24
    assert panel["description"].endswith("。") and len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    # A dollar would be a variable of Grafana's.
    assert "$" not in panel["title"] + panel["description"]


@each_board
def test_titles_are_told_apart(board: Json) -> None:
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)


@each_panel
def test_unknown_never_looks_like_nought(panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["noValue"] == NOT_TOLD
    every = [defaults["mappings"]]
    every += [p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "mappings"]
    for mappings in every:
        first = mappings[0]
        assert first["type"] == "special" and first["options"]["match"] == "null+nan"
        assert first["options"]["result"]["text"] == NOT_TOLD
        colours = {step["color"] for step in defaults["thresholds"]["steps"]}
        assert first["options"]["result"]["color"] not in colours


@each_panel
def test_thresholds_rise_from_below_everything(panel: Json) -> None:
    every = [panel["fieldConfig"]["defaults"]["thresholds"]]
    overrides = panel["fieldConfig"]["overrides"]
    every += [p["value"] for o in overrides for p in o["properties"] if p["id"] == "thresholds"]
    for thresholds in every:
        first, *rest = [step["value"] for step in thresholds["steps"]]
        assert first is None and None not in rest and rest == sorted(rest)


@each_panel
def test_overrides_are_of_something_that_is_there(panel: Json) -> None:
    names = {t["legendFormat"] for t in panel["targets"]}
    names |= set(renamed(panel).values())
    letters = {t["refId"] for t in panel["targets"]}
    for override in panel["fieldConfig"]["overrides"]:
        matcher = override["matcher"]
        assert matcher["options"] in (names if matcher["id"] == "byName" else letters)


def renamed(panel: Json) -> dict[str, str]:
    found = [t["options"]["renameByName"] for t in panel.get("transformations", ()) if t["id"] == "organize"]
    return found[0] if found else {}


@each_panel
def test_several_series_are_told_apart(panel: Json) -> None:
    targets = panel["targets"]
    assert len({t["refId"] for t in targets}) == len(targets) <= 26
    if panel["type"] == "timeseries":
        half = len(targets) // 2
        assert panel["options"]["legend"]["showLegend"]
        assert [t["legendFormat"] for t in targets[:half]] == [t["legendFormat"] for t in targets[half:]]
        assert [t["instant"] for t in targets] == [False] * half + [True] * half
        hidden = [o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"] if "hideFrom" in str(o)]
        assert hidden == [t["refId"] for t in targets[half:]], "the legend names each once"
        targets = targets[:half]
    if panel["type"] == "barchart" and len(targets) > 1:
        assert panel["options"]["legend"]["showLegend"]
    names = [t["legendFormat"] for t in targets]
    assert len(set(names)) == len(names)
    # A table's first query names the rows; every other series has a name of its own, and no code.
    assert all(CHINESE.search(name) for name in (names[1:] if panel["type"] == "table" else names))


@each_panel
def test_tables_name_their_columns(panel: Json) -> None:
    if panel["type"] not in ("table", "barchart"):
        return
    organize = next(t["options"] for t in panel["transformations"] if t["id"] == "organize")
    names = organize["renameByName"]
    assert all(CHINESE.search(title) for title in names.values())
    assert len(set(names.values())) == len(names) - ("Value" in names)
    for target in panel["targets"]:
        field = f"Value #{target['refId']}"
        assert target["format"] == "table" and target["instant"]
        assert (
            names.get(field) == target["legendFormat"]
            if target["legendFormat"]
            else field in organize["excludeByName"]
        )
    if panel["type"] == "table":
        (by,) = panel["options"]["sortBy"]
        assert by["displayName"] in names.values()
    else:
        assert panel["options"]["xField"] in names.values()


# --- what is asked ------------------------------------------------------------------------------------------


def known(name: str) -> str:
    """The metric behind a series' name; KeyError for a stale one."""
    base = re.sub(r"_(bucket|count|sum)$", "", name)
    if base != name and base in METRICS and METRICS[base].kind == HISTOGRAM:
        return base
    return METRICS[name].name


def labels_of(name: str) -> set[str]:
    return {SITE, *METRICS[known(name)].labels, *({"le"} if name.endswith("_bucket") else ())}


def check(expr: str) -> None:
    """AssertionError or KeyError for a metric, a label or a label's value that is not exported."""
    asked, grouped = references(expr)
    asked = {name: labels for name, labels in asked.items() if name not in ("by", "NaN")}
    assert all(name.startswith("auditor_") for name in asked), asked
    everything = set().union(*(labels_of(name) for name in asked))
    for name, labels in asked.items():
        assert labels <= labels_of(name), f"{name} has no label {labels - labels_of(name)}"
    unknown = grouped - everything - MADE - {label for metric in METRICS.values() for label in metric.labels} - {"le"}
    assert not unknown, f"nothing has the label {unknown}"
    for name, inside in re.findall(r'(auditor_\w+)\{((?:[^}"]|"[^"]*")*)\}', expr):
        for label, sign, text in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', inside):
            check_value(known(name), label, sign, text)


def check_value(name: str, label: str, sign: str, text: str) -> None:
    allowed = METRICS[name].values.get(label)
    if allowed is None or "$" in text:
        return
    for value in text.split("|") if "~" in sign else [text]:
        assert any(re.fullmatch(value if "~" in sign else re.escape(value), one) for one in allowed), (
            f"{name}: {label} is never {value!r}"
        )


@pytest.mark.parametrize("uid", UIDS)
def test_queries_ask_only_for_what_is_exported(uid: str) -> None:
    for one in queries():
        if one.uid == uid:
            check(one.expr)
            assert len(re.findall(r"auditor_\w+", one.expr)) == one.expr.count('{job=~"$site"'), "of one site alone"


def test_variables_ask_only_for_what_is_exported() -> None:
    for _, expr in variable_queries():
        check(expr)
        # Grafana takes what stands in query_result(…) from one line.
        assert "\n" not in expr


@pytest.mark.parametrize(
    "stale",
    [
        "sum(auditor_system)",
        'sum(auditor_systems{host="a"})',
        'sum(auditor_systems{hosting="goverment_cloud"})',
        'sum(auditor_cases{state=~"draft|finished"})',
        "sum by (owner) (auditor_rooms)",
        "auditor_rooms * on (departement) group_left (name) auditor_department_info",
        "sum(auditor_rooms_bucket)",
        "sum(up)",
    ],
)
def test_a_stale_reference_fails(stale: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check(stale)


@each_board
def test_variables_are_declared_and_used(board: Json) -> None:
    declared = {variable["name"] for variable in board["templating"]["list"]}
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in variables_of(target["expr"] + target["datasource"]["uid"])
    }
    chained = {
        name
        for variable in board["templating"]["list"]
        if isinstance(variable["query"], dict)
        for name in variables_of(variable["query"]["query"])
    }
    assert asked | chained <= declared
    # The console's address is there for links alone.
    assert declared - asked - chained <= {"console"}
    linked = {name for url in urls(board) for name in variables_of(url)}
    assert linked - {"__url_time_range", "__value"} <= declared | {"region", "department"}


@each_board
def test_every_panel_and_variable_asks_the_chosen_data_source(board: Json) -> None:
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    for panel in board["panels"]:
        assert panel["datasource"] == wanted
        assert all(target["datasource"] == wanted for target in panel["targets"])
    first, *_ = board["templating"]["list"]
    assert (first["type"], first["name"]) == ("datasource", "datasource")
    assert all(v["datasource"] == wanted for v in board["templating"]["list"] if v["type"] == "query")


@pytest.mark.parametrize(
    ("name", "answer", "value", "text"),
    [
        ("region", '{region="140800"} 1 1764000000000', "140800", None),
        ("department", '{department="mzj",name="示例市民政局"} 1 1764000000000', "mzj", "示例市民政局"),
        ("pack", '{pack="yuncheng-2021",title="运城市（试行）"} 1 1764000000000', "yuncheng-2021", "运城市（试行）"),
        ("zone", '{name="市级政务云",zone="gov-cloud"} 1 1764000000000', "gov-cloud", "市级政务云"),
    ],
)
def test_variables_show_names_and_hand_on_codes(name: str, answer: str, value: str, text: str) -> None:
    found = {v["name"]: v for board in drawn() for v in board["templating"]["list"]}[name]
    # Python writes named groups with a P.
    match = re.search(found["regex"].strip("/").replace("(?<", "(?P<"), answer)
    assert match and (match["value"], match.groupdict().get("text")) == (value, text)


# --- links --------------------------------------------------------------------------------------------------


def urls(board: Json) -> list[str]:
    out: list[str] = []
    for panel in board["panels"]:
        out += [link["url"] for link in panel["fieldConfig"]["defaults"].get("links", ())]
        for override in panel["fieldConfig"]["overrides"]:
            out += [link["url"] for p in override["properties"] if p["id"] == "links" for link in p["value"]]
    return [*out, *(link["url"] for link in board["links"] if link["type"] == "link")]


def test_links_lead_to_dashboards_that_exist_with_variables_that_they_have() -> None:
    has = {board["uid"]: {v["name"] for v in board["templating"]["list"]} for board in drawn()}
    found = [url for board in drawn() for url in urls(board)]
    assert found
    for url in found:
        match = re.fullmatch(r"/d/([a-z-]+)\?(.+)", url)
        assert match, url
        handed = set(re.findall(r"\$\{(\w+):queryparam\}", match[2])) | set(re.findall(r"var-(\w+)=", match[2]))
        assert handed <= has[match[1]], url


@each_board
def test_every_dashboard_leads_to_the_others(board: Json) -> None:
    (first,) = [link for link in board["links"] if link["type"] == "dashboards"]
    assert first["tags"] == board["tags"] == ["auditor"]
    assert first["includeVars"]


def test_without_an_address_nothing_leads_to_the_console() -> None:
    assert all("${console" not in text for text in files().values())
    for board in drawn():
        assert board["templating"]["list"][-1] == board["templating"]["list"][-1] | {
            "name": "console",
            "type": "constant",
            "query": "",
            "hide": 2,
        }


def test_with_an_address_every_dashboard_leads_to_the_console() -> None:
    address = "https://desk.example.gov.cn/audit"
    for board in drawn(address):
        assert board["templating"]["list"][-1]["current"]["value"] == address
        assert "${console:raw}" in urls(board)
    found = {url for board in drawn(address) for url in urls(board) if url.startswith("${console:raw}/")}
    assert "${console:raw}/departments/${__value.raw}" in found and len(found) > 5
    # The address itself stands in one place only.
    assert all(text.count(address) == 3 for text in files(address).values())


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "label", "said"),
    [
        ("auditor_systems", "hosting", words.HOSTING_WORDS),
        ("auditor_systems_excluded", "reason", words.EXCLUSION_WORDS),
        ("auditor_rooms", "origin", words.ORIGINS),
        ("auditor_networks", "origin", words.ORIGINS),
        ("auditor_networks", "kind", words.NETWORKS),
        ("auditor_components", "category", words.CATEGORIES),
        ("auditor_components_validity", "status", words.STANDING_WORDS),
        ("auditor_assessments", "status", words.STANDING_WORDS),
        ("auditor_cases", "state", words.CASE_STATE_WORDS),
        ("auditor_assets", "kind", words.KIND_WORDS),
        ("auditor_rule_info", "severity", words.SEVERITY_WORDS),
        ("auditor_audit_duration_seconds", "stage", words.STAGES),
        ("auditor_scrape_part_success", "part", words.PARTS),
        ("auditor_look_seen_timestamp_seconds", "by", words.BY_WORDS),
    ],
)
def test_every_code_has_a_chinese_word(metric: str, label: str, said: dict[str, str]) -> None:
    codes = METRICS[metric].values[label]
    assert [code for code in codes if not CHINESE.search(said.get(code, "")) and said.get(code) != "CPU"] == []


def test_every_figure_of_a_breakdown_is_there() -> None:
    """A breakdown that leaves a code out would not sum up to the whole."""
    asked = [one.expr for one in queries()]
    for metric, label in (
        ("auditor_systems", "hosting"),
        ("auditor_systems_excluded", "reason"),
        ("auditor_cases", "state"),
        ("auditor_findings", "severity"),
        ("auditor_components_validity", "status"),
        ("auditor_audit_duration_seconds", "stage"),
        ("auditor_scrape_part_success", "part"),
    ):
        for code in METRICS[metric].values[label]:
            wanted = re.compile(rf'{metric}\{{[^}}]*{label}=~?"{code}"')
            assert any(wanted.search(expr) for expr in asked), f"nothing shows {metric} with {label} {code}"
    assert set(common.SEVERITY_COLOURS) == set(METRICS["auditor_findings"].values["severity"])


# --- the list for others ------------------------------------------------------------------------------------


def test_every_target_is_in_the_list_of_queries() -> None:
    listed = [(one.uid, one.title, one.expr, one.kind) for one in queries()]
    in_json = [
        (board["uid"], panel["title"], target["expr"], INSTANT if target["instant"] else RANGE)
        for board, panel in panels()
        for target in panel["targets"]
    ]
    assert listed == in_json
    assert {one.kind for one in queries()} == {INSTANT, RANGE}
    assert {one.name for one in queries() if one.optional} == {"至多"}


def test_variables_are_substituted_as_grafana_does() -> None:
    expr = 'label_replace(a{d=~"$d", p=~"${p:raw}"}, "x", "$1", "y", "(.*)")'
    filled = substituted(expr, {"d": ["mzj", "a.b|c\\"], "p": ".*"})
    assert filled == 'label_replace(a{d=~"(mzj|a\\\\.b\\\\|c\\\\\\\\)", p=~".*"}, "x", "$1", "y", "(.*)")'
    assert substituted('a{d=~"$d"}', {"d": ["民政局"]}) == 'a{d=~"民政局"}'
    with pytest.raises(KeyError):
        substituted(expr, {"d": "x"})


def test_the_same_declarations_give_the_same_text() -> None:
    assert files() == files() and files("http://a") == files("http://a")
    board = Board("auditor-x", "甲", "乙", "now-1d", tuple(Variable), ())
    assert dashboard(board) == dashboard(board)
