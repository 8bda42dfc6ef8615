"""Seeded traffic of sign-ins, to measure detection by. Nothing here is imported by a server.

The traffic is invented, so no figure measured on it says how often detection is right in the real world. What is
assumed stands in the docstrings of ``places``, ``programs``, ``people`` and ``attackers``.
"""
