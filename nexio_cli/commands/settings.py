"""``nexio settings``."""

from __future__ import annotations

import click

from nexio.locations.settings import NIST_FLOOR, as_words, parse_changes, warnings_for
from nexio_cli.terminal import once, options, output

RISKY = {"wifi_login", "planned_guests", "pin_length"}
"""What the chance of guessing a PIN depends on (R9)."""


@click.group(cls=once.Group)
def command() -> None:
    """Show or change how a location treats its visitors."""


@command.command()
@options.location
@options.as_json
def show(location_name: str | None, *, as_json: bool) -> None:
    """Show the settings of a location.

    The last line goes to stderr. It says how likely guessing is to succeed on the worst day
    from today on; with wifi-login=pin also after how many wrong PINs in a day new devices have
    to wait.
    """
    from nexio.locations.locations import get_location
    from nexio.reception.risk import risk_words

    with options.reading() as work:
        location = get_location(work, location_name)
        risk = risk_words(work, location)
    words = as_words(location.settings)
    if as_json:
        from nexio_cli.terminal.json_types import SettingsJson

        output.print_json(SettingsJson(words))
    else:
        output.print_table(
            ["setting", "value"], [[key, _shown(value)] for key, value in words.items()], ""
        )
        output.say(risk)


@command.command("set")
@click.argument("changes", metavar="KEY=VALUE...", nargs=-1, required=True)
@click.option(
    "--insecure-pin-login",
    is_flag=True,
    help="Allow wifi-login=pin with PINs that are too short for so many guests.",
)
@options.insecure_short_pin
@options.location
@options.as_json
def set_(
    changes: tuple[str, ...],
    location_name: str | None,
    *,
    insecure_pin_login: bool,
    insecure_short_pin: bool,
    as_json: bool,
) -> None:
    """Change settings, all of them or none.

    Most settings count for visitors who are registered from now on; wifi-login, roaming,
    remember-devices and device-limit-outage for every login, end-wifi-at-checkout for every
    check-out, cut-off for every check-in from now on; retention-days when housekeeping runs;
    ssid, language and what stands in mails (address, directions, logo, reply-to, check-in-code,
    wifi-code) at once, also for mail that waits.
    """
    from nexio.locations.locations import change_settings, get_location
    from nexio.reception.risk import risk_words, short_pin_words

    parsed = parse_changes(changes)
    with options.writing() as work:
        location = change_settings(
            work,
            get_location(work, location_name),
            parsed,
            insecure_pin_login=insecure_pin_login,
            insecure_short_pin=insecure_short_pin,
        )
        risk = risk_words(work, location)
    if as_json:
        from nexio_cli.terminal.json_types import SettingsJson

        output.print_json(SettingsJson(as_words(location.settings)))
    else:
        output.say(f"Saved for {location.name}.")
    output.warn(warnings_for(location.settings))
    if location.settings.pin_length < NIST_FLOOR:
        output.warn([short_pin_words(location.settings.pin_length)])
    if not RISKY.isdisjoint(parsed):
        output.say(risk)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)
