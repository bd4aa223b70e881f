"""The time slice of a process that answers."""

from __future__ import annotations

import os
import platform

import pytest

from radius_auth.server.time_slice import SHORTEST, ask_for_slice


def _in_a_child(nice: int) -> tuple[int, int, bool]:
    """Priority and policy after it was asked for, and what it returned."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.nice(nice)
        taken = ask_for_slice(SHORTEST)
        found = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), taken
        os.write(write, " ".join(map(str, map(int, found))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        priority, policy, taken_ = map(int, pipe.read().split())
    return priority, policy & ~os.SCHED_RESET_ON_FORK, bool(taken_)


def test_priority_and_policy_stay_as_the_operator_has_set_them(programs: None) -> None:
    """A unit of systemd may say ``Nice=``."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert _in_a_child(0)[:2] == (before, os.SCHED_OTHER)
    assert _in_a_child(3)[:2] == (before + 3, os.SCHED_OTHER)


def test_another_machine_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call is made where its number is not known."""
    monkeypatch.setattr(platform, "machine", lambda: "another")
    assert not ask_for_slice(SHORTEST)
