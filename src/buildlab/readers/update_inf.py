"""``update.inf``: what an update for Windows XP or Server 2003 says of itself to its installer, ``update.exe``.

After "The Package Installer for Microsoft Windows Operating Systems" and the INF, hash list and branch list of Windows
Server 2003 Service Pack 2, from which the keys are. What an INF leaves out is None or empty here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.inf import Inf, InfLine, InfSection, parse_inf
from buildlab.readers.text import decode_text
from buildlab.windows.architecture import Architecture, from_registry_word

_SIGNATURES = ("$windows nt$", "$chicago$", "$windows 95$")
_KB_KEYS = ("SP_KB_NUMBER", "HOTFIX_NUMBER", "SP_SHORT_TITLE")
_KB = re.compile(r"(?:KB|Q)?(\d{5,8})(?:-v\d{1,2})?", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]{1,8}|\d{1,10}", re.IGNORECASE)
_UPDATE_KEYS = (
    "software\\microsoft\\updates\\",
    "software\\microsoft\\windows nt\\currentversion\\hotfix\\",
)
_INF_NAME = re.compile(r"update(?:_(?P<branch>[a-z0-9]{1,16}))?\.inf", re.IGNORECASE)

_CODE_PAGES = {
    0x01: "cp1256",
    0x05: "cp1250",
    0x08: "cp1253",
    0x0D: "cp1255",
    0x0E: "cp1250",
    0x11: "cp932",
    0x12: "cp949",
    0x15: "cp1250",
    0x18: "cp1250",
    0x19: "cp1251",
    0x1A: "cp1250",
    0x1B: "cp1250",
    0x1E: "cp874",
    0x1F: "cp1254",
    0x24: "cp1250",
    0x25: "cp1257",
    0x26: "cp1257",
    0x27: "cp1257",
    0x0404: "cp950",
    0x0804: "cp936",
}
"""Windows code pages of languages that do not use 1252, by primary language and, for Chinese, by LANGID ([MS-LCID])."""


@dataclass(frozen=True, slots=True)
class ServicePack:
    """A service pack level, ``0x0200`` for the second: the number that CSDVersion holds in the registry."""

    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class NtBuild:
    """Versions of Windows between which an update stays, each part None where it is not stated."""

    major: int | None
    minor: int | None
    build: int | None


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file that the update installs.

    `name` is that in the system, `source` the path inside the package, `section` the list that it stands in.
    `folder` is the destination as stated: a number of a folder (``11`` is System32), and the path below it.
    """

    name: str
    source: str
    section: str
    folder: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """A registry key that the update writes about itself. `place` is a line of the INF."""

    path: str
    place: int


