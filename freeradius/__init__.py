"""What a network engineer copies into raddb; installed as the package `nexio_raddb`."""
