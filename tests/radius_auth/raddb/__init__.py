"""What radius_auth must do, file by file."""
