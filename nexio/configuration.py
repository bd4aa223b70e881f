"""The configuration of this deployment, read once from the environment and its file."""

from __future__ import annotations

import getpass
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from nexio.configuration_file import CONFIG, with_file, with_password
from nexio.errors import InvalidValue

SYSTEM_HOME = Path("/var/lib/nexio")
SYSTEM_KEY_FILE = Path("/etc/nexio/key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings of a deployment."""

    home: Path
    """Folder of the store, the spool and the fault reports (``NEXIO_HOME``)."""

    key_file: Path
    """The keys that PINs and NAS secrets are sealed with (``NEXIO_KEY_FILE``)."""

    nas_key_file: Path
    """The second key, of NAS secrets, where there is one (``NEXIO_NAS_KEY_FILE``, else ``nas-key``
    beside the key file)."""

    database_url: str = field(repr=False)
    """SQLAlchemy URL of the store (``NEXIO_DATABASE_URL``); may hold a password."""

    location: str | None = None
    """Name of the location that is meant where none is given (``NEXIO_LOCATION``)."""

    operator: str = "unknown"
    """Who the audit names (``NEXIO_OPERATOR``, else the system's user)."""

    smtp_url: str | None = field(default=None, repr=False)
    """The mail server (``NEXIO_SMTP_URL``), see `nexio.mail.server`; may hold a password."""

    smtp_password_file: Path | None = None
    """The password for it (``NEXIO_SMTP_PASSWORD_FILE``), read when mail is sent: whoever only
    looks something up need not be able to."""

    mail_from: str | None = None
    """Who mail is from (``NEXIO_MAIL_FROM``): ``Harbour House <desk@example.com>``."""

    web_url: str | None = None
    """Where the pages are (``NEXIO_WEB_URL``): ``https://visit.example.com``."""

    file: Path | None = None
    """The configuration file that was read (``NEXIO_CONFIG``)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Configuration:
        """Read the ``NEXIO_*`` variables; an empty one counts as not set.

        :func:`~nexio.configuration_file.with_file` adds what the configuration file says.

        Raises:
            InvalidValue: there is a password for the store, and no user.
            SecretUnusable: its file cannot be used.
        """
        given = {name: value for name, value in environment.items() if value}
        home = Path(given["NEXIO_HOME"]) if "NEXIO_HOME" in given else _default_home()
        home = home.expanduser().absolute()
        url = given.get("NEXIO_DATABASE_URL", f"sqlite:///{quote(str(home))}/nexio.db")
        key_file = _key_file(given, home).expanduser().absolute()
        nas_key_file = Path(given.get("NEXIO_NAS_KEY_FILE", key_file.with_name("nas-key")))
        return cls(
            home=home,
            key_file=key_file,
            nas_key_file=nas_key_file.expanduser().absolute(),
            database_url=with_password(url, _path(given, "NEXIO_DATABASE_PASSWORD_FILE")),
            location=given.get("NEXIO_LOCATION"),
            operator=_utf8(given.get("NEXIO_OPERATOR") or _system_user()),
            smtp_url=given.get("NEXIO_SMTP_URL"),
            smtp_password_file=_path(given, "NEXIO_SMTP_PASSWORD_FILE"),
            mail_from=given.get("NEXIO_MAIL_FROM"),
            web_url=given.get("NEXIO_WEB_URL"),
            file=_path(given, CONFIG),
        )


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]).expanduser().absolute() if name in given else None


def _default_home() -> Path:
    import platformdirs  # noqa: PLC0415 (slow to load, and most say where it is)

    return SYSTEM_HOME if SYSTEM_HOME.is_dir() else platformdirs.user_data_path("nexio")


def _key_file(given: Mapping[str, str], home: Path) -> Path:
    if "NEXIO_KEY_FILE" in given:
        return Path(given["NEXIO_KEY_FILE"])
    if "NEXIO_HOME" in given:
        return home / "key"
    if home == SYSTEM_HOME:
        return SYSTEM_KEY_FILE
    import platformdirs  # noqa: PLC0415 (as above)

    return platformdirs.user_config_path("nexio") / "key"


def _utf8(text: str) -> str:
    """What the store can hold of a word from the environment, which may be any octets."""
    return text.encode("utf-8", "replace").decode()


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def read_environment(path: Path) -> dict[str, str]:
    """Read a file of ``NAME=value`` lines, as systemd's EnvironmentFile.

    It says to the plugin inside FreeRADIUS where the store is; what the configuration file says
    counts beyond it.

    Raises:
        InvalidValue: it, or the configuration file, cannot be read.
        SecretUnusable: the configuration file is open to others.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        words = [word for line in lines for word in shlex.split(line, comments=True)]
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}") from error
    said = dict(word.split("=", 1) for word in words if "=" in word)
    return with_file({CONFIG: os.environ.get(CONFIG, "")} | said)
