"""What is odd about a package's name or times: it is kept, and said."""

from collections import Counter
from collections.abc import Iterable

from buildlab.evidence.fact import CbsPackage
from buildlab.results.scan import Oddity
from buildlab.windows.filetime import from_filetime
from buildlab.windows.package_identity import PackageIdentity
from buildlab.windows.version import NtVersion

_LONGEST_KEY_NAME = 255
"""Characters of a registry key's name, Microsoft's "Registry Element Size Limits"."""
_DAY = 24 * 3600 * 10_000_000


class PackageOddities:
    """Looks at the packages of one installation; "after the last change" is a day after the last write of any key of
    theirs, so that no clock is needed."""

    def __init__(self, packages: Iterable[CbsPackage]) -> None:
        listed = tuple(packages)
        self._names = Counter(package.name.lower() for package in listed)
        self._last_change = max((package.written for package in listed), default=0)

    def of_package(self, package: CbsPackage, identity: PackageIdentity | None, in_circle: bool) -> tuple[Oddity, ...]:
        """Every oddity, in a fixed order."""
        found: list[tuple[Oddity, bool]] = [
            ("name-is-no-identity", identity is None),
            ("name-has-stray-tildes", identity is not None and "~" in identity.name),
            ("name-is-too-long", len(package.name) > _LONGEST_KEY_NAME),
            ("version-is-no-version", identity is not None and NtVersion.parse(identity.version) is None),
            ("identity-occurs-twice", self._names[package.name.lower()] > 1),
            *self._of_time(package),
            ("owned-by-itself-in-a-circle", in_circle),
        ]
        return tuple(oddity for oddity, is_so in found if is_so)

    def _of_time(self, package: CbsPackage) -> list[tuple[Oddity, bool]]:
        time = package.install_time
        if time is None:
            return []
        impossible = time != 0 and from_filetime(time) is None
        return [
            ("install-time-is-zero", time == 0),
            ("install-time-is-impossible", impossible),
            (
                "install-time-is-after-last-change",
                not impossible and self._last_change > 0 and time > self._last_change + _DAY,
            ),
        ]