@dataclass(frozen=True, slots=True)
class Check:
    """One test of a condition: ``NotPresentOp = CheckReg, HKLM, …``."""

    operator: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A condition of [Prerequisite]: how it joins the others, its section, and that section's tests and message.

    `checks` may name further sections, which are not looked into.
    """

    operators: tuple[str, ...]
    section: str
    checks: tuple[Check, ...]
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInf:
    """What an update.inf states.

    `kb` is ``KB824146`` from the string `kb_key`; `language` a LANGID or its primary part; `architecture` the word of
    PACKAGE_ARCHITECTURE; `min_build` and `max_build` the versions of Windows that it is for; service packs are levels
    of the system, `this_service_pack` the one that the package makes or belongs to. `catalogue` is CatalogFile,
    `catalogues` all that are installed, by their paths in the package. `build_time` is as written.
    """

    kb: str | None
    kb_key: str | None
    title: str | None
    short_title: str | None
    product: str | None
    help_link: str | None
    language: int | None
    architecture: str | None
    min_build: NtBuild | None
    max_build: NtBuild | None
    min_service_pack: ServicePack | None
    max_service_pack: ServicePack | None
    this_service_pack: ServicePack | None
    this_service_pack_build: int | None
    catalogue: str | None
    catalogues: tuple[str, ...]
    build_time: str | None
    files: tuple[CopiedFile, ...]
    update_keys: tuple[UpdateKey, ...]
    prerequisites: tuple[Prerequisite, ...]

    @property
    def stated_architecture(self) -> Architecture | None:
        """`architecture` as one of ours; None where it is not stated or no word that is known."""
        return None if self.architecture is None else from_registry_word(self.architecture)


def is_update_inf(name: str) -> bool:
    """Whether a file name is that of an update.inf: ``update.inf``, ``update_SP2QFE.inf``."""
    return _INF_NAME.fullmatch(name) is not None


def branch_of_inf(name: str) -> str | None:
    """The branch in the name of an update.inf, ``SP2QFE`` of ``update_SP2QFE.inf``."""
    match = _INF_NAME.fullmatch(name)
    return match["branch"].upper() if match and match["branch"] else None


def read_update_inf(data: bytes, limits: Limits = DEFAULT_LIMITS) -> UpdateInf:
    """What an update.inf states; FormatError where it is no INF or names no Windows to update, LimitExceededError."""
    if len(data) > limits.inf_bytes:
        raise LimitExceededError(f"an INF file of {len(data)} bytes, more than the {limits.inf_bytes} that are read")
    inf = _decoded(data, limits)
    version = _version(inf)
    return _Reader(inf, version).read()


def _decoded(data: bytes, limits: Limits) -> Inf:
    """The INF, decoded again where it is in the code page of a language that it names itself."""
    text = decode_text(data)
    inf = parse_inf(text, limits)
    if text.isascii() or text != data.decode("cp1252", "replace"):
        return inf
    language = _number(_version(inf).get("LanguageType"))
    if language is None:
        return inf
    code_page = _CODE_PAGES.get(language, _CODE_PAGES.get(language & 0x3FF))
    return inf if code_page is None else parse_inf(data.decode(code_page, "replace"), limits)


def _version(inf: Inf) -> InfSection:
    version = inf.section("Version")
    if version is None or (version.get("Signature") or "").casefold() not in _SIGNATURES:
        raise FormatError("update.inf", "has no [Version] with the signature of Windows NT")
    if version.get("NtBuildToUpdate") is None and version.get("NtMajorVersionToUpdate") is None:
        raise FormatError("update.inf", "does not say which Windows it updates")
    return version


def _number(text: str | None) -> int | None:
    """Decimal, or hexadecimal with ``0x``, of at most 32 bits."""
    if text is None or not _NUMBER.fullmatch(text) or not text.isascii():
        return None
    value = int(text, 16 if text[1:2] in ("x", "X") else 10)
    return value if value <= 0xFFFFFFFF else None


class _Reader:
    """One INF with its sections at hand."""

    def __init__(self, inf: Inf, version: InfSection) -> None:
        self._sections = inf.by_name()
        self._version = version
        strings = self._sections.get("strings")
        self._strings = InfSection("Strings", ()) if strings is None else strings

    def read(self) -> UpdateInf:
        version, strings = self._version, self._strings
        kb, kb_key = self._kb()
        return UpdateInf(
            kb=kb,
            kb_key=kb_key,
            title=strings.get("SP_TITLE"),
            short_title=strings.get("SP_SHORT_TITLE"),
            product=strings.get("US_PRODUCT_NAME"),
            help_link=strings.get("HELP_LINK") or strings.get("HelpLink"),
            language=_number(version.get("LanguageType")),
            architecture=strings.get("PACKAGE_ARCHITECTURE"),
            min_build=self._build(""),
            max_build=self._build("Max"),
            min_service_pack=self._service_pack("MinNtServicePackVersion"),
            max_service_pack=self._service_pack("MaxNtServicePackVersion"),
            this_service_pack=self._service_pack("ThisServicePackVersion"),
            this_service_pack_build=_number(version.get("ThisServicePackBuild")),
            catalogue=version.get("CatalogFile"),
            catalogues=tuple(dict.fromkeys(self._catalogues())),
            build_time=strings.get("BUILDTIMESTAMP"),
            files=tuple(dict.fromkeys(self._files())),
            update_keys=tuple(self._update_keys()),
            prerequisites=tuple(self._prerequisites()),
        )

    def _kb(self) -> tuple[str | None, str | None]:
        """Articles were ``Q`` and a number before 2003; the number is the same."""
        for key in _KB_KEYS:
            match = _KB.fullmatch(self._strings.get(key) or "")
            if match and match[1].isascii():
                return f"KB{match[1]}", key
        return None, None

    def _build(self, prefix: str) -> NtBuild | None:
        names = (f"{prefix}NtMajorVersionToUpdate", f"{prefix}NtMinorVersionToUpdate", f"{prefix}NtBuildToUpdate")
        numbers = tuple(_number(self._version.get(name)) for name in names)
        return None if numbers == (None, None, None) else NtBuild(*numbers)

    def _service_pack(self, key: str) -> ServicePack | None:
        level = _number(self._version.get(key))
        return None if level is None or level > 0xFFFF else ServicePack(level >> 8, level & 0xFF)

    def _catalogues(self) -> Iterator[str]:
        """``name, path in the package`` of every [ProductCatalogsToInstall], also of those for one edition."""
        for name, section in self._sections.items():
            if name == "productcatalogstoinstall" or name.startswith("productcatalogstoinstall."):
                for line in (one for one in section.lines if one.key is None):
                    path = line.values[1] if len(line.values) > 1 and line.values[1] else line.value
                    if path:
                        yield path

    def _files(self) -> Iterator[CopiedFile]:
        folders = self._sections.get("destinationdirs")
        stated = {
            line.key.casefold(): line.values for line in (folders.lines if folders else ()) if line.key is not None
        }
        for name in self._referred("copyfiles"):
            if name.startswith("@"):
                yield CopiedFile(name[1:], name[1:], name, stated.get("defaultdestdir", ()))
                continue
            section = self._sections.get(name.casefold())
            folder = stated.get(name.casefold(), stated.get("defaultdestdir", ()))
            for line in section.lines if section else ():
                if line.key is None and line.value:
                    source = line.values[1] if len(line.values) > 1 and line.values[1] else line.value
                    yield CopiedFile(line.value, source, name, folder)

    def _update_keys(self) -> Iterator[UpdateKey]:
        seen: set[str] = set()
        for name in self._referred("addreg"):
            section = self._sections.get(name.casefold())
            for line in section.lines if section else ():
                key = _machine_key(line)
                if key is not None and key.casefold() not in seen:
                    seen.add(key.casefold())
                    yield UpdateKey(key, line.number)

    def _referred(self, directive: str) -> Iterable[str]:
        """The sections that lines with this key name in any section, each once however it is spelled."""
        named: dict[str, str] = {}
        for section in self._sections.values():
            for line in section.lines:
                if line.key is not None and line.key.casefold() == directive:
                    for value in filter(None, line.values):
                        named.setdefault(value.casefold(), value)
        return named.values()

    def _prerequisites(self) -> Iterator[Prerequisite]:
        conditions = self._sections.get("prerequisite")
        known: dict[str, tuple[tuple[Check, ...], str | None]] = {}
        for line in conditions.named("condition") if conditions else ():
            *operators, name = line.values
            folded = name.casefold()
            if folded not in known:
                known[folded] = _checks(self._sections.get(folded))
            yield Prerequisite(tuple(operators), name, *known[folded])


def _checks(section: InfSection | None) -> tuple[tuple[Check, ...], str | None]:
    """The tests in the section of a condition, and what is said where it is not met."""
    if section is None:
        return (), None
    lines = (line for line in section.lines if line.key is not None and line.key.casefold().endswith("op"))
    return tuple(Check(line.key or "", line.values) for line in lines), section.get("Display_String")


def _machine_key(line: InfLine) -> str | None:
    """The key of HKEY_LOCAL_MACHINE that an AddReg line writes, if it is one about updates."""
    if line.key is not None or len(line.values) < 2 or line.value.upper() != "HKLM":
        return None
    key = line.values[1].strip("\\")
    return key if f"{key.casefold()}\\".startswith(_UPDATE_KEYS) else None
