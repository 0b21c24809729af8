"""An independent decoder: google.protobuf, from the published schema (sparkplug_b.proto, Eclipse Sparkplug 3.0.0; only
what a bench can send, the rest would show as unknown fields)."""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto
KINDS = {
    "uint32": F.TYPE_UINT32, "uint64": F.TYPE_UINT64, "float": F.TYPE_FLOAT, "double": F.TYPE_DOUBLE,
    "bool": F.TYPE_BOOL, "string": F.TYPE_STRING, "bytes": F.TYPE_BYTES,
}  # fmt: skip
SCHEMA = {
    "PropertyValue": """
        optional uint32 type = 1
        optional bool is_null = 2
        oneof uint32 int_value = 3
        oneof uint64 long_value = 4
        oneof float float_value = 5
        oneof double double_value = 6
        oneof bool boolean_value = 7
        oneof string string_value = 8
    """,
    "PropertySet": """
        repeated string keys = 1
        repeated PropertyValue values = 2
    """,
    "Metric": """
        optional string name = 1
        optional uint64 alias = 2
        optional uint64 timestamp = 3
        optional uint32 datatype = 4
        optional bool is_historical = 5
        optional bool is_transient = 6
        optional bool is_null = 7
        optional PropertySet properties = 9
        oneof uint32 int_value = 10
        oneof uint64 long_value = 11
        oneof float float_value = 12
        oneof double double_value = 13
        oneof bool boolean_value = 14
        oneof string string_value = 15
        oneof bytes bytes_value = 16
    """,
    "Payload": """
        optional uint64 timestamp = 1
        repeated Metric metrics = 2
        optional uint64 seq = 3
        optional string uuid = 4
        optional bytes body = 5
    """,
}


@functools.cache
def payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b.proto", package="sparkplug", syntax="proto2")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for line in filter(None, map(str.strip, fields.splitlines())):
            label, kind, field, _, number = line.split()
            made = message.field.add(name=field, number=int(number), label=F.LABEL_OPTIONAL)
            if label == "repeated":
                made.label = F.LABEL_REPEATED
            if kind in KINDS:
                made.type = KINDS[kind]
            else:
                made.type, made.type_name = F.TYPE_MESSAGE, f".sparkplug.{kind}"
            if label == "oneof":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sparkplug.Payload"))


def decode(data: bytes | str) -> Any:
    """The payload; AssertionError when anything in it is not of the schema."""
    assert isinstance(data, bytes)
    payload = payload_class()()
    payload.ParseFromString(data)
    again = payload_class()()
    again.CopyFrom(payload)
    again.DiscardUnknownFields()
    assert again.SerializeToString() == payload.SerializeToString(), "fields that the schema does not know"
    return payload


def value_of(metric: Any) -> Any:
    """Its value; None for null."""
    which = metric.WhichOneof("value")
    assert metric.is_null is (which is None)
    return None if which is None else getattr(metric, which)


def properties_of(metric: Any) -> dict[str, Any]:
    keys, values = list(metric.properties.keys), list(metric.properties.values)
    assert len(keys) == len(values)
    return {
        key: (value.type, getattr(value, value.WhichOneof("value"))) for key, value in zip(keys, values, strict=True)
    }


def command(name: str, value: bool, **more: Any) -> bytes:
    """An NCMD as a host sends it."""
    payload = payload_class()(timestamp=1)
    payload.metrics.add(name=name, timestamp=1, datatype=11, boolean_value=value, **more)
    data = payload.SerializeToString()
    assert isinstance(data, bytes)
    return data
