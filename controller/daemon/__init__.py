"""The daemon: one loop that asks, judges, wants, decides and sends (see :mod:`controller.daemon.tick`)."""
