"""Byte pipes (:class:`~drivers.transport.base.Link`) and the one owner of each (:class:`~drivers.transport.base.Port`)."""
