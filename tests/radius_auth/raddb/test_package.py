"""The files for raddb that come with the software."""

from __future__ import annotations

from radius_auth.raddb.package import FOLDERS, packaged


def test_what_is_for_people_stays_here() -> None:
    """README.md and what makes a package of the folder are not put into raddb."""
    assert {path.partition("/")[0] for path in packaged()} == set(FOLDERS)
