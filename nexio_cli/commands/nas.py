"""``nexio nas``."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from nexio.network.nas_profiles import GENERIC
from nexio_cli.terminal import once, options, output
from nexio_cli.terminal.shapes import address_words, nas_json, profile_json, reply_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.network.nas import Nas
    from nexio.network.nas_profiles import NasProfile
    from nexio.network.nas_signatures import Signatures
    from nexio_cli.terminal.json_types import NasJson


def _protection(*, default: bool | None) -> Callable[[options.Callback], options.Callback]:
    """The two switches against forged requests; a NAS that is edited keeps what it has."""
    message_authenticator = click.option(
        "--require-message-authenticator/--insecure-no-message-authenticator",
        default=default,
        help="Discard requests that could be forged on their way"
        + (" (default: required)." if default else "."),
    )
    proxy_state = click.option(
        "--limit-proxy-state/--insecure-any-proxy-state",
        default=default,
        help="Without Message-Authenticator, discard requests that carry Proxy-State"
        + (" (default: on)." if default else "."),
    )
    return lambda callback: message_authenticator(proxy_state(callback))


_takes_disconnects = click.option(
    "--disconnect",
    "takes_disconnects",
    type=click.Choice(["rfc5176", "none"]),
    help="Whether it ends sessions when it is asked to (RFC 5176; default: it does).",
)


_disconnect_source = click.option(
    "--disconnect-source",
    metavar="ADDRESS",
    help="Which address of the server's machine disconnects come from; '' for the usual one.",
)


def _profiles(_context: click.Context, _option: click.Parameter, start: str) -> list[str]:
    """What a shell proposes for a profile."""
    from nexio.network.nas_profiles import list_profiles

    return [each.name for each in list_profiles() if each.name.startswith(start)]


_profile = click.option(
    "--profile",
    metavar="PROFILE",
    shell_complete=_profiles,
    help="What kind of NAS it is, see 'nexio nas profiles': how it takes disconnects, counts "
    "octets and limits a guest's bandwidth.",
)

_counts = click.option(
    "--counts",
    type=click.Choice(["nas", "client", ""]),
    help="Whether its input octets are what the NAS received or what the client received, if "
    "that is not as its profile says; '' for that.",
)


@click.group(cls=once.Group)
def command() -> None:
    """Manage the access points and controllers that ask over RADIUS."""


@command.command()
@click.argument("name")
@click.argument("address")
@click.option(
    "--secret",
    metavar="TEXT",
    help="The shared secret, at most 128 octets; '-' reads it from stdin. Left out, one is "
    "made and shown.",
)
@click.option("--ssid", metavar="SSID", help="Only for guests of this network name.")
@click.option("--identifier", metavar="TEXT", help="Only for this NAS-Identifier.")
@_protection(default=True)
@click.option(
    "--disconnect-host",
    "disconnect",
    metavar="HOST[:PORT]",
    help="Where it listens for disconnects, if not at the address that it sends accounting from. "
    "The port is 3799 unless you say another one; a port alone (:13799) keeps the address.",
)
@_disconnect_source
@_takes_disconnects
@_profile
@_counts
@options.reply
@options.location
@options.as_json
def add(
    name: str,
    address: str,
    secret: str | None,
    location_name: str | None,
    *,
    as_json: bool,
    ssid: str | None,
    identifier: str | None,
    require_message_authenticator: bool,
    limit_proxy_state: bool,
    disconnect: str | None,
    disconnect_source: str | None,
    takes_disconnects: str | None,
    profile: str | None,
    counts: str | None,
    reply: tuple[str, ...],
) -> None:
    """Let a NAS at ADDRESS (an IP address or a network such as 192.0.2.0/24) ask for guests.

    nexio shows a secret that it makes: enter it at the NAS. A second entry for the same
    address takes the secret of the first. ::ffff:192.0.2.10 means 192.0.2.10; a zone
    (fe80::1%eth0) is left out. A network larger than /16 (IPv6: /48) prints a warning.

    The NAS asks for the guests of one location. What --reply sets goes before what is set at
    the location, and that before what the profile says.
    """
    from nexio.locations.locations import get_location
    from nexio.network.nas import NewNas, add_nas, find_sharing, warnings_for

    new = NewNas(
        name=name,
        address=address,
        secret=options.typed_or_read(secret),
        ssid=ssid,
        identifier=identifier,
        require_message_authenticator=require_message_authenticator,
        limit_proxy_state=limit_proxy_state,
        disconnect=disconnect,
        disconnect_source=disconnect_source,
        takes_disconnects=_switch(takes_disconnects),
        profile=profile,
        counts=counts,
        reply=options.parsed_replies(reply),
    )
    with options.writing() as work:
        nas = add_nas(work, get_location(work, location_name), new)
        sharing = find_sharing(work, nas)
    made = nas.known_secret.decode() if secret is None and sharing is None else None
    _print_nas(nas, f"Added {nas.name} for {nas.location.name}.", made, as_json=as_json)
    if sharing is not None:
        output.say(f"It has the secret of {sharing.name}, which is at the same address.")
    output.warn(warnings_for(nas))


@command.command("list")
@options.paged
@options.location_or_all
@options.as_json
def list_(
    limit: int | None, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the NAS of a location, or of all.

    The last column is about Message-Authenticator: "required"; "unanswered" where requests
    without it came in the last 7 days, which get no answer; "ready" where it is always sent and
    can be required; "missing" where it is not; "unknown" where too few requests came to tell.
    """
    from nexio.locations.locations import get_location
    from nexio.network.nas import list_nas
    from nexio.network.nas_signatures import read_signatures, signing_of

    with options.reading() as work:
        location = get_location(work, location_name) if location_name is not None else None
        found = list_nas(work, location)
        counts, now = read_signatures(work), work.now
    output.print_list(
        options.page(found, limit, after),
        lambda nas: _with_signatures(nas, counts.get(nas.id), now),
        ["NAS", "address", "location", "SSID", "identifier", "Message-Authenticator"],
        lambda nas: [
            nas.name,
            address_words(nas),
            nas.location.name,
            nas.ssid or "",
            nas.identifier or "",
            signing_of(nas, counts.get(nas.id), now).value,
        ],
        "There is no NAS yet. Add one with: nexio nas add NAME ADDRESS",
        as_json=as_json,
        only_wide=("identifier",),
        whole=("Message-Authenticator",),
    )


