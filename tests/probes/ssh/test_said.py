"""What ssh says of a login that fails, as it was recorded from OpenSSH 9.2 against real servers and worse ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.ssh.said import Refused, offered_key, why

DATA = Path(__file__).parent.parent / "data" / "ssh"


def said(name: str) -> str:
    return (DATA / f"{name}.txt").read_text()


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("unknown", "unknown_host_key", "not known"),
        ("changed", "changed_host_key", "has changed"),
        ("refused", "login_refused", "refused"),
        ("denied-with-lying-banner", "login_refused", "refused"),
        ("open-key", "no_credentials", "bad permissions"),
        ("no-key", "no_credentials", "private key"),
        ("no-algorithm", "unavailable", "no matching key exchange method"),
        ("closed-port", "unreachable", "closed"),
        ("fault-mute", "timed_out", "no answer"),
        ("fault-web", "bad_output", "no SSH"),
        ("fault-flood", "too_much", "without end"),
        ("fault-line", "too_much", "without end"),
        ("fault-ancient", "bad_output", "version 1"),
        ("fault-garbage", "bad_output", "no proper SSH"),
        ("fault-hangs-up", "unavailable", "hangs up"),
    ],
)
def test_each_fault_has_a_reason_of_its_own(name: str, reason: str, words: str) -> None:
    got = why(said(name))
    assert got.reason == reason
    assert words in got.message


def test_an_unknown_key_is_told_so_that_somebody_can_check_and_add_it() -> None:
    kind, fingerprint = offered_key(said("unknown")) or ("", "")
    assert kind == "ssh-ed25519"
    assert len(fingerprint) == len("SHA256:") + 43
    assert f"{kind} {fingerprint}" in why(said("unknown")).message
    assert f"{kind} {fingerprint}" in why(said("changed")).message


@pytest.mark.parametrize(
    ("name", "stage"),
    [("fault-mute", "accepted the connection"), ("fault-garbage", "greeted"), ("refused", "keys were exchanged")],
)
def test_one_that_hangs_is_told_with_how_far_it_came(name: str, stage: str) -> None:
    text = said(name)
    got = why(text[: text.index("timed out")] if "timed out" in text else text, late=45)
    assert got == Refused("timed_out", got.message)
    assert stage in got.message and "45 s" in got.message


def test_what_a_server_calls_itself_is_no_word_of_sshs() -> None:
    text = (
        "debug1: Remote protocol version 2.0, remote software version Connection refused timed out\r\n"
        "debug1: SSH2_MSG_KEXINIT sent\r\nConnection closed by 192.0.2.1 port 22\r\n"
    )
    assert why(text).reason == "unavailable"


def test_what_a_server_offers_is_no_word_of_sshs_either() -> None:
    text = (
        "debug1: Remote protocol version 2.0, remote software version x\r\n"
        "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. "
        "Their offer: @ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED\r\n"
    )
    assert why(text) == Refused("unavailable", "no matching host key type found")


@pytest.mark.parametrize("lie", ["Host key verification failed.", "debug1: SSH2_MSG_NEWKEYS sent\nPermission denied"])
def test_a_farewell_is_no_word_of_sshs_either(lie: str) -> None:
    text = (
        "debug1: Remote protocol version 2.0, remote software version x\r\n"
        f"Received disconnect from 192.0.2.1 port 22:2: so\n{lie}\r\nDisconnected from 192.0.2.1 port 22\r\n"
    )
    assert why(text) == Refused("unavailable", "it hangs up while keys are exchanged")


def test_a_greeting_that_lies_about_keys_is_only_text() -> None:
    lies = "No ED25519 host key is known for x and you have requested strict checking."
    text = (
        f"debug1: kex_exchange_identification: banner line 0: {lies}\r\n"
        f"debug1: kex_exchange_identification: banner line 1: Host key verification failed.\r\n"
        "kex_exchange_identification: Connection closed by remote host\r\n"
    )
    assert why(text).reason == "bad_output"


def test_nothing_at_all_is_a_reason_too() -> None:
    assert why("").reason == "bad_output"


def test_messages_are_short_and_clean() -> None:
    got = why("debug1: SSH2_MSG_NEWKEYS sent\n\x1b[2J" + "x" * 10_000 + "\n")
    assert "\x1b" not in got.message
    assert len(got.message) < 200
