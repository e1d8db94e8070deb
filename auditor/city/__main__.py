"""``python -m auditor.city``: the example city, its demonstration, and commands tried while it answers."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from auditor.errors import Exit
from auditor.output import print_faults, say
from inventories.faults import Faults


def main(arguments: list[str]) -> int:
    """Runs a command and returns its exit status: 2 where nothing could be done, 130 on Ctrl-C."""
    from auditor.city.listeners import CityFault

    options = _parser().parse_args(arguments)
    os.umask(0o077)
    try:
        return _run(options)
    except Faults as error:
        print_faults(error.faults)
        return Exit.REFUSED
    except CityFault as error:
        say(str(error))
        return Exit.REFUSED
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return Exit.FAILED
    except KeyboardInterrupt:
        say("interrupted")
        return Exit.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auditor.city", description=__doc__.replace("``", ""))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="audit the example city from end to end, and show what was found")
    demo.add_argument("--site", type=Path, default=Path(".demo"), help="its folder (default: .demo)")

    up = commands.add_parser("up", help="let the city answer, in the foreground, until Ctrl-C")
    up.add_argument("--site", type=Path, required=True, help="a folder made by 'auditor init DIR --example'")
    up.add_argument("--ready-fd", type=int, help="tell this descriptor, in a line of JSON, when everything listens")
    up.add_argument("--while-fd", type=int, help="end when the other end of this pipe is closed")

    run = commands.add_parser("run", help="let the city answer while another command runs")
    run.add_argument("--site", type=Path, required=True, help="a folder made by 'auditor init DIR --example'")
    run.add_argument("words", nargs="+", metavar="COMMAND", help="after '--': the command with its own options")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        from auditor.city.demo import demo

        return demo(options.site)
    if options.command == "run":
        from auditor.city.children import run_in_city

        return run_in_city(options.site, options.words)
    from auditor.city.listeners import serve
    from auditor.city.plan import PLAN_FILE, load_plan

    plan = load_plan(options.site / PLAN_FILE)
    serve(plan, options.site / "state", ready_fd=options.ready_fd, while_fd=options.while_fd, say=say)
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
