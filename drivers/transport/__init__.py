"""Byte pipes (:class:`drivers.transport.base.Link`) and their one owner (:class:`drivers.transport.base.Port`)."""
