"""``--json`` prints what its types say, also where mypy cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from nexio_cli.terminal import json_types as types
from radius_auth.protocol.statistics import Counts
from radius_auth.protocol.status import Status

if TYPE_CHECKING:
    import pytest

    from tests.support.cli.running import Nexio

DAY: list[tuple[str, Any]] = [
    ("init", types.InitJson),
    ("settings set ssid=Guests", dict),
    ("token on", types.TokensJson),
    ("nas add lobby 192.0.2.1", types.NasJson),
    ("nas list", list[types.NasJson]),
    ("member add --first-name Ana --last-name Reyes --email ana@example.com", types.MemberJson),
    ("member list", list[types.MemberJson]),
    ("member remove 1 --yes", types.MemberJson),
    ("visitor list", list[types.VisitJson]),
    ("visitor show 1", types.VisitJson),
    ("visitor qr 1", types.QrJson),
    ("visitor export {home}/visits.csv", types.WrittenJson),
    ("visitor slip 1 --output {home}/slip.html", types.WrittenJson),
    ("guard release 1 --device 02:00:00:00:00:01 --yes", types.ReleasedJson),
    ("token list", list[types.HeldTokenJson]),
    ("token extend 1 --by 30m", types.HeldTokenJson),
    ("checkin --visit 1", types.DoneTapJson),
    ("checkin list", list[types.TapJson]),
    ("today", list[types.TodayJson]),
    ("checkin undo 1", types.TapJson),
    ("mail list", list[types.MailJson]),
    ("mail deliver", types.DeliveryJson),
    ("explain zoe@example.com", list[types.ExplanationJson]),
    ("visitor reissue 1 --yes", list[types.ReissuedJson]),
    ("visitor reissue 1 --yes", list[types.ReissueFailedJson]),
    ("housekeeping", types.HousekeepingJson),
    ("doctor", list[types.FindingJson]),
    ("db current", types.VersionJson),
    ("db upgrade", types.UpgradeJson),
    ("db backup {home}/backup.db", types.BackupJson),
    ("db restore {home}/backup.db --yes", types.RestoredJson),
    ("key rotate --yes", types.RotatedJson),
    ("token off --revoke --yes", types.TokensJson),
    ("location add Annex --timezone UTC", types.LocationJson),
    ("location list", list[types.LocationJson]),
    ("location show Annex", types.LocationJson),
    ("location add Pier --timezone UTC", types.LocationJson),
    ("location remove Pier --yes", types.LocationJson),
    ("location edit Annex --timezone Europe/London", types.LocationJson),
    ("nas profiles", list[types.NasProfileJson]),
    ("nas profiles mikrotik", types.NasProfileJson),
]
"""Commands in the order of a day, and the type of what they print."""


def misfits(value: Any, kind: Any, where: str = "") -> list[str]:
    """The places in a value that are not of a type."""
    if get_origin(kind) in {UnionType, NotRequired}:
        return min((misfits(value, each, where) for each in get_args(kind)), key=len)
    if get_origin(kind) is list:
        return [bad for each in value for bad in misfits(each, get_args(kind)[0], f"{where}[]")]
    if is_typeddict(kind):
        return _misfits_of_keys(value, kind, where)
    if issubclass(get_origin(kind) or kind, StrEnum):
        return [] if value in list(kind) else [f"{where} is {value!r}"]
    return [] if isinstance(value, get_origin(kind) or kind) else [f"{where} is {value!r}"]


def _misfits_of_keys(value: Any, kind: Any, where: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{where} is {value!r}"]
    hints = get_type_hints(kind, include_extras=True)
    needed = {key for key, hint in hints.items() if get_origin(hint) is not NotRequired}
    wrong = [f"{where}.{key}" for key in (needed - {*value}) | ({*value} - {*hints})]
    for key in {*value} & {*hints}:
        wrong += misfits(value[key], hints[key], f"{where}.{key}")
    return wrong


def test_each_command_prints_its_type(
    sqlite_desk: Nexio, zoe: object, subtests: pytest.Subtests
) -> None:
    """All keys, no others, and values of their types."""
    for words, kind in DAY:
        with subtests.test(words):
            typed = words.format(home=sqlite_desk.configuration.home)
            ran = sqlite_desk(*typed.split(), "--json")
            assert ran.json, ran
            assert misfits(ran.json, kind) == []


def test_a_key_too_few_or_too_many_is_noticed() -> None:
    """And a value of another type."""
    whole = {"id": 1, "name": "A", "time_zone": "UTC", "reply": []}
    assert misfits(whole, types.LocationJson) == []
    assert misfits({"id": 1, "name": "A", "reply": []}, types.LocationJson) == [".time_zone"]
    assert misfits(whole | {"id": "1"}, types.LocationJson)
    assert misfits(whole | {"x": 1}, types.LocationJson)


def test_a_status_has_its_fields_and_those_of_its_counts() -> None:
    """``nexio radius status --json`` prints them beside each other."""
    known = {each.name for each in (*fields(Status), *fields(Counts))} - {"counts"}

    assert set(types.StatusJson.__annotations__) == known
