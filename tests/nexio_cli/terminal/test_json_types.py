"""The types of ``--json`` are complete where mypy cannot see it."""

from __future__ import annotations

from dataclasses import fields

from nexio_cli.terminal.json_types import StatusJson
from radius_auth.protocol.statistics import Counts
from radius_auth.protocol.status import Status


def test_a_status_has_its_fields_and_those_of_its_counts() -> None:
    """``nexio radius status --json`` prints them beside each other."""
    known = {each.name for each in (*fields(Status), *fields(Counts))} - {"counts"}

    assert set(StatusJson.__annotations__) == known
