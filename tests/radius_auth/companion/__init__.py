"""What workers and companion tell each other."""
