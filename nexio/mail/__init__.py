"""Mail to visitors, hosts and members: what is to be sent, how it reads, and sending it."""
