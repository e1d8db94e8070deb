"""Cloud Custodian's own filters on the rules of ``yuncheng-2021``. Runs under an interpreter that has ``c7n``.

Every rule is written in the cheapest way that Custodian has: dates compared as ISO text instead of parsed, the
region as a list of codes instead of a pattern, every field present so that no JMESPath is evaluated. Custodian
knows two answers, so what is computed is the violations alone, without unknowns, denominators or a digest.

Usage: ``python _custodian.py FOLDER``, with ``<kind>.json`` (one object per line); prints one JSON object.
"""

import gc
import json
import sys
import time
from pathlib import Path
from typing import ClassVar

from c7n.filters import ValueFilter
from c7n.filters.core import And, FilterRegistry, Not, Or

SINCE = "2021-02-09"


class Manager:
    """As much of a resource manager as filters ask for."""

    data: ClassVar[dict] = {}
    ctx = None
    type = "bench"
    filter_registry = FilterRegistry("bench")

    def get_model(self):
        return type("Model", (), {"id": "key"})


for name, filter_class in (("value", ValueFilter), ("and", And), ("or", Or), ("not", Not)):
    Manager.filter_registry.register(name, filter_class)


def value(key, wanted, op=None):
    return {"type": "value", "key": key, "value": wanted, **({"op": op} if op else {})}


def rules(regions):
    """Rule → (kind, filters), each filter narrowing what the one before it left."""
    here = value("region", regions, "in")
    city = value("level_of_government", "city")
    county = value("level_of_government", ["county", "development_zone"], "in")
    in_use = value("status", ["building", "trial", "running"], "in")
    gov_cloud = value("hosting", "gov_cloud", "contains")
    city_cloud = value("hosting_levels", "city", "contains")
    shown, whose = value("hosting", "present"), value("hosting_levels", "present")
    off = {"or": [{"not": [gov_cloud]}, {"and": [whose, {"not": [city_cloud]}]}]}
    return {
        "county-migration": ("system", [here, county, value("status", ["trial", "running"], "in"), shown, off]),
        "catalogue-filed": (
            "system",
            [here, city, value("status", ["trial", "running", "suspended"], "in"), value("catalogue_absent", True)],
        ),
        "data-sharing": ("system", [here, city, value("status", "running"), value("exchange_absent", True)]),
        "industry-cloud-merged": (
            "cloud",
            [here, city, value("kind", "industry"), value("is_merged_under_city", False)],
        ),
        "migrate-to-cloud": ("system", [here, city, in_use, shown, off]),
        "no-build-before-approval": (
            "system",
            [here, city, in_use, value("construction_from", SINCE, "ge"), value("approval_absent", True)],
        ),
        "no-county-cloud": (
            "cloud",
            [
                here,
                county,
                value("kind", ["government", "county"], "in"),
                {
                    "or": [
                        value("built_on", SINCE, "ge"),
                        {"and": [value("expansion_absent", False), value("expanded_on", SINCE, "ge")]},
                    ]
                },
            ],
        ),
        "no-new-dedicated-network": (
            "network",
            [here, city, value("kind", "dedicated"), value("built_on", SINCE, "ge"), value("approval_absent", True)],
        ),
        "old-environment-still-running": (
            "system",
            [here, city, in_use, gov_cloud, city_cloud, value("hosts_alive_off_cloud", 0, "gt")],
        ),
        "registered": ("system", [here, city, value("is_observed", True), value("is_registered", False)]),
        "use-cloud-catalogue": (
            "host",
            [
                here,
                city,
                value("is_physical", True),
                value("purchased_on", SINCE, "ge"),
                value("cloud_offers", True),
                value("approval_absent", True),
            ],
        ),
        "use-cloud-catalogue-room": (
            "room",
            [
                *(here, city, value("kind", "own"), value("built_on", SINCE, "ge")),
                *(value("cloud_offers", True), value("approval_absent", True)),
            ],
        ),
    }


def main(folder):
    rows = {}
    for path in sorted(Path(folder).glob("*.json")):
        with path.open(encoding="utf-8") as stream:
            rows[path.stem] = [json.loads(line) for line in stream]
    regions = sorted({r["region"] for kind in rows.values() for r in kind if (r["region"] or "").startswith("1408")})
    gc.collect()
    gc.freeze()  # what was loaded is not searched for garbage again: in Custodian's favour
    manager = Manager()
    seconds, found = {}, {}
    cpu = time.process_time()
    for name, (kind, filters) in rules(regions).items():
        made = [Manager.filter_registry.factory(data, manager) for data in filters]
        left = rows[kind]
        started = time.perf_counter()
        for each in made:
            left = each.process(left, None)
        seconds[name], found[name] = time.perf_counter() - started, len(left)
    cpu = time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "violations": found}))


if __name__ == "__main__":
    main(sys.argv[1])
