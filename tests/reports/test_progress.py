"""Progress: drawn on a terminal, a few plain lines elsewhere."""

import io
import os
import pty
import select
import threading

from reports.progress import Drawn, Lines, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_drawn_on_a_terminal_only() -> None:
    assert isinstance(progress(io.StringIO()), Lines)
    assert isinstance(progress(Terminal()), Drawn)


def test_lines_are_few() -> None:
    stream = io.StringIO()
    with progress(stream) as shown:
        shown.stage("collect", "2 zones")
        for done in range(1001):
            shown.zone("mzj", done, 1000, "127.20.1.0/26")
        shown.zone("jtj", 0, 0)
        shown.note("czj: refused: no authorisation")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "collect: 2 zones"
    assert lines[1] == "mzj: 0/1000 shards (0%) 127.20.1.0/26"
    assert "mzj: 1000/1000 shards (100%) 127.20.1.0/26" in lines
    assert lines[-2:] == ["jtj: 0/0 shards (100%)", "czj: refused: no authorisation"]
    assert len(lines) == 1 + 11 + 2


def test_text_from_outside_does_nothing() -> None:
    for stream in (io.StringIO(), Terminal()):
        with progress(stream) as shown:
            shown.stage("collect", "[red]x[/red]")
            shown.zone("[bold]z", 1, 2, "\x1b]0;owned\x07[link=http://evil]")
            shown.note("\x1b[31mnote [green]\nsecond")
        text = stream.getvalue()
        assert "\x1b]0;" not in text
        assert "\x07" not in text
        assert "\x1b[31mnote" not in text
        assert "[green]" in text


def test_several_threads_tell_at_once() -> None:
    stream = io.StringIO()
    with progress(stream) as shown:
        threads = [
            threading.Thread(target=lambda z=zone: [shown.zone(f"z{z}", i, 50) for i in range(51)])  # type: ignore[misc]
            for zone in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(stream.getvalue().splitlines()) == 8 * 11


def test_the_terminal_is_put_in_order_whatever_ends_the_audit() -> None:
    leader, follower = pty.openpty()
    try:
        with os.fdopen(follower, "w", encoding="utf-8") as stream:
            try:
                with progress(stream) as shown:
                    shown.stage("collect")
                    shown.zone("mzj", 1, 4, "127.20.1.0/26")
                    shown.stage("evaluate")
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                pass
            stream.flush()
            raw = b""
            while select.select([leader], [], [], 0.2)[0]:
                raw += os.read(leader, 65_536)
            said = raw.decode()
    finally:
        os.close(leader)
    assert "mzj" in said
    assert "1/4" in said
    # The cursor that was hidden is shown again.
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
