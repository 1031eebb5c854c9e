"""Storages: import the one you use."""
