"""A Rego engine on the packs' rules. Runs under an interpreter that has ``regorus``, which is written in Rust.

The assets are given in batches, each as one input document, and only evaluation is timed, not their parsing. Like
Custodian, it computes the violations alone.

Usage: ``python _rego.py FOLDER``, with ``rules.json`` (see ``_portable.py``) and ``<kind>.json`` (one object per
line); prints one JSON object.
"""

import json
import sys
import time
from itertools import count, islice
from pathlib import Path

import regorus

BATCH = 5_000
OPERATORS = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Writer:
    """Writes Rego; a disjunction becomes a function of its own, with one body for each part."""

    def __init__(self):
        self.functions = []
        self.names = (f"any{number}" for number in count())

    def lines(self, condition):
        """Statements about ``row``, all of which must hold."""
        match condition:
            case ["and", parts]:
                return [line for part in parts for line in self.lines(part)]
            case ["or", parts]:
                name = next(self.names)
                self.functions += [self.function(name, self.lines(part)) for part in parts]
                return [f"{name}(row)"]
            case ["cmp", key, op, wanted]:
                # Null is a value in Rego, and smaller than any other but false.
                guard = [] if op == "=" else [f"row.{key} != null"]
                return [*guard, f"row.{key} {OPERATORS[op]} {json.dumps(wanted, ensure_ascii=False)}"]
            case ["cols", left, op, right]:
                return [f"row.{left} != null", f"row.{right} != null", f"row.{left} {OPERATORS[op]} row.{right}"]
            case ["in", key, wanted]:
                return [f"row.{key} in {set_of(wanted)}"]
            case ["out", key, wanted]:
                return [f"row.{key} != null", f"not row.{key} in {set_of(wanted)}"]
            case ["has", key, texts]:
                return [f"row.{key} != null", *self.lines(["or", [["contains", key, text] for text in texts]])]
            case ["contains", key, text]:
                return [f"{json.dumps(text, ensure_ascii=False)} in row.{key}"]
            case ["lacks", key, texts]:
                held = (json.dumps(text, ensure_ascii=False) for text in texts)
                return [f"row.{key} != null", *(f"not {text} in row.{key}" for text in held)]
            case ["unknown", key]:
                return [f"row.{key} == null"]
        raise ValueError(condition)

    @staticmethod
    def function(name, lines):
        return f"{name}(row) if {{\n\t" + "\n\t".join(lines or ["true"]) + "\n}"


def set_of(wanted):
    return "{" + ", ".join(json.dumps(each, ensure_ascii=False) for each in wanted) + "}"


def policy(rules):
    writer = Writer()
    heads = []
    for number, rule in enumerate(rules):
        here = [f'startswith(row.region, "{rule["region"]}")'] if rule["region"] else []
        guard = ["row.region != null", *here] if here else []
        writer.functions.append(writer.function(f"broken{number}", [*guard, *writer.lines(rule["condition"])]))
        heads.append(f'\t"{rule["id"]}": count([1 | some row in input; broken{number}(row)]),')
    body = "\n\n".join([*writer.functions, "found := {\n" + "\n".join(heads) + "\n}"])
    return f"package bench\n\nimport rego.v1\n\n{body}\n"


def main(folder):
    rules = json.loads((Path(folder) / "rules.json").read_text(encoding="utf-8"))
    seconds, cpu, found = 0.0, 0.0, {}
    for kind in sorted({rule["kind"] for rule in rules}):
        engine = regorus.Engine()
        engine.add_policy("bench.rego", policy([rule for rule in rules if rule["kind"] == kind]))
        with (Path(folder) / f"{kind}.json").open(encoding="utf-8") as stream:
            while lines := list(islice(stream, BATCH)):
                engine.set_input_json("[" + ",".join(lines) + "]")
                started, ticks = time.perf_counter(), time.process_time()
                counted = engine.eval_rule("data.bench.found")
                seconds += time.perf_counter() - started
                cpu += time.process_time() - ticks
                for rule, number in counted.items():
                    found[rule] = found.get(rule, 0) + number
    print(json.dumps({"seconds": seconds, "cpu": cpu, "violations": found}))


if __name__ == "__main__":
    main(sys.argv[1])
