"""What `nexio-radiusd` can be told, on the command line or in the environment."""

import os
from datetime import timedelta

import pytest

from nexio.errors import InvalidValue
from radius_auth.server.options import Options, parse_options


def test_nothing_said() -> None:
    """RADIUS's own port, everywhere, with the reject delay."""
    assert parse_options([], {}) == Options(
        listen=(),
        auth_port=1812,
        acct_port=1813,
        reject_delay=1.0,
        max_staleness=timedelta(hours=24),
        workers=len(os.sched_getaffinity(0)),
    )


def test_the_environment_says_it_too() -> None:
    """Each option also by environment; the command line wins."""
    environment = {
        "NEXIO_RADIUSD_LISTEN": "127.0.0.1, ::1",
        "NEXIO_RADIUSD_AUTH_PORT": "11812",
        "NEXIO_RADIUSD_REJECT_DELAY": "0.5",
        "NEXIO_RADIUSD_MAX_STALENESS": "",
        "NEXIO_RADIUSD_WORKERS": "3",
    }

    assert parse_options([], environment) == Options(
        listen=("127.0.0.1", "::1"),
        auth_port=11812,
        acct_port=11813,
        reject_delay=0.5,
        max_staleness=timedelta(hours=24),
        workers=3,
    )
    arguments = ["--listen", "::", "--auth-port=1645", "--max-staleness", "2h", "--workers", "1"]
    assert parse_options(arguments, environment) == Options(
        listen=("::",),
        auth_port=1645,
        acct_port=1646,
        reject_delay=0.5,
        max_staleness=timedelta(hours=2),
        workers=1,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--auth-port", "0"],
        ["--auth-port", "65536"],
        ["--auth-port", "-1"],
        ["--auth-port", "１８１２"],
        ["--auth-port", "9" * 5000],
        ["--reject-delay", "-0.1"],
        ["--reject-delay", "5.1"],
        ["--reject-delay", "nan"],
        ["--reject-delay", "soon"],
        ["--max-staleness", "for ever"],
        ["--workers", "0"],
        ["--workers", "65"],
        ["--workers", "all"],
        ["--workers", "9" * 5000],
        ["--metrics-listen", "9812"],
        ["--log-format", "xml"],
    ],
)
def test_a_value_that_cannot_be_used(arguments: list[str]) -> None:
    """Exit 2, with what is wrong and what to do."""
    with pytest.raises(InvalidValue) as invalid:
        parse_options(arguments, {})

    assert invalid.value.exit_code == 2
    assert invalid.value.advice


@pytest.mark.parametrize("arguments", [["--nope"], ["1812"], ["--auth-port"]])
def test_a_wrong_option(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2."""
    with pytest.raises(SystemExit) as ended:
        parse_options(arguments, {})

    assert ended.value.code == 2
    assert "nexio-radiusd: error:" in capsys.readouterr().err


def test_what_a_monitor_wants() -> None:
    """Nobody asks unless somebody says where; lines are text."""
    assert (parse_options([], {}).metrics_listen, parse_options([], {}).log_format) == (
        None,
        "text",
    )
    environment = {"NEXIO_RADIUSD_METRICS_LISTEN": "[::1]:9812", "NEXIO_RADIUSD_LOG_FORMAT": "json"}
    said = parse_options([], environment)
    assert (said.metrics_listen, said.log_format) == (("::1", 9812), "json")


def test_one_port_for_both() -> None:
    """No other server is in the way then: it is this one."""
    with pytest.raises(InvalidValue, match="port 18190 is given for logins and for accounting"):
        parse_options(["--auth-port", "18190", "--acct-port", "18190"], {})


@pytest.mark.parametrize("name", ["auth-port", "acct-port", "reject-delay", "max-staleness"])
def test_an_option_given_twice(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused, as the last one would win without a word; addresses may be several."""
    with pytest.raises(SystemExit) as ended:
        parse_options([f"--{name}", "1", f"--{name}=2"], {})
    assert ended.value.code == 2
    assert f"--{name} is given more than once" in capsys.readouterr().err
    assert parse_options(["--listen", "::1", "--listen", "::2"], {}).listen == ("::1", "::2")


def test_help_shows_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """With its default."""
    with pytest.raises(SystemExit) as ended:
        parse_options(["--help"], {})

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(
        option in shown
        for option in (
            "--listen",
            "--auth-port",
            "--acct-port",
            "--reject-delay",
            "--max-staleness",
            "1812",
        )
    )
