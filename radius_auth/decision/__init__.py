"""Decides logins: the rules, requests and decisions as values, and the wording of reasons.

It does no I/O of its own and knows no RADIUS; both servers and ``nexio explain`` call it.  It may
import ``nexio``, ``radius_auth.replica`` and ``radius_auth.guard``.  Read ``decide.py`` first.
"""
