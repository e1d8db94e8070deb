"""Options that many commands take, each in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SiteOption = Annotated[
    Path, typer.Option("--site", envvar="AUDITOR_SITE", help="The site's folder.", show_default="the current folder")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
HERE = Path()
