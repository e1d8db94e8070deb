"""Cloud Custodian's own filters on the packs' rules. Runs under an interpreter that has ``c7n``.

Every rule is written in the cheapest way that Custodian has: dates compared as ISO text instead of parsed, every
field present so that no JMESPath is evaluated, each filter narrowing what the one before it left. Custodian knows two
answers, so what is computed is the violations alone, without unknowns, denominators or a digest.

Usage: ``python _custodian.py FOLDER``, with ``rules.json`` (see ``_portable.py``) and ``<kind>.json`` (one object per
line); prints one JSON object.
"""

import gc
import json
import sys
import time
from pathlib import Path
from typing import ClassVar

from c7n.filters import ValueFilter
from c7n.filters.core import And, FilterRegistry, Not, Or

OPERATORS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "<>": "ne"}


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


def known(key, *others):
    return {"and": [value(key, "present"), *others]}


def filters_of(condition):
    """Custodian's filters for a portable condition; all of them must hold."""
    match condition:
        case ["and", parts]:
            return [made for part in parts for made in filters_of(part)]
        case ["or", parts]:
            return [{"or": [one(part) for part in parts]}]
        case ["cmp", key, "=", wanted]:
            return [value(key, wanted)]
        case ["cmp", key, "<>", wanted]:
            return [known(key, value(key, wanted, "ne"))]
        case ["cmp", key, op, wanted]:
            return [value(key, wanted, OPERATORS[op])]
        case ["in", key, wanted]:
            return [value(key, wanted, "in")]
        case ["out", key, wanted]:
            return [known(key, value(key, wanted, "not-in"))]
        case ["has", key, texts]:
            return [one(["or", [["contains", key, text] for text in texts]])]
        case ["contains", key, text]:
            return [value(key, text, "contains")]
        case ["lacks", key, texts]:
            return [known(key, *({"not": [value(key, text, "contains")]} for text in texts))]
        case ["unknown", key]:
            return [value(key, "absent")]
    raise ValueError(condition)


def one(condition):
    made = filters_of(condition)
    return made[0] if len(made) == 1 else {"and": made}


def main(folder):
    rules = json.loads((Path(folder) / "rules.json").read_text(encoding="utf-8"))
    manager = Manager()
    seconds, found, cpu = 0.0, {}, 0.0
    for kind in sorted({rule["kind"] for rule in rules}):
        with (Path(folder) / f"{kind}.json").open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        regions = sorted({row["region"] for row in rows if row["region"]})
        gc.collect()
        gc.freeze()  # what was loaded is not searched for garbage again: in Custodian's favour
        for rule in rules:
            if rule["kind"] != kind or "cols" in json.dumps(rule["condition"]):
                continue  # two columns of one row cannot be compared with each other
            here = [code for code in regions if code.startswith(rule["region"])]
            data = [*([value("region", here, "in")] if rule["region"] else []), *filters_of(rule["condition"])]
            made = [Manager.filter_registry.factory(each, manager) for each in data]
            left = rows
            started, ticks = time.perf_counter(), time.process_time()
            for each in made:
                left = each.process(left, None)
            seconds += time.perf_counter() - started
            cpu += time.process_time() - ticks
            found[rule["id"]] = len(left)
        rows = None
        gc.unfreeze()
    print(json.dumps({"seconds": seconds, "cpu": cpu, "violations": found}))


if __name__ == "__main__":
    main(sys.argv[1])
