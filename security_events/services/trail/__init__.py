"""Seal the trail, rotate its keys, and prove what is in it."""
