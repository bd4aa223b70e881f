"""Where a deployment keeps its things."""

from pathlib import Path

import pytest

from nexio import configuration
from nexio.configuration import Configuration
from nexio.store.creation import create_store


def test_without_any_variable_the_users_folders_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and configuration are kept apart: store here, key there."""
    monkeypatch.setattr(configuration, "SYSTEM_HOME", tmp_path / "is not there")
    monkeypatch.setenv("LOGNAME", "reception")
    found = Configuration.from_environment({})
    home = Path.home()
    assert found == Configuration(
        home=home / ".local/share/nexio",
        key_file=home / ".config/nexio/key",
        nas_key_file=home / ".config/nexio/nas-key",
        database_url=f"sqlite:///{home}/.local/share/nexio/nexio.db",
        location=None,
        operator="reception",
    )


def test_where_there_is_a_system_folder_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/var/lib/nexio, and its key in /etc/nexio."""
    assert Path("/var/lib/nexio") == configuration.SYSTEM_HOME
    monkeypatch.setattr(configuration, "SYSTEM_HOME", tmp_path)
    found = Configuration.from_environment({})
    assert found.home == tmp_path
    assert found.key_file == Path("/etc/nexio/key")


@pytest.mark.parametrize(
    ("environment", "field", "value"),
    [
        ({"NEXIO_HOME": "/srv/n"}, "home", Path("/srv/n")),
        ({"NEXIO_HOME": "/srv/n"}, "key_file", Path("/srv/n/key")),
        ({"NEXIO_HOME": "/srv/n"}, "database_url", "sqlite:////srv/n/nexio.db"),
        ({"NEXIO_HOME": "/srv/n", "NEXIO_KEY_FILE": "/k"}, "key_file", Path("/k")),
        ({"NEXIO_KEY_FILE": "/k"}, "key_file", Path("/k")),
        ({"NEXIO_KEY_FILE": "/srv/k"}, "nas_key_file", Path("/srv/nas-key")),
        ({"NEXIO_NAS_KEY_FILE": "/n"}, "nas_key_file", Path("/n")),
        ({"NEXIO_DATABASE_URL": "postgresql:///n"}, "database_url", "postgresql:///n"),
        ({"NEXIO_LOCATION": "Harbour House"}, "location", "Harbour House"),
        ({"NEXIO_LOCATION": ""}, "location", None),
        ({"NEXIO_OPERATOR": "ana"}, "operator", "ana"),
    ],
)
def test_each_variable(environment: dict[str, str], field: str, value: object) -> None:
    """An explicit home holds the key as well; an empty variable counts as not set."""
    assert getattr(Configuration.from_environment(environment), field) == value


def test_paths_are_absolute_and_know_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of the working folder changes nothing."""
    monkeypatch.chdir(tmp_path)
    found = Configuration.from_environment({"NEXIO_HOME": "here", "NEXIO_KEY_FILE": "~/key"})
    assert found.home == tmp_path / "here"
    assert found.key_file == Path.home() / "key"


@pytest.mark.parametrize("name", ["a b", "a%20b", "a?b", "a#b", "Zoë", "a+b", "a@b:c"])
def test_a_home_of_any_name_holds_its_store(sqlite_file: None, tmp_path: Path, name: str) -> None:
    """What means something in a URL means nothing in a folder's name."""
    create_store(Configuration.from_environment({"NEXIO_HOME": str(tmp_path / name)}))
    assert (tmp_path / name / "nexio.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_password_of_the_store_is_masked() -> None:
    """A configuration may end up in a log or a report."""
    url = "postgresql://nexio:hunter2@db/nexio"
    assert "hunter2" not in repr(Configuration.from_environment({"NEXIO_DATABASE_URL": url}))
