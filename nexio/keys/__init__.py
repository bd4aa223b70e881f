"""The keys that seal what is secret: the keyring, the key file, and whom to trust with it.

It encrypts, decrypts and makes digests; it does not know what is sealed.  It may import only
``nexio.errors``, ``nexio.configuration`` and ``nexio.unfinished``.  Read ``keyring.py`` first.
"""
