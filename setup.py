"""What setup.cfg cannot say: which modules mypyc compiles, where NEXIO_COMPILE is 1.

Every login goes through them (``docs/performance.md``).  The same files run where they are not
compiled.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup

COMPILED = (
    "nexio/input/pins.py",
    "radius_auth/decision/decide.py",
    "radius_auth/decision/devices.py",
    "radius_auth/decision/passwords.py",
    "radius_auth/decision/rules.py",
    "radius_auth/guard/bucket.py",
    "radius_auth/guard/guard.py",
    "radius_auth/guard/siblings.py",
    "radius_auth/guard/target.py",
    "radius_auth/protocol/access_request.py",
    "radius_auth/protocol/authenticators.py",
    "radius_auth/protocol/duplicates.py",
    "radius_auth/protocol/events.py",
    "radius_auth/protocol/packet.py",
    "radius_auth/protocol/replies.py",
    "radius_auth/replica/confirming.py",
    "radius_auth/server/responder.py",
)


def extensions() -> list[Extension]:
    """The compiled modules; none where nobody asks for them."""
    if os.environ.get("NEXIO_COMPILE") != "1" or "dist_info" in sys.argv:
        return []
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 - nobody else needs it
    except ImportError:
        sys.exit(
            "NEXIO_COMPILE=1 needs mypyc: run pip install '.[compile]' first, and then pip install"
            " with --no-build-isolation"
        )

    return mypycify(list(COMPILED), group_name="nexio", target_dir="build/mypyc")


# setuptools would install again what an older version has left there.
shutil.rmtree(Path(__file__).parent / "build", ignore_errors=True)
setup(ext_modules=extensions())
