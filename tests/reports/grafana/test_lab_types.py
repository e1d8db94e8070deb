"""The dashboards against the types that Grafana publishes (``@grafana/schema``), of the oldest and newest that count.

``schema/package-lock.json`` pins what is fetched from npm's registry: types and the TypeScript compiler, nothing
else; none of it is run but the compiler. ``schema/dashboard.ts`` says what of the types a dashboard here may use.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.grafana import files

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("npm")]

SCHEMA = Path(__file__).parent / "schema"
VERSIONS = [
    name for name in json.loads((SCHEMA / "package.json").read_text("utf-8"))["devDependencies"] if "-" in name
]
#: Grafana 11 publishes its panels' types behind no name of their own.
BY_PATH = {"@grafana/schema/dist/*": ["./node_modules/@grafana/schema/dist/*"]}

Compile = Callable[[str, dict[str, str]], str]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lock names, installed; nothing that comes with it is run."""
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SCHEMA / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "node_modules"


@pytest.fixture
def complaints(packages: Path, tmp_path: Path) -> Compile:
    """Compiles dashboards against one version; gives the compiler's complaints, empty where it has none."""

    def compiled(version: str, texts: dict[str, str]) -> str:
        shutil.copytree(packages / version, tmp_path / "node_modules" / "@grafana" / "schema")
        shutil.copy(SCHEMA / "dashboard.ts", tmp_path)
        options = {
            "module": "esnext",
            "moduleResolution": "bundler",
            "noEmit": True,
            "skipLibCheck": True,
            "strict": True,
            "target": "es2022",
            "types": [],
            **({"paths": BY_PATH} if version == "grafana-11" else {}),
        }
        (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}), encoding="utf-8")
        for name, text in texts.items():
            code = (
                f"import type {{ Board }} from './dashboard';\nexport const board = {text.strip()} satisfies Board;\n"
            )
            (tmp_path / f"{Path(name).stem}.ts").write_text(code, encoding="utf-8")
        command = ["node", str(packages / "typescript" / "bin" / "tsc"), "--project", "."]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert (done.returncode == 0) == (not done.stdout.strip()), done.stdout + done.stderr
        return done.stdout

    return compiled


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("console", ["", "https://desk.example.gov.cn"])
def test_dashboards_are_what_grafana_publishes(complaints: Compile, version: str, console: str) -> None:
    assert complaints(version, files(console)) == ""


#: Faults of every depth, each of which has to be found.
SPOILT = {
    "a number as text": ('"schemaVersion": 41', '"schemaVersion": "41"'),
    "a misspelt property": ('"noValue"', '"noValues"'),
    "a misspelt option": ('"showUnfilled"', '"showUnfiled"'),
    "a missing option": ('"reduceOptions": {', '"reduced": {'),
    "an option's value": ('"graphMode": "none"', '"graphMode": "never"'),
    "a panel that is none of the five": ('"type": "bargauge"', '"type": "singlestat"'),
    "a style of lines": ('"drawStyle": "line"', '"drawStyle": "lines"'),
    "a mapping": ('"match": "null+nan"', '"match": "nothing"'),
    "a cell": ('"type": "gauge"', '"type": "gage"'),
    "a matcher": ('"id": "byName"', '"id": "byNames"'),
    "a colour": ('"fixedColor"', '"fixedColour"'),
    "a variable's kind": ('"type": "datasource"', '"type": "source"'),
    "a place": ('"w": 7,', '"w": "7",'),
    "no description": ('"description": "上云率＝', '"describes": "上云率＝'),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_spoilt_dashboard_is_found(complaints: Compile, version: str) -> None:
    good = files()["auditor-city.json"]
    spoilt = {}
    for number, (fault, (before, after)) in enumerate(SPOILT.items()):
        assert before in good, fault
        spoilt[f"spoilt{number}.json"] = good.replace(before, after, 1)
    found = complaints(version, spoilt)
    unseen = [fault for number, fault in enumerate(SPOILT) if f"spoilt{number}.ts(" not in found]
    assert unseen == []
