"""How a command ends: whatever happens in it becomes an exit status and a few words, never a traceback."""

from __future__ import annotations

import os
import signal
import sys

import typer

from auditor.cli import app
from auditor.errors import Exit, Failed, Interrupted, Refused


def run(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with a status of :class:`~auditor.errors.Exit`."""
    sys.exit(main(sys.argv[1:] if arguments is None else arguments))


def main(arguments: list[str]) -> int:
    """Runs a command and returns its exit status; prints no traceback unless ``--debug`` is given."""
    from typer.exceptions import TyperException

    debug = "--debug" in arguments
    # A service manager's TERM ends an audit as Ctrl-C does: nmap's process groups are ended and waited for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="auditor")
        return int(result) if isinstance(result, int) else Exit.DONE
    except typer.Exit as leaving:
        return leaving.exit_code
    except TyperException as error:
        sys.stderr.write(f"{error.format_message()}\nTry 'auditor --help', or --help after the command.\n")
        return Exit.REFUSED
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has gone (`auditor findings | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        if debug:
            raise
        return _explain(error)


def _explain(error: Exception) -> int:
    from auditor.ledger.errors import LedgerError
    from auditor.lock import LockError, LockHeld
    from auditor.output import print_faults, say
    from inventories.faults import Faults, clean

    match error:
        case Interrupted():
            say(f"interrupted: {error.how_to_go_on}")
            return Exit.INTERRUPTED
        case Faults():
            print_faults(error.faults)
            return Exit.REFUSED
        case Refused():
            for line in error.lines:
                say(clean(line, 2000))
            return Exit.REFUSED
        case LockHeld():
            print_faults([error.fault])
            return Exit.REFUSED
        case LockError() | LedgerError():
            print_faults([error.fault])
            return Exit.FAILED
        case Failed():
            say(clean(str(error), 2000))
            return Exit.FAILED
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            say(clean(f"{where}{error.strerror or error}", 2000))
            return Exit.FAILED
        case _:
            say(f"auditor failed: {type(error).__name__}: {clean(str(error), 500)}")
            say("this is a fault of the program: 'auditor --debug COMMAND' prints what to report")
            return Exit.FAILED
