"""FreeRADIUS's folder of configuration: putting the plugin in, taking it out, looking it over.

An installation is planned first, and then carried out as a whole or not at all.  It may import
``radius_auth.recording`` and what is below it.  Read ``installation.py`` first, then ``checks.py``.
"""
