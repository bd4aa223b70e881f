"""May this guest on now? The decision core, the pyrad server and the FreeRADIUS callbacks."""
