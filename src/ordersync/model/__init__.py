"""Frozen records, by noun; what they hold is checked when they are made."""
