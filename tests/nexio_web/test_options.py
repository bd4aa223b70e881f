"""The options of nexio-webd, and what it refuses."""

from __future__ import annotations

import pytest

from nexio.errors import InvalidValue
from nexio_web.options import Options, parse_options


def test_nothing_is_said() -> None:
    """This machine only, without TLS: for a proxy in front."""
    assert parse_options([], {}) == Options(listen="127.0.0.1", port=8080)


def test_variables_and_the_command_line() -> None:
    """The command line wins."""
    environment = {
        "NEXIO_WEBD_LISTEN": "192.0.2.7",
        "NEXIO_WEBD_PORT": "443",
        "NEXIO_WEBD_TLS_CERT": "/c",
        "NEXIO_WEBD_TLS_KEY": "/k",
        "NEXIO_WEBD_PROXY": "192.0.2.1, 2001:db8::/32",
    }
    found = parse_options(["--port", "8443"], environment)
    assert (found.listen, found.port) == ("192.0.2.7", 8443)
    assert (str(found.tls_cert), str(found.tls_key)) == ("/c", "/k")
    assert [str(each) for each in found.proxies] == ["192.0.2.1/32", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--listen", "::"], "PINs would go to :: in clear"),
        (["--listen", "example.com"], "'example.com' is not an address"),
        (["--port", "70000"], "'70000' is not a port"),
        (["--tls-cert", "/c"], "a certificate needs its key"),
        (["--insecure-pair", "A", "--listen", "::", "--insecure-http"], "would be paired"),
        (["--insecure-pair", "A", "--proxy", "192.0.2.1"], "would be paired"),
        (["--proxy", "proxy"], "'proxy' is not an address or a network"),
        (["--metrics-listen", "9812"], "'9812' is not an address and a port"),
        (["--log-format", "xml"], "'xml' is no format of a log"),
    ],
)
def test_what_is_refused(arguments: list[str], words: str) -> None:
    """Each with its words."""
    with pytest.raises(InvalidValue, match=words):
        parse_options(arguments, {})


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--insecure-http"], {}),
        ([], {"NEXIO_WEBD_INSECURE_HTTP": "1"}),
        (["--proxy", "192.0.2.1"], {}),
        (["--tls-cert", "/c", "--tls-key", "/k"], {}),
    ],
)
def test_beyond_this_machine(arguments: list[str], environment: dict[str, str]) -> None:
    """With TLS, with a proxy that has it, or at somebody's word."""
    assert parse_options(["--listen", "::", *arguments], environment).listen == "::"
