"""Runs a campaign: ``python -m tests.fuzz [--packets N | --seconds N] [--number N]``."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.fuzz.campaign import ROUND, Campaign


def main(arguments: list[str]) -> None:
    """Send packets until enough were sent, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, help="end after that time instead")
    parser.add_argument("--number", type=int, default=1, help="the same one sends the same again")
    given = parser.parse_args(arguments)
    logging.disable()  # the discards
    campaign, began = Campaign(given.number), time.monotonic()
    while not _is_over(given, campaign, time.monotonic() - began):
        campaign.run(ROUND)
    found = campaign.findings
    print(
        f"{found.packets} packets in {time.monotonic() - began:.0f} s: {found.decisions} decisions,"
        f" {found.records} records,"
        f" {found.replies} replies,"
        f" the dearest packet {found.worst_seconds * 1000:.2f} ms,"
        f" {found.growth / 1024:.0f} KiB more memory"
    )
    for reason, count in campaign.discards().most_common():
        print(f"{count:9} {reason}")


def _is_over(given: argparse.Namespace, campaign: Campaign, seconds: float) -> bool:
    if given.seconds is not None:
        return bool(seconds >= given.seconds)
    return bool(campaign.findings.packets >= given.packets)


main(sys.argv[1:])
