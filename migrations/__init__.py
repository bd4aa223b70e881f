"""The migrations of the store; installed as the package `nexio_migrations`."""
