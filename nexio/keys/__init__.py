"""The keys that seal secrets: the keyring, the key file, and who may own that.

It encrypts, decrypts and makes digests; it does not know what the values mean.  It may import only
``nexio.errors``, ``nexio.configuration`` and ``nexio.unfinished``.  Read ``keyring.py`` first.
"""
