"""The dashboards' variables. Grafana fills them from Prometheus; departments are chosen by name, in a region."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.grafana.model import Variable
from reports.grafana.promql import CHOICE, of_site

Json = dict[str, Any]

DATASOURCE, CONSOLE = "datasource", "console"
#: The data source that ``auditor deploy grafana`` writes; it is the one chosen at first.
DATASOURCE_UID, DATASOURCE_NAME = "auditor-prometheus", "基础设施核查"

#: Grafana's own number for a variable of ``query_result(…)``.
_QUERY_RESULT, _LABEL_VALUES = 3, 1
_HIDDEN = 2
_ON_LOAD, _ON_TIME = 1, 2

#: What the variables ask Prometheus, without Grafana's function around it.
SITES = "auditor_build_info"
REGIONS = of_site("group by (region) (auditor_department_info)")
DEPARTMENTS = of_site(CHOICE)
PACKS = of_site("group by (pack, title) (auditor_pack_info)")
ZONES = of_site("group by (name, zone) (auditor_zone_info)")
QUERIES = {
    Variable.REGION: REGIONS,
    Variable.DEPARTMENT: DEPARTMENTS,
    Variable.ONE_DEPARTMENT: DEPARTMENTS,
    Variable.PACK: PACKS,
    Variable.ZONE: ZONES,
}


def datasource_ref() -> Json:
    return {"type": "prometheus", "uid": f"${{{DATASOURCE}}}"}


def name_of(variable: Variable) -> str:
    """What queries call it: both ways of choosing departments have one name."""
    return "department" if variable is Variable.ONE_DEPARTMENT else variable.value


def templating(variables: Iterable[Variable], console: str) -> list[Json]:
    """The list of a dashboard's variables: data source and site first, the console's address, hidden, last."""
    return [_datasource(), _site(), *(_DRAWN[variable]() for variable in variables), _console(console)]


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": DATASOURCE,
        "label": "数据源",
        "description": "核查指标所在的 Prometheus。",
        "query": "prometheus",
        "regex": "",
        "current": {"selected": False, "text": DATASOURCE_NAME, "value": DATASOURCE_UID},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": _ON_LOAD,
        "skipUrlSync": False,
    }


def _console(console: str) -> Json:
    return {
        "type": "constant",
        "name": CONSOLE,
        "label": "控制台地址",
        "description": "核查程序控制台的地址；为空则不显示通往控制台的链接。",
        "query": console,
        "current": {"selected": False, "text": console, "value": console},
        "hide": _HIDDEN,
        "options": [],
        "skipUrlSync": True,
    }


def _query(name: str, label: str, description: str, query: str, kind: int) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": datasource_ref(),
        "query": {"qryType": kind, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "hide": 0,
        "options": [],
        "refresh": _ON_TIME,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
    }


_ALL: Json = {
    "multi": True,
    "includeAll": True,
    "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
}


def _named(first: str, second: str) -> str:
    """Code and name out of what ``query_result`` shows: ``{department="mzj",name="示例市民政局"} 1 …``."""
    groups = {"name": "text"}
    parts = [f'{label}="(?<{groups.get(label, "value")}>[^"]*)"' for label in (first, second)]
    return f"/{parts[0]}.*{parts[1]}/"


def _site() -> Json:
    query = f"label_values({SITES}, job)"
    body = _query("site", "站点", "站点，即 Prometheus 采集它的任务名称（job）。", query, _LABEL_VALUES)
    return body | {"multi": False, "includeAll": False}


def _region() -> Json:
    body = _query("region", "地区", "部门所在地区的行政区划代码。", f"query_result({REGIONS})", _QUERY_RESULT)
    # Departments without a region are there as long as none is chosen.
    return body | _ALL | {"regex": '/region="(?<value>[^"]*)"/', "allValue": ".*"}


def _departments() -> Json:
    """All departments are written out, since a region narrows them."""
    return _one_department() | {"description": "所选地区的部门；可选多个。"} | _ALL


def _one_department() -> Json:
    body = _query("department", "部门", "所选地区的部门。", f"query_result({DEPARTMENTS})", _QUERY_RESULT)
    return body | {"regex": _named("department", "name"), "multi": False, "includeAll": False}


def _pack() -> Json:
    body = _query("pack", "法规", "问题所依据的法规。", f"query_result({PACKS})", _QUERY_RESULT)
    regex = '/pack="(?<value>[^"]*)".*title="(?<text>[^"]*)"/'
    # Findings of a regulation that is no longer in force are there as long as none is chosen.
    return body | _ALL | {"regex": regex, "allValue": ".*"}


def _zone() -> Json:
    body = _query("zone", "网络区域", "探测所在的网络区域。", f"query_result({ZONES})", _QUERY_RESULT)
    return body | _ALL | {"regex": _named("name", "zone"), "allValue": ".*"}


_DRAWN = {
    Variable.REGION: _region,
    Variable.DEPARTMENT: _departments,
    Variable.ONE_DEPARTMENT: _one_department,
    Variable.PACK: _pack,
    Variable.ZONE: _zone,
}
