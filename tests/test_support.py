"""What tests share stands in ``tests/support`` and in ``conftest.py``, not in one of the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.store import postgresql as postgresql_store
from tests.support.connections import KeptConnection
from tests.support.order import WAITING
from tests.support.radius.freeradius import FreeRADIUS
from tests.support.stores import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

ROOT = Path(__file__).parents[1]
FILES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests").rglob("*.py"))]
TEST_MODULES = {stem for path in FILES if (stem := Path(path).stem).startswith("test_")}


def imported(source: str) -> Iterator[str]:
    """Every module that is imported, and whatever could be one, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def words_of(source: str) -> list[str]:
    """Each name in it, and more: quicker than parsing, for what has none of those looked for."""
    return re.findall(r"\w+", source)


def imports_of_tests(source: str) -> list[str]:
    """The test modules that are imported."""
    if TEST_MODULES.isdisjoint(words_of(source)):
        return []
    return [name for name in imported(source) if TEST_MODULES & {*name.split(".")}]


def functions_without(source: str, fixture: str, calls: set[str]) -> Iterator[str]:
    """Those that call one of these and do not ask for that fixture."""
    if calls.isdisjoint(words_of(source)):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and fixture not in {a.arg for a in node.args.args}:
            inside = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
            if calls & {each.id for each in inside if isinstance(each, ast.Name)}:
                yield node.name


def test_what_waits_is_there() -> None:
    """Each file that `make test` spreads among the others, and none twice."""
    assert {f"tests/{name}" for name in WAITING} <= {*FILES}
    assert len({*WAITING}) == len(WAITING)


def test_no_test_module_is_imported() -> None:
    """Whoever changes a test looks at that file alone."""
    found = {path: imports_of_tests((ROOT / path).read_text()) for path in FILES}

    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import tests.test_rules",
        "from tests.test_rules import RULES",
        "from tests import test_rules",
        "from . import test_rules",
        "if True:\n    from tests.test_rules import RULES as rules",
    ],
)
def test_an_import_of_one_is_found(source: str) -> None:
    """In every way to write it."""
    assert len(imports_of_tests(source)) == 1


def test_who_starts_freeradius_asks_for_its_python() -> None:
    """FreeRADIUS loads the plugin with its own version of Python: the fixture marks such tests."""
    calls = {"with_plugin", "copy_raddb"}
    found = {
        path: list(functions_without((ROOT / path).read_text(), "freeradius_python", calls))
        for path in FILES
        if not path.startswith("tests/support/")
    }

    assert {path: names for path, names in found.items() if names} == {}


def test_the_ports_of_freeradius_are_changed_one_by_one(tmp_path: Path) -> None:
    """A port of ours that begins like a standard one, such as 18130, stays as it is."""
    server = FreeRADIUS(tmp_path, 18_130)
    (tmp_path / "sites-available").mkdir()
    site = tmp_path / "sites-available" / "nexio"
    site.write_text("\tport = 1812\n\tport = 1812\n\tport = 1813\n")

    server.listen_on_its_ports()

    assert re.findall(r"\d+", site.read_text()) == ["18130", "18130", f"{server.accounting_port}"]


def test_connections_are_kept_and_as_new(
    postgresql: PostgreSQL,
    postgresql_configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing that was set is left of whoever had it before; one that has ended is not taken."""
    monkeypatch.setattr(postgresql_store, "PatientConnection", KeptConnection)

    def use(*statements: str) -> tuple[int, str]:
        """Open the store; the process that serves it, and what was set there before."""
        with engine_of(postgresql_configuration.database_url) as engine, engine.connect() as line:
            found = line.exec_driver_sql(
                "SELECT pg_backend_pid(), current_setting('application_name')"
            ).one()
            for statement in statements:
                line.exec_driver_sql(statement)
            line.commit()
        return found[0], found[1]

    first, _ = use("SET application_name = 'somebody'", "LISTEN nexio_change")
    assert use() == (first, "")
    postgresql.disconnect("store_of_tests")
    second, name = use()
    assert (second != first, name) == (True, "")
