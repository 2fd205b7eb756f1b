"""What a container claims of one of its images, apart from the image's content."""

from dataclasses import dataclass

from buildlab.windows.architecture import Architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClaim:
    """One ``IMAGE`` element of a WIM, or the configuration of a container image. None where it says nothing; `spbuild`
    is the revision at capture. `path` and `method` say where it was read and how."""

    index: int
    name: str | None
    edition: str | None
    installation_type: str | None
    architecture: Architecture | None
    major: int | None
    minor: int | None
    build: int | None
    spbuild: int | None
    path: str = "[XML data]"
    method: str = "wim-xml"

    @property
    def version(self) -> str | None:
        """``6.0.6002.18005``, as far as it is stated; None without a build."""
        if self.build is None:
            return None
        numbers = (self.major, self.minor, self.build, self.spbuild)
        return ".".join(str(number) for number in numbers if number is not None)
