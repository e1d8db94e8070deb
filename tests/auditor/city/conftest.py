"""What tests of the example city share."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def own_network() -> Iterator[str]:
    """The first two numbers of loopback addresses (``127.142``) that no other such test of this machine uses now."""
    for second in itertools.chain(range(120 + os.getpid() % 130, 250), range(120, 250)):
        claim = socket.socket()
        try:
            # Never listened on: it only says that the network is taken, to every other process that looks here.
            claim.bind((f"127.{second}.255.254", 47_077))
        except OSError:
            claim.close()
            continue
        with claim:
            yield f"127.{second}"
        return
    raise AssertionError("no free loopback network")
