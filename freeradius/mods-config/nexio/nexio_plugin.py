"""Where FreeRADIUS's Python finds the plugin; `nexio freeradius install` puts it here."""

import site
import sys

import radiusd

# Before the packages of Debian, which may be older ones of the same names.
debian = list(sys.path)
site.addsitedir(radiusd.config["packages"])
sys.path[:] = [path for path in sys.path if path not in debian] + debian

from radius_auth.freeradius import (  # noqa: E402, F401
    accounting,
    authenticate,
    authorize,
    detach,
    instantiate,
    post_auth,
)