@command.command()
@click.argument("name")
@click.option(
    "--secret", "with_secret", is_flag=True, help="Show the shared secret, too, to enter it anew."
)
@options.as_json
def show(name: str, *, with_secret: bool, as_json: bool) -> None:
    """Show a NAS; its secret only with --secret.

    Where secrets have a key of their own ('nexio key rotate --nas'), --secret needs that key.
    """
    from nexio.network.nas import get_nas
    from nexio.network.nas_signatures import read_signatures

    with options.reading() as work:
        nas = get_nas(work, name)
        counted, now = read_signatures(work).get(nas.id), work.now
    shape = _with_signatures(nas, counted, now)
    secret = nas.known_secret.decode() if with_secret else None
    if secret is not None:
        shape["secret"] = secret
    headline = f"{nas.name} asks for the guests of {nas.location.name}."
    fields = [*_fields(nas, secret), ("signs", _signing_words(nas, counted, now))]
    output.print_answer(shape, headline, fields, as_json=as_json)


@command.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Another name.")
@click.option("--address", metavar="ADDRESS", help="Another IP address or CIDR network.")
@click.option("--secret", metavar="TEXT", help="Another secret; '-' reads it from stdin.")
@click.option("--ssid", metavar="SSID", help="Only for this network name; '' for every one.")
@click.option("--identifier", metavar="TEXT", help="Only for this NAS-Identifier; '' for any.")
@_protection(default=None)
@click.option(
    "--disconnect-host",
    "disconnect",
    metavar="HOST[:PORT]",
    help="Where it listens for disconnects; '' for the address that it asks from, with port 3799.",
)
@_disconnect_source
@_takes_disconnects
@_profile
@_counts
@options.reply
@options.as_json
def edit(name: str, new_name: str | None, *, as_json: bool, **changes: Any) -> None:
    """Change a NAS; running servers follow within a second.

    An empty text removes a value: --ssid "", --identifier "", --disconnect-host "", --reply
    vlan=. The location cannot be changed: remove the NAS and add it again.
    """
    from nexio.network.nas import NasChanges, edit_nas, warnings_for

    changes["secret"] = options.typed_or_read(changes["secret"])
    changes["takes_disconnects"] = _switch(changes["takes_disconnects"])
    changes["reply"] = options.parsed_replies(changes["reply"])
    with options.writing() as work:
        nas = edit_nas(work, name, NasChanges(name=new_name, **changes))
    _print_nas(nas, f"Changed {nas.name}.", as_json=as_json)
    output.warn(warnings_for(nas))


