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
    """The keys that seal PINs and NAS secrets (``NEXIO_KEY_FILE``)."""

    nas_key_file: Path
    """The second key, for NAS secrets, if there is one (``NEXIO_NAS_KEY_FILE``, else ``nas-key``
    beside the key file)."""

    database_url: str = field(repr=False)
    """SQLAlchemy URL of the store (``NEXIO_DATABASE_URL``); may hold a password."""

    location: str | None = None
    """Name of the default location (``NEXIO_LOCATION``)."""

    operator: str = "unknown"
    """Who the audit names (``NEXIO_OPERATOR``, else the system's user)."""

    smtp_url: str | None = field(default=None, repr=False)
    """The mail server (``NEXIO_SMTP_URL``), see `nexio.mail.server`; may hold a password."""

    smtp_password_file: Path | None = None
    """The password for it (``NEXIO_SMTP_PASSWORD_FILE``), read only when mail is sent: commands
    that only look something up need no access to it."""

    mail_from: str | None = None
    """Who mail is from (``NEXIO_MAIL_FROM``): ``Harbour House <desk@example.com>``."""

    web_url: str | None = None
    """The address of the web pages (``NEXIO_WEB_URL``): ``https://visit.example.com``."""

    file: Path | None = None
    """The configuration file that was read (``NEXIO_CONFIG``)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Configuration:
        """Read the ``NEXIO_*`` variables; an empty one counts as not set.

        :func:`~nexio.configuration_file.with_file` adds the settings of the configuration file.

        Raises:
            InvalidValue: there is a password for the store, but no user.
            SecretUnusable: the password file cannot be used.
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
    import platformdirs  # noqa: PLC0415 (slow to load, and most set NEXIO_HOME)

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
    """Replace octets that the store cannot hold: a variable may have any octets."""
    return text.encode("utf-8", "replace").decode()


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def read_environment(path: Path) -> dict[str, str]:
    """Read a file of ``NAME=value`` lines, like systemd's EnvironmentFile.

    The plugin inside FreeRADIUS finds the store with it.  The configuration file adds settings that
    this file does not have.

    Raises:
        InvalidValue: this file or the configuration file cannot be read.
        SecretUnusable: the configuration file is open to others.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        words = [word for line in lines for word in shlex.split(line, comments=True)]
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}") from error
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    return with_file({CONFIG: os.environ.get(CONFIG, "")} | variables)
