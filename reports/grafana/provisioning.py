"""What Grafana reads when it starts: which data source there is, and where the dashboards lie. No secret in it."""

from __future__ import annotations

from pathlib import PurePosixPath

from reports.grafana.shipped import files
from reports.grafana.variables import DATASOURCE_NAME, DATASOURCE_UID

FOLDER_NAME, FOLDER_UID = "基础设施核查", "auditor"
#: Below Grafana's own folder of settings, usually ``/etc/grafana``.
DATASOURCE_FILE = PurePosixPath("provisioning/datasources/auditor.yaml")
PROVIDER_FILE = PurePosixPath("provisioning/dashboards/auditor.yaml")
DASHBOARDS = PurePosixPath("dashboards")

_HEAD = "# Written by 'auditor deploy grafana'; written anew by it, so change its options rather than this file.\n"


def provisioned(prometheus: str, console: str, folder: PurePosixPath) -> dict[PurePosixPath, str]:
    """Path below Grafana's folder → text, all of it. ``folder`` is that folder as Grafana calls it.

    ``prometheus`` and ``console`` are addresses; an empty ``console`` leaves the links to it out.
    """
    return {
        DATASOURCE_FILE: datasource(prometheus),
        PROVIDER_FILE: provider(folder / DASHBOARDS),
        **{DASHBOARDS / name: text for name, text in files(console).items()},
    }


def datasource(prometheus: str) -> str:
    """The data source that dashboards choose at first. Text is asked for by POST: queries are long."""
    return _yaml(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    "name": DATASOURCE_NAME,
                    "uid": DATASOURCE_UID,
                    "type": "prometheus",
                    "access": "proxy",
                    "orgId": 1,
                    "url": _literal(prometheus),
                    "isDefault": False,
                    "editable": False,
                    "jsonData": {"httpMethod": "POST", "timeInterval": "1m", "prometheusType": "Prometheus"},
                }
            ],
        }
    )


def provider(dashboards: PurePosixPath) -> str:
    """Where the dashboards lie; they are read again when they change, and cannot be changed in Grafana."""
    return _yaml(
        {
            "apiVersion": 1,
            "providers": [
                {
                    "name": "auditor",
                    "orgId": 1,
                    "folder": FOLDER_NAME,
                    "folderUid": FOLDER_UID,
                    "type": "file",
                    "disableDeletion": False,
                    "updateIntervalSeconds": 30,
                    "allowUiUpdates": False,
                    "options": {"path": _literal(str(dashboards))},
                }
            ],
        }
    )


def _literal(text: str) -> str:
    """Grafana takes ``$NAME`` in its settings for a variable of the environment, and ``$$`` for a dollar."""
    return text.replace("$", "$$")


def _yaml(body: object) -> str:
    import yaml

    text: str = yaml.safe_dump(body, allow_unicode=True, sort_keys=False)
    return _HEAD + text
