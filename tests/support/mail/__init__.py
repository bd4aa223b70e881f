"""Mail servers that follow a script, and mail to send to them."""
