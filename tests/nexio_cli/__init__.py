"""What the commands must say, do and return, file by file."""
