"""The two kinds of findings."""

from __future__ import annotations

from nexio.operations.health import Finding


def well(subject: str, message: str) -> Finding:
    """Nothing is to be done."""
    return Finding(subject=subject, message=message, well=True)


def unwell(subject: str, message: str, advice: str) -> Finding:
    """Something is to be done."""
    return Finding(subject=subject, message=message, advice=advice, well=False)
