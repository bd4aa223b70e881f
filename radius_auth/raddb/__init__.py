"""FreeRADIUS's folder of configuration: putting the plugin in, taking it out, looking it over."""
