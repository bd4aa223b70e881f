"""What a monitor sees of the real programs, held against Prometheus's own checker."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.support.radius.access_requests import access_request
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import Radiusd, wait_until
from tests.support.web.webd import free_port, webd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration

RULES = Path(__file__).parents[3] / "docs" / "alerts.yml"
SOURCES = [
    RULES.parents[1] / "nexio" / "metrics" / "store_numbers.py",
    RULES.parents[1] / "radius_auth" / "companion" / "numbers.py",
]
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite."""
    with desk_with(sqlite_configuration) as made:
        yield made


def scrape(port: int, accept: str = "") -> str:
    """What a monitor gets."""
    url = f"http://127.0.0.1:{port}/metrics"
    asked = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - a test's own server
        text: str = answer.read().decode()
        return text


def values(port: int) -> dict[str, float]:
    """Each sample by its name and labels, such as ``nexio_people_in{location="Annex"}``."""
    found, text = {}, scrape(port, OPEN_METRICS)
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def promtool(*words: str, read: str = "") -> str:
    """What Prometheus's checker says; it must agree."""
    ran = subprocess.run(
        ["promtool", "check", *words], input=read, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran
    return ran.stdout + ran.stderr


def test_radiusd(desk: Desk) -> None:
    """Logins, discards, the store; the log is JSON, a line each."""
    visit, port = desk.register(), free_port()
    options = ["--metrics-listen", f"127.0.0.1:{port}", "--log-format", "json"]
    with Radiusd(desk.configuration, *options) as server:
        server.wait_for_line(f"metrics on http://127.0.0.1:{port}/metrics")
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        radclient(server.port, "nobody@example.com", "000000")
        radclient(server.port, visit.email, visit.pin, secret=b"wrong", tries=1, timeout=1)
        assert "Received" in account(server.accounting_port, "Start")
        where = 'location="Harbour House",nas="127.0.0.1"'
        rejects = f'nexio_radius_rejects_total{{{where},reason="unknown user"}}'
        wait_until(
            lambda: (
                (found := values(port)).get(rejects) == 1
                and found["nexio_store_up"]
                and any(name.startswith("nexio_radius_discards_total{") for name in found)
            )
        )
        found = values(port)
        assert found[f'nexio_radius_requests_total{{{where},outcome="accept"}}'] >= 1
        assert found["nexio_table_tokens"] == 1
        assert found['nexio_pins_free{location="Harbour House"}'] == 999_999
        text = scrape(port)
        assert promtool("metrics", read=text) == ""
        assert not any(each in text for each in (visit.email, visit.pin))
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.stderr.splitlines()]
    assert {"at", "level", "logger", "process", "message"} <= lines[0].keys()


def test_a_scrape_during_overload(desk: Desk) -> None:
    """The monitor is answered, and what it gets is in order; guests are, too."""
    visit, port = desk.register(), free_port()
    options = ["--metrics-listen", f"127.0.0.1:{port}", "--workers", "1"]
    with Radiusd(desk.configuration, *options) as server, flood(server.port):
        wait_until(lambda: values(port)["nexio_radius_request_seconds_count"] > 1_000)
        for _ in range(2):
            assert promtool("metrics", read=scrape(port)) == ""
        reply = radclient(server.port, visit.email, visit.pin, tries=10, timeout=1)
        assert reply.code == "Access-Accept"


@contextmanager
def flood(port: int) -> Iterator[None]:
    """Send logins as fast as it goes, and read no answer."""
    stopping = threading.Event()

    def send() -> None:
        number = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stopping.is_set():
                number += 1
                sender.sendto(access_request(f"guest{number}@example.com"), ("127.0.0.1", port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def test_a_port_that_is_taken(desk: Desk) -> None:
    """Exit 5, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        server = Radiusd(desk.configuration, "--metrics-listen", place)
        assert server.wait() == 5
    wrong, remedy = server.stderr.splitlines()
    assert f"cannot listen on {place} for metrics: Address already in use" in wrong
    assert "choose another --metrics-listen" in remedy


def test_the_store_is_away(desk: Desk) -> None:
    """It is answered all the same, and says so."""
    port = free_port()
    with Radiusd(desk.configuration, "--metrics-listen", f"127.0.0.1:{port}") as server:
        wait_until(lambda: values(port)["nexio_store_up"] == 1)
        desk.store.close()
        paths = sorted(desk.configuration.home.glob("nexio.db*"))
        for path in paths:
            path.rename(path.with_name(f"away-{path.name}"))
        radclient(server.port, "nobody@example.com", "000000")
        wait_until(lambda: values(port)["nexio_table_age_seconds"] > 1)
        wait_until(lambda: values(port)['nexio_spool_records{spool="decisions"}'] == 1)
        assert values(port)['nexio_spool_oldest_seconds{spool="decisions"}'] > 0
        for path in reversed(paths):
            path.with_name(f"away-{path.name}").rename(path)


def test_freeradius(freeradius_python: None, desk: Desk, tmp_path: Path) -> None:
    """The plugin's companion answers for it."""
    visit, port = desk.register(), free_port()
    server = with_plugin(desk.configuration, tmp_path / "freeradius")
    ours = f'metrics_listen = "127.0.0.1:{port}"'
    server.change("mods-available/nexio", "# metrics_listen = .*", ours)
    with server:
        server.warm_up()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        where = 'location="Harbour House",nas="127.0.0.1",outcome="accept"'
        name = f"nexio_radius_requests_total{{{where}}}"
        wait_until(lambda: values(port).get(name, 0) >= 1)
        assert promtool("metrics", read=scrape(port)) == ""
        assert server.stop() == 0


def test_webd(desk: Desk) -> None:
    """It knows the store; its log is JSON, a line each."""
    port = free_port()
    options = ["--metrics-listen", f"127.0.0.1:{port}", "--log-format", "json"]
    with webd(desk.configuration, *options) as server:
        wait_until(lambda: values(port)["nexio_store_up"] == 1)
        assert values(port)['nexio_people_in{location="Harbour House"}'] == 0
        assert promtool("metrics", read=scrape(port)) == ""
        lines = [json.loads(line) for line in server.stderr.splitlines()]
    assert any(line["message"].startswith("answering on") for line in lines)


def test_the_rules_for_alerts(programs: None) -> None:
    """Prometheus takes them, and each number that they name is one of ours."""
    assert "SUCCESS" in promtool("rules", str(RULES))
    named = set(re.findall(r"nexio_\w+", RULES.read_text()))
    ours = "".join(path.read_text() for path in SOURCES)
    bare = {re.sub("_(total|bucket)$", "", name) for name in named}
    assert sorted(name for name in bare if f'"{name}"' not in ours) == []