@command.command()
@click.argument("name")
@options.yes
@options.as_json
def remove(name: str, *, yes: bool, as_json: bool) -> None:
    """Remove a NAS: its requests get no answer from then on."""
    from nexio.network.nas import get_nas, remove_nas

    with options.reading() as work:
        found = get_nas(work, name)
    options.confirm(f"Remove the NAS {found.name}?", yes=yes)
    with options.writing() as work:
        nas = remove_nas(work, name)
    done = f"Removed {nas.name}. Its requests get no answer from now on."
    output.print_answer(nas_json(nas), done, as_json=as_json)


@command.command()
@click.argument("name", required=False, shell_complete=_profiles)
@options.as_json
def profiles(name: str | None, *, as_json: bool) -> None:
    """List the kinds of NAS, or say what is known of one, and who says so."""
    from nexio.network.nas_profiles import get_profile, list_profiles

    if name is None:
        output.print_list(
            list_profiles(),
            profile_json,
            ["profile", "what it is", "disconnects", "bandwidth"],
            lambda each: [each.name, each.title, f"port {each.disconnect_port}", _limits(each)],
            "",
            as_json=as_json,
        )
        return
    profile = get_profile(name)
    known = [("known", f"{fact.says} ({fact.source})") for fact in profile.facts]
    fields = [*known, ("tried", profile.tried), ("not known", profile.unknown)]
    headline = f"{profile.name}: {profile.title}."
    output.print_answer(profile_json(profile), headline, fields, as_json=as_json)


def _limits(profile: NasProfile) -> str:
    if profile.bandwidth != "none":
        return profile.bandwidth
    return "by role" if profile.role else "none"


def _print_nas(nas: Nas, headline: str, secret: str | None = None, *, as_json: bool) -> None:
    """A NAS, with its secret where it was made just now."""
    shape = nas_json(nas)
    if secret is not None:
        shape["secret"] = secret
    output.print_answer(shape, headline, _fields(nas, secret), as_json=as_json)


def _with_signatures(nas: Nas, counted: Signatures | None, now: datetime) -> NasJson:
    """The shape of a NAS, with whether it signs."""
    from nexio.network.nas_signatures import signing_of
    from nexio_cli.terminal.shapes import signatures_json

    shape = nas_json(nas)
    shape["message_authenticator"] = signatures_json(counted, signing_of(nas, counted, now))
    return shape


def _signing_words(nas: Nas, counted: Signatures | None, now: datetime) -> str | None:
    """What is known of it, and what to type."""
    from nexio.input.durations import words_for
    from nexio.input.names import counted as number_of
    from nexio.network.nas_signatures import Signing, signing_of

    signing = signing_of(nas, counted, now)
    if counted is None or signing is Signing.REQUIRED:
        return None
    total = counted.signed + counted.unsigned
    words = f"{counted.signed} of {total} requests in {words_for(now - counted.since)}"
    if signing is Signing.READY:
        edit = f"nexio nas edit {quote(nas.name)} --require-message-authenticator"
        return f"{words}; to require it: {edit}"
    if counted.unsigned_at is None:
        return words
    requests = number_of(counted.unsigned, "request")
    last = f"{words_for(now - counted.unsigned_at)} ago"
    if signing is Signing.UNANSWERED:
        return f"not always: {requests} got no answer, the last one {last}"
    return f"{words}, the last one without {last}"


def _fields(nas: Nas, secret: str | None) -> list[tuple[str, str | None]]:
    return [
        ("address", address_words(nas)),
        ("secret", secret),
        ("SSID", nas.ssid),
        ("identifier", nas.identifier),
        (
            "Message-Authenticator",
            "required" if nas.require_message_authenticator else "not required (insecure)",
        ),
        ("Proxy-State", "limited" if nas.limit_proxy_state else "not limited (insecure)"),
        ("disconnects", _disconnects(nas)),
        ("profile", None if nas.profile == GENERIC else nas.profile),
        ("counts for", nas.counts),
        *(("reply", words) for words in reply_words(nas.reply)),
    ]


def _switch(word: str | None) -> bool | None:
    return None if word is None else word != "none"


def _disconnects(nas: Nas) -> str | None:
    if not nas.takes_disconnects:
        return "none"
    words = []
    if nas.disconnect_host is not None:
        host = f"[{nas.disconnect_host}]" if ":" in nas.disconnect_host else nas.disconnect_host
        words.append(f"to {host}:{nas.disconnect_port}")
    elif nas.disconnect_port is not None:
        words.append(f"to port {nas.disconnect_port}")
    if nas.disconnect_source is not None:
        words.append(f"from {nas.disconnect_source}")
    return " ".join(words) or None
