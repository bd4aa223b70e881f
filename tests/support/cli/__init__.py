"""Running the commands, for the tests of the command line."""
