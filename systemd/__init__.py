"""The units of systemd; installed as the package `nexio_systemd`."""
