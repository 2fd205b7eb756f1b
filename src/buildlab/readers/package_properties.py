"""``<package>-pkgProperties.txt``: what an MSU says of itself, one ``Name="value"`` a line."""

from dataclasses import dataclass

from buildlab.errors import FormatError
from buildlab.readers.text import decode_text

_MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class PackageProperties:
    """The lines in their order, names and values as written."""

    lines: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The value of a name, whose case does not matter; None where there is none or it is empty."""
        folded = name.casefold()
        return next((value for key, value in self.lines if key.casefold() == folded and value), None)

    @property
    def kb(self) -> str | None:
        """``KB971286``, from a number of five to eight digits."""
        number = (self.get("KB Article Number") or "").strip().upper().removeprefix("KB")
        return f"KB{number}" if number.isascii() and number.isdigit() and 5 <= len(number) <= 8 else None

    @property
    def applicability(self) -> tuple[str, ...]:
        """The products in ``ApplicabilityInfo``, in its own words."""
        stated = (self.get("ApplicabilityInfo") or "").split(";")
        return tuple(dict.fromkeys(name.strip() for name in stated if name.strip()))


def read_package_properties(data: bytes) -> PackageProperties:
    """Parse the file; FormatError where no line of it is a property. Lines of another shape are passed over."""
    lines: list[tuple[str, str]] = []
    for line in decode_text(data).splitlines()[:_MOST_LINES]:
        name, equals, value = line.partition("=")
        if equals and name.strip():
            lines.append((name.strip(), value.strip().removeprefix('"').removesuffix('"').strip()))
    if not lines:
        raise FormatError("pkgProperties", "holds no property")
    return PackageProperties(tuple(lines))
