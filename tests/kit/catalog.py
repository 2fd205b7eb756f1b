"""Security catalogues, as MakeCat writes them (shapes of catalogues in Windows updates)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.kit.signing import (
    CABINET,
    INDIRECT_DATA,
    PE_IMAGE,
    SOME_TIME,
    Identity,
    attribute,
    indirect_data,
    integer,
    octets,
    oid,
    sequence,
    sign_message,
    tlv,
    utc_time,
)

TRUST_LIST = "1.3.6.1.4.1.311.10.1"
_NAME_VALUE, _MEMBER_INFO = "1.3.6.1.4.1.311.12.2.1", "1.3.6.1.4.1.311.12.2.2"
_SUBJECT_ALGORITHM = {1: "1.3.6.1.4.1.311.12.1.2", 2: "1.3.6.1.4.1.311.12.1.3"}
FLAGS = 0x10001


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file: its digest, and attributes of it."""

    digest: bytes
    algorithm: str = "sha1"
    is_pe: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


def member_of(content: bytes, algorithm: str = "sha1", **attributes: str) -> Member:
    """The member for a file that is listed by all its bytes."""
    return Member(digest=hashlib.new(algorithm, content).digest(), algorithm=algorithm, attributes=attributes)


def _name_value(name: str, value: str) -> bytes:
    return sequence(tlv(0x1E, name.encode("utf-16-be")), integer(FLAGS), octets(value.encode("utf-16-le") + b"\0\0"))


def _entry(member: Member, version: int) -> bytes:
    tag = member.digest if version == 2 else member.digest.hex().upper().encode("utf-16-le") + b"\0\0"
    guid = "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}" if member.is_pe else "{DE351A42-8E59-11D0-8C47-00C04FC295EE}"
    kind = PE_IMAGE if member.is_pe else CABINET
    return sequence(
        octets(tag),
        tlv(
            0x31,
            *(attribute(_NAME_VALUE, _name_value(name, value)) for name, value in member.attributes.items()),
            attribute(INDIRECT_DATA, indirect_data(kind, member.algorithm, member.digest)),
            attribute(_MEMBER_INFO, sequence(tlv(0x1E, guid.encode("utf-16-be")), integer(0x200))),
        ),
    )


def write_trust_list(
    members: Sequence[Member],
    attributes: Mapping[str, str] | None = None,
    *,
    version: int = 1,
    identifier: bytes = bytes(range(16)),
    this_update: datetime = SOME_TIME,
) -> bytes:
    """The content of a catalogue, unsigned."""
    extensions = [sequence(oid(_NAME_VALUE), octets(_name_value(*pair))) for pair in (attributes or {}).items()]
    return sequence(
        sequence(oid("1.3.6.1.4.1.311.12.1.1")),
        octets(identifier),
        utc_time(this_update),
        sequence(oid(_SUBJECT_ALGORITHM[version]), tlv(0x05)),
        *([sequence(*(_entry(member, version) for member in members))] if members else []),
        *([tlv(0xA0, sequence(*extensions))] if extensions else []),
    )


def write_catalog(
    members: Sequence[Member],
    attributes: Mapping[str, str] | None = None,
    identity: Identity | None = None,
    *,
    version: int = 1,
    **message: object,
) -> bytes:
    """A signed catalogue; `message` as for `sign_message`."""
    content = write_trust_list(members, attributes, version=version)
    return sign_message(TRUST_LIST, content, identity, **message)  # type: ignore[arg-type]
