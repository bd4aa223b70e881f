"""What ``--json`` prints: keys that stay.  ``docs/json.md`` is made of these types.

A command prints one of :data:`Printed`, or an array of them; mypy refuses anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType, NotRequired, TypedDict

from nexio.checkin.taps import Direction, Method
from nexio.outbox.outbox import MailState, Template
from nexio.reception.tokens import TokenState
from nexio.reception.visits import VisitState


class ErrorJson(TypedDict):
    """What went wrong, as the last line of stderr."""

    error: str
    """One line of what is wrong"""

    code: str
    """A word that stays, where the text may change"""

    advice: str
    """One line of what to do; may be empty"""


class TokenJson(TypedDict):
    """An access token."""

    id: int
    valid_from: str | None
    """``null`` while the token waits for the check-in"""

    valid_until: str | None
    """As ``valid_from``"""

    state: TokenState


StayJson = TypedDict("StayJson", {"in": str, "out": str | None, "cut_off": bool})
"""A stay in the building; no class can have a key of that name."""


class VisitJson(TypedDict):
    """A visit with its PIN, as the desk needs it."""

    id: int
    """The number of the visit"""

    first_name: str
    last_name: str
    email: str
    """Empty for a visitor without one"""

    host: str | None
    location: str
    source: str
    """``admin``: registered at the desk; ``walk-in``: at the door; ``customer``: by a member"""

    expected_arrival: str
    pin: str
    """Text, because it may start with 0; empty where the key does not open it"""

    state: VisitState
    token: TokenJson | None
    """``null`` for a visitor without Wi-Fi"""

    mail: MailState
    """Of the latest registration e-mail"""

    replaces: int | None
    """The number of the visit that this one replaces"""

    login: str
    """What the guest types with the PIN: the e-mail, or a name where there is none"""

    group: str | None
    company: str | None
    phone: str | None
    notes: str | None
    created: str
    """When the visitor was registered"""

    by: str | None
    """Who registered the visitor, as ``NEXIO_OPERATOR`` said; ``null`` where that is forgotten"""

    check_ins: list[StayJson]
    """In their order; ``out`` is ``null`` while the visitor is in the building; ``cut_off``:
    nobody checked them out"""

    language: str | None
    """Of the mails to the visitor; ``null``: that of the location"""


class RemarkJson(TypedDict):
    """Something about a row of a file."""

    line: int
    message: str
    advice: str


class ImportJson(TypedDict):
    """What became of a file of visitors."""

    location: str
    ready: int
    """How many rows can be registered"""

    visits: list[int]
    """The numbers of the new visits; empty where a row is wrong, or with ``--dry-run``"""

    duplicates: list[RemarkJson]
    """Who is expected at the same time already"""

    faults: list[RemarkJson]
    """What is wrong; where there is something, nobody was registered"""


class HeldTokenJson(TokenJson):
    """An access token, and who holds it."""

    visit: int
    """The number of the visit"""

    first_name: str
    last_name: str
    email: str
    location: str


class ReissuedJson(TypedDict):
    """A visit that was registered anew."""

    visit: int
    """The old number"""

    reissued: VisitJson
    """The new visit"""


class ReissueFailedJson(ErrorJson):
    """A visit that could not be registered anew."""

    visit: int


class TapJson(TypedDict):
    """A check-in or a check-out."""

    direction: Direction
    kind: str
    """``visitor``, ``member``"""

    id: int
    """The number of the visit or the member"""

    name: str
    at: str
    location: str
    method: Method
    """``desk`` is by hand"""

    cut_off: bool
    """Whether the cut-off checked them out"""

    host: str | None
    company: str | None
    phone: str | None
    tap: int
    """The number of this check-in or check-out, which ``--after`` takes"""


class DoneTapJson(TapJson):
    """A check-in or a check-out that was asked for just now."""

    outcome: str
    """``checked_in``, ``checked_out``; ``already_in``, ``already_out`` where nothing changed"""

    wifi: str | None
    """A sentence for the desk; ``null`` for members, and for visitors who leave without Wi-Fi"""


class RefusedTapJson(TypedDict):
    """A code that the reader refused."""

    refused: str
    """Why"""

    code: str
    """As of an [error](#error)"""

    advice: str
    """What to do"""


class MemberJson(TypedDict):
    """A member with the PIN, as the desk needs it."""

    id: int
    first_name: str
    last_name: str
    email: str
    location: str
    pin: str


class HousekeepingJson(TypedDict):
    """What housekeeping did."""

    cut_offs: int
    """Check-outs that were recorded"""

    visits: int
    """Visits that were forgotten"""

    events: int
    """Decisions that were forgotten"""

    sessions: int
    """Sessions that were forgotten"""

    lost: int
    """Sessions that were closed, because their access point had gone silent"""

    mails: int
    """Mails, sent or failed, that were forgotten"""

    check_ins: int
    """Check-ins that were forgotten"""

    members: int
    """Removed members who were forgotten"""

    audit: int
    """Entries of ``nexio audit`` that were forgotten"""


class MailJson(TypedDict):
    """A mail without its text."""

    id: int
    template: Template
    to: str | None
    """The address; ``null`` if its owner is gone"""

    name: str | None
    visit: int | None
    """The number of the visit that it is about"""

    member: int | None
    """The number of the member that it is about"""

    state: MailState
    attempts: int
    created_at: str
    next_try_at: str | None
    """``null`` unless it is queued"""

    sent_at: str | None
    answer: str | None
    """What the mail server said last, or why the mail failed; ``null`` before the first try"""


class MailTextJson(TypedDict):
    """What a mail says at a location in a language."""

    template: str
    """``registered``, ``moved``, ``extended``, ``cancelled`` or ``arrived``"""

    language: str
    own: bool
    """Whether the location has worded it"""

    text: str
    """The line ``Subject: …``, and the body below it, with placeholders"""


class MailPreviewJson(TypedDict):
    """A mail as somebody would get it."""

    template: str
    language: str
    subject: str
    text: str
    html: str


class DeliveryJson(TypedDict):
    """What became of the mail that waited."""

    sent: int
    failed: int
    waiting: int
    """What is still to be sent"""


class ReplySettingJson(TypedDict):
    """One thing that accepts of a place say."""

    source: str | None
    """Only to visitors of this source; ``null``: to all"""

    name: str
    """A setting such as ``vlan``, or an attribute"""

    value: str


class ReplyAttributeJson(TypedDict):
    """An attribute of an Access-Accept."""

    name: str
    value: str


class FactJson(TypedDict):
    """What is known of a kind of NAS."""

    says: str
    source: str


class NasProfileJson(TypedDict):
    """A kind of NAS."""

    name: str
    title: str
    disconnect_port: int
    identified_by: list[str]
    """By which attributes it finds a session; empty: all are sent"""

    bare_nak_is_gone: bool
    """Whether a NAK without Error-Cause means that there is no such session"""

    counts: str
    """``nas``: as RFC 2866 says, ``client``: the other way round"""

    bandwidth: str
    """``wispr``, ``mikrotik``, ``none``"""

    role: list[str]
    """The attributes of a role; ``{}`` stands for its name"""

    sends: Mapping[str, str]
    """Settings of replies that hold where nobody has set others"""

    facts: list[FactJson]
    tried: str
    unknown: str


class SignaturesJson(TypedDict):
    """Whether a NAS sends a Message-Authenticator."""

    state: str
    """``required``; ``unanswered``: required, and requests without it came in the last 7 days;
    ``ready``: not required, and always sent; ``missing``: not always; ``unknown``: too few
    requests to tell"""

    since: str | None
    """Since when servers have counted, in UTC; ``null``: nothing yet"""

    signed: int
    """Requests with it; counted only while it is not required"""

    unsigned: int
    """Requests without it"""

    signed_at: str | None
    """The last one"""

    unsigned_at: str | None


class NasJson(TypedDict):
    """A NAS without its secret."""

    id: int
    name: str
    address: str
    """An address, or a network with its prefix length"""

    location: str
    ssid: str | None
    identifier: str | None
    require_message_authenticator: bool
    limit_proxy_state: bool
    disconnect_host: str | None
    """Where it takes disconnects; ``null``: the address that sends its accounting"""

    disconnect_port: int | None
    """``null``: 3799"""

    disconnect_source: str | None
    """Which address of ours they come from; ``null``: the one that leads there"""

    takes_disconnects: bool
    profile: str
    """See ``nas profiles``"""

    counts: str | None
    """``nas``, ``client``; ``null``: as the profile says"""

    reply: list[ReplySettingJson]
    """What its accepts say beside what those of its location say"""

    secret: NotRequired[str]
    """Only from ``nas add``, and only if nexio made one"""

    message_authenticator: NotRequired[SignaturesJson]
    """Only from ``nas list`` and ``nas show``"""


class LocationJson(TypedDict):
    """A location without its settings."""

    id: int
    name: str
    time_zone: str
    reply: list[ReplySettingJson]
    """What accepts say there beside the end of the time"""


SettingsJson = NewType("SettingsJson", dict[str, bool | int | str | None])
"""The settings by their names on the command line."""


class DecisionJson(TypedDict):
    """What a RADIUS server decided."""

    id: int
    """In the order in which decisions reached the store; ``--after`` takes it"""

    at: str
    user_name: str
    """As it was sent; ``******`` if it has digits and no letter; may be empty"""

    device: str | None
    """A MAC address in one notation, or what was sent"""

    nas: str
    """The name of the entry; the NAS-Identifier if no entry fits"""

    location: str | None
    """Of the NAS; ``null`` if no entry fits, and then ``at`` is in UTC"""

    outcome: str
    """``accept``, ``reject``"""

    reason: str
    """See [reasons.md](reasons.md)"""

    latency_us: int
    """Microseconds that the decision took, without the reject delay"""

    server: str | None
    """The name of the server; ``null``: it is forgotten, or of an older version"""


class HeldJson(TypedDict):
    """All that is held about a person, by columns of the tables; times in UTC, lengths in seconds.

    There is no PIN in it, and no digest of one.
    """

    email: str
    visits: list[Mapping[str, object]]
    tokens: list[Mapping[str, object]]
    devices: list[Mapping[str, object]]
    """That were let in with the PIN of a visit"""

    check_ins: list[Mapping[str, object]]
    members: list[Mapping[str, object]]
    passes: list[Mapping[str, object]]
    sessions: list[Mapping[str, object]]
    """On the Wi-Fi"""

    decisions: list[Mapping[str, object]]
    """Of RADIUS servers, about a visit, under this e-mail, or about a device of a visit"""

    guesses: list[Mapping[str, object]]
    """Wrong PINs, and devices that the guard knows"""

    mails: list[Mapping[str, object]]
    taps: list[Mapping[str, object]]
    """That a tablet has delivered later"""

    audit: list[Mapping[str, object]]
    """What was done to the visits and members"""

    mentions: list[Mapping[str, object]]
    """Visits of others in which the person is named: ``visit`` and ``field``"""


class ErasedJson(TypedDict):
    """What was erased, and what remains."""

    visits: int
    members: int
    sessions: int
    decisions: int
    mails: int
    mentions: int
    """Texts about others that named the person"""

    open_sessions: list[int]
    """Sessions whose access point has not said that they are over"""

    remains: list[str]
    """Where the person may still be found, in words"""


class AuditJson(TypedDict):
    """Somebody did something."""

    id: int
    """Greater than that of all that was done before; never used twice"""

    at: str
    operator: str
    """Who: ``NEXIO_OPERATOR``, else the user of the system; or ``desk NAME``, ``tablet NAME``"""

    action: str
    """Such as ``register``, ``check-in``, ``set``"""

    subject: str
    """Such as ``visit``, ``member``, ``location``, ``nas``"""

    subject_id: int
    """The number of the visit, the member, …"""

    details: Mapping[str, object]
    """What else is known: for settings, locations and NAS the values before and after, for people
    only which fields were changed"""


class PersonJson(TypedDict):
    """Somebody of today at a location."""

    kind: str
    """``visitor``, ``member``"""

    id: int
    """The number of the visit or the member"""

    name: str
    at: str
    """When they are expected, came, or left; of ``never_out``: when they came"""

    host: str | None
    company: str | None
    phone: str | None
    notes: str | None


class RefusalJson(TypedDict):
    """Somebody whom the Wi-Fi refused today and has not let on since."""

    at: str
    """The last time"""

    visit: int | None
    """``null`` where no visit is known; so is ``name``"""

    name: str | None
    user_name: str
    """As of a [decision](#decision); so are ``device``, ``nas`` and ``reason``"""

    device: str | None
    nas: str
    reason: str
    count: int
    """How many times"""


class TodayJson(TypedDict):
    """The day of a location."""

    location: str
    at: str
    expected: list[PersonJson]
    inside: list[PersonJson]
    left: list[PersonJson]
    never_out: list[PersonJson]
    """Whom the cut-off checked out within 24 hours, and nobody did"""

    mail: list[MailJson]
    """What was tried and has not gone out, of visits that are not over"""

    refused: list[RefusalJson]


class DisconnectJson(TypedDict):
    """The last time that the access point was asked to end a session."""

    at: str
    outcome: str | None
    """``ack``, ``nak``, ``timeout``"""

    error_cause: int | None
    """Error-Cause (RFC 5176 section 3.5)"""

    reason: str | None
    """``by hand``, or the [reason](reasons.md) why the visitor may not log in any more"""


class SessionJson(TypedDict):
    """A session on the Wi-Fi."""

    id: int
    """The command line calls number 2 ``S2``"""

    visit: int | None
    """``null`` where the access point did not give back the ``Class`` of the login"""

    name: str | None
    """As ``visit``"""

    email: str | None
    """As ``visit``"""

    user_name: str
    """Digits that could be a PIN are masked"""

    device: str | None
    """As of a [decision](#decision); masked like ``user_name`` if it is no address"""

    nas: str
    location: str | None
    session_id: str
    """Acct-Session-Id, which the access point chose"""

    started_at: str
    heard_at: str
    """When the access point last reported it"""

    ended_at: str | None
    ended_by: str | None
    """``stop``: the access point ended it; ``accounting-on``, ``accounting-off``: it started or
    stopped as a whole; ``reuse``: it gave the ``session_id`` to another session; ``gone``: it had
    no such session when it was asked to end it; ``lost``: it was silent for long; ``closed``: by
    hand; ``null``: open"""

    terminate_cause: int | None
    """Acct-Terminate-Cause (RFC 2866 section 5.10)"""

    seconds: int
    octets_in: int | None
    """From the device; ``null`` where the access point has not told"""

    octets_out: int | None
    """To the device; as ``octets_in``"""

    disconnect: DisconnectJson | None
    """The last time that the access point was asked to end it"""


class DeviceJson(TypedDict):
    """A device that logged in with a visit's PIN."""

    device: str
    first_at: str
    last_at: str
    """When it last logged in, or was last heard of by accounting"""

    randomised: bool
    """Whether it made its address up: phones take another one about every two weeks"""

    counts: bool
    """Whether it has one of the places of the limit; without a limit, whether it is remembered"""

    freed_at: str | None
    """When `visitor devices --free` took its place away"""


class DevicesJson(TypedDict):
    """The devices of a visit."""

    visit: int
    max_devices: int | None
    """``null`` where there is no limit"""

    devices: list[DeviceJson]


class ExplanationJson(TypedDict):
    """Why a visitor gets on the Wi-Fi or not."""

    visit: int | None
    outcome: str
    """``accept``, ``reject``"""

    reason: str
    """See [reasons.md](reasons.md)"""

    sentence: str
    nas: str | None
    """The NAS whose accept ``reply`` is; ``null``: any without settings of its own"""

    reply: list[ReplyAttributeJson]
    """All that the accept says; empty where it is none"""


class AnswerJson(TypedDict):
    """What a RADIUS server answered to a login."""

    outcome: str
    """``accept``, ``reject``"""

    session_timeout: int | None
    """Seconds"""

    reply_message: str | None
    elapsed_ms: float


class StatusJson(TypedDict):
    """What a RADIUS server says of itself."""

    version: str
    up_seconds: int
    followed_seconds: int
    """Seconds since it last read the store; 0 while it follows the store"""

    visits: int
    """How many it knows"""

    accepts: Mapping[str, int] | None
    """How many by reason; this key and those below are ``null`` if another machine asks"""

    rejects: Mapping[str, int] | None
    """How many by reason"""

    discards: Mapping[str, int] | None
    """How many by reason"""

    repeats: int | None
    """Requests that were answered as before"""

    waiting: int | None
    """Rejects that wait for their time"""

    lost: int | None
    """Requests that the kernel dropped"""

    unrecorded: int | None
    """Decisions that are missing in the log"""

    without_spool: int | None
    """1 where the spool cannot be used"""

    from_disk: int | None
    """1 where it started while the store was away, and answers by the table of its disk"""

    mean_us: int | None
    """Microseconds to a decision"""

    slowest_us: int | None
    """Microseconds to a decision"""


class GuessingDeviceJson(TypedDict):
    """A device that tried."""

    device: str | None
    """``null`` where the access point names none"""

    nas: str | None
    at: str
    """The latest login that was wrong or refused"""

    guesses: int
    """Wrong ones in the last 24 hours"""

    was_in: bool
    """Whether it logged in before"""

    until: str | None
    """As the ``until`` above, for this device"""

    refused: int
    """Logins of the last 24 hours that the guard did not check"""


class WaitJson(TypedDict):
    """A visit, or a location where the PIN alone logs in, at which somebody has to wait."""

    visit: int | None
    """``null`` for a location"""

    email: str | None
    """``null`` for a location, and for a visit that was forgotten"""

    location: str | None
    until: str | None
    """When the guard checks the next guess of another new device; ``null`` is now"""

    devices: list[GuessingDeviceJson]
    tablets: NotRequired[bool]
    """``true`` for a location whose tablets ask for the e-mail as well; ``devices`` are those"""


class TabletJson(TypedDict):
    """A tablet at the door."""

    id: int
    name: str
    location: str
    paired_at: str
    seen_at: str | None
    """``null`` for one that has not been there yet"""

    seen_from: str | None
    """The address that it was seen from last"""


class DeskJson(TypedDict):
    """A browser of reception that is logged in."""

    id: int
    name: str
    location: str
    linked_at: str
    """When its link was made"""

    ends_at: str
    """When it has to be logged in anew"""

    seen_at: str
    seen_from: str | None
    """The address that it was seen from last"""


class DeskLinkJson(TypedDict):
    """A link that logs one browser in."""

    name: str
    location: str
    link: str


class OfflineTapJson(TypedDict):
    """A tap of a time without the server that was not applied."""

    id: int
    tablet: str
    location: str
    at: str | None
    """When the code was held up; ``null`` where that cannot be known"""

    delivered_at: str
    visit: int | None
    """``null`` where the code is not a visitor's"""

    name: str | None
    """``null`` as well for a visit that was forgotten"""

    why: str
    """Such as ``desk``, ``old``, ``clock``, ``tablet``, ``elsewhere``, ``no-code``"""

    words: str


class ServerJson(TypedDict):
    """A server that follows the store, as it was when it last said something."""

    id: int
    name: str
    kind: str
    """``nexio-radiusd``, ``FreeRADIUS``"""

    host: str
    place: str
    """Where on its host: a port, or the folder of its data"""

    version: str
    state: str
    """``running``; ``silent``: for more than 45 seconds; ``stopped``: as it was told to"""

    started_at: str
    """By its own clock, in UTC"""

    seen_at: str
    """When it last said something, by the clock of the database, in UTC"""

    table_age_seconds: float
    """Since it followed the store"""

    requests_per_second: float
    """Logins that it decided, in the ten seconds before"""

    spool_records: int
    """Decisions and accounting that wait for the store"""

    spool_oldest_seconds: float
    clock_ahead_seconds: float | None
    """Of the database's clock, negative if behind; ``null``: it is the same one (SQLite)"""

    shares_guesses: bool
    """Whether it counts guesses together with the others"""


class FindingJson(TypedDict):
    """What was looked at, and how it is."""

    subject: str
    well: bool
    message: str
    advice: str
    """Empty where there is nothing to do"""


class InitJson(TypedDict):
    """Where a store is, and what was made."""

    home: str
    key_file: str
    made: bool
    """Whether the store is new"""

    location: LocationJson | None
    """The first location; ``null`` where there was one"""


class TokensJson(TypedDict):
    """Whether new visitors of a location get Wi-Fi."""

    location: str
    visitor_tokens: bool
    token_duration: str
    """As of the setting, such as ``1h``"""

    revoked: int | None
    """How many tokens were revoked; ``null`` without ``--revoke``"""


class QrJson(TypedDict):
    """What a visitor's QR code says."""

    visit: int
    text: str


class ReleasedJson(TypedDict):
    """Who may try again."""

    visit: int | None
    """``null`` for a tablet"""

    device: str | None
    tablet: str | None
    tries: int
    """How many wrong ones are looked at"""


class SettledJson(TypedDict):
    """Taps that were put aside."""

    taps: list[int]
    """Their numbers"""


class WrittenJson(TypedDict):
    """A file that was written."""

    file: str
    rows: int
    """Of a backup: of all tables; of an export: visits; of a slip: sheets"""


class BackupJson(WrittenJson):
    """A backup that was written."""

    removed: list[str]
    """The older ones that ``--keep`` removed"""


class RestoredJson(WrittenJson):
    """What was put back."""

    damage: list[str]
    """What is damaged in it, a line each"""


class CopiedJson(TypedDict):
    """A store that was copied, or could be."""

    old: str
    """The URL of the old store, without a password"""

    new: str
    """The same of the new one"""

    done: bool
    """``false`` with ``--dry-run``"""

    rows: int
    tables: int
    next: list[str]
    """What to change on the servers, in this order"""


class MigrationJson(TypedDict):
    """A step of an upgrade."""

    version: str
    about: str
    seconds: float


class UpgradeJson(TypedDict):
    """A store that has the version of this software now."""

    before: str
    """The version that it had"""

    version: str
    backup: str | None
    """Where the backup of before is; ``null`` if there is none"""

    steps: list[MigrationJson]
    """What was done, in its order"""


class RotatedJson(TypedDict):
    """A store that has a new key."""

    key: str
    """The id of the new one"""

    key_file: str
    retired: str
    """The file of old keys"""


class ChangeJson(TypedDict):
    """Something that changes in FreeRADIUS's configuration."""

    verb: str
    what: str


class KeptJson(TypedDict):
    """A file that stays as it is."""

    file: str
    why: str


class InstallationJson(TypedDict):
    """What changes in the configuration of FreeRADIUS or systemd."""

    folder: str
    done: bool
    """``false`` with ``--dry-run``"""

    changes: list[ChangeJson]
    kept: list[KeptJson]


class ConfigurationJson(TypedDict):
    """A key of the configuration file, and what holds for it."""

    key: str
    value: str | None
    """Without a password; ``null`` where it is not set"""

    origin: str
    """``default``, ``environment`` and the variable, or ``file`` and its path"""

    variable: str
    """Of the environment, which says the same"""


class CompletionJson(TypedDict):
    """What a shell reads to complete commands."""

    shell: str
    script: str


class VersionJson(TypedDict):
    """The version of the store."""

    version: str | None
    """``null`` for an empty store"""

    needed: str


Printed = (
    ErrorJson
    | VisitJson
    | HeldTokenJson
    | ImportJson
    | ReissuedJson
    | ReissueFailedJson
    | TapJson
    | DoneTapJson
    | RefusedTapJson
    | MemberJson
    | HousekeepingJson
    | MailJson
    | MailTextJson
    | MailPreviewJson
    | DeliveryJson
    | NasJson
    | LocationJson
    | NasProfileJson
    | SettingsJson
    | DecisionJson
    | AuditJson
    | HeldJson
    | ErasedJson
    | TodayJson
    | SessionJson
    | DevicesJson
    | ExplanationJson
    | AnswerJson
    | StatusJson
    | WaitJson
    | TabletJson
    | DeskJson
    | DeskLinkJson
    | OfflineTapJson
    | FindingJson
    | ServerJson
    | InitJson
    | TokensJson
    | QrJson
    | ReleasedJson
    | SettledJson
    | WrittenJson
    | BackupJson
    | RestoredJson
    | UpgradeJson
    | CopiedJson
    | RotatedJson
    | ConfigurationJson
    | CompletionJson
    | InstallationJson
    | VersionJson
)
"""One object that a command may print."""
