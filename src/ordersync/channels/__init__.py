"""Channels that come with ordersync, one module a marketplace; they do not know each other."""
