"""Update packages of every class, by name: what the tests and the committed packages are made from."""

from __future__ import annotations

from tests.kit.mum import Identity, Parent
from tests.kit.pe import AMD64, I386, IA64, version_strings, write_pe
from tests.kit.update_packages import Model, Part

MACHINES = {"x86": I386, "amd64": AMD64, "ia64": IA64}
NT60_PRODUCTS = ("client", "server", "sc")
LDR_LAB, GDR_LAB = "vistasp2_ldr_escrow.190320-1700", "vistasp2_gdr.190320-1500"


def kernel(architecture: str, version: str, lab: str | None) -> bytes:
    """ntoskrnl.exe of a version, and of a lab where its text names one."""
    numbers = tuple(int(number) for number in version.split("."))
    text = f"{version} ({lab})" if lab is not None else version
    strings = {"040904B0": version_strings(text, "ntkrnlmp.exe", "NT Kernel & System")}
    return write_pe(machine=MACHINES[architecture], file_version=numbers, strings=strings)  # type: ignore[arg-type]


def service_pack_2(architecture: str) -> Parent:
    """The parents of an update for NT 6.0 with Service Pack 2: one of these."""
    names = (("Package_30_for_KB936330", "6.0.1.18000"), ("package_for_KB948465", "6.0.1.18005"))
    return Parent(tuple(Identity(name, version, architecture) for name, version in names))


def nt60(
    kb: str, version: str, parts: tuple[Part, ...], architecture: str = "amd64", *, twins: bool = False,
    stack: str = "6.0.6002.24564", **more: object,
) -> Model:  # fmt: skip
    """An update for NT 6.0; `more` are fields of the model."""
    fields: dict[str, object] = {
        "identity": Identity(f"Package_for_{kb}", version, architecture),
        "kb": kb,
        "parents": (service_pack_2(architecture),),
        "products": NT60_PRODUCTS,
        "parts": parts,
        "twins": twins,
        "stack": stack,
    }
    return Model(**{**fields, **more})  # type: ignore[arg-type]


def kernels(architecture: str) -> tuple[Part, ...]:
    """The kernel of 6003, which is LDR, beside one of the branch of broad fixes."""
    ldr = kernel(architecture, "6.0.6003.20489", LDR_LAB)
    gdr = kernel(architecture, "6.0.6002.19488", GDR_LAB)
    return (
        Part(name="Microsoft-Windows-OS-Kernel", version="6.0.6003.20489", files={"ntoskrnl.exe": ldr}, branch="LDR"),
        Part(name="Microsoft-Windows-OS-Kernel", version="6.0.6002.19488", files={"ntoskrnl.exe": gdr}, branch="GDR"),
    )


def monthly_rollup(architecture: str = "amd64") -> Model:
    """April 2019, which brings 6003."""
    return nt60("KB4493471", "6.0.1.2", kernels(architecture), architecture, twins=True, restart="required")


def security_only(architecture: str = "amd64") -> Model:
    """The same month without earlier fixes."""
    return nt60("KB4493458", "6.0.1.1", kernels(architecture)[:1], architecture)


def nt60_stack(architecture: str = "amd64") -> Model:
    """The servicing stack update of April 2019."""
    files = {"wcp.dll": kernel(architecture, "6.0.6003.20482", None), "drvstore.dll": b"drvstore"}
    part = Part(name="Microsoft-Windows-ServicingStack", version="6.0.6003.20482", files=files)
    return nt60("KB4493730", "6.0.1.1", (part,), architecture, permanence="permanent", stack="6.0.0.0")


def sha2_support(version: int, architecture: str = "amd64") -> Model:
    """SHA-2 code signing support in its first version, or a later one."""
    part = Part(
        name="Microsoft-Windows-WinTrust-DLL",
        version=f"6.0.6003.{20500 + version}",
        files={"wintrust.dll": f"wintrust {version}".encode()},
        branch="LDR",
    )
    return nt60("KB4474419", f"6.0.{version}.1", (part,), architecture, digest="sha1" if version == 1 else "sha256")


def esu_preparation(kb: str = "KB4538484", architecture: str = "amd64") -> Model:
    """The preparation package for Extended Security Updates."""
    part = Part(name="Microsoft-Windows-ESU", version="6.0.6003.20729", files={"slc.dll": b"slc"}, branch="LDR")
    return nt60(kb, "6.0.1.0", (part,), architecture)


def windows_10(
    name: str, version: str, *, kb: str | None = None, parts: tuple[Part, ...] = (), **more: object
) -> Model:
    """A package of Windows 10 and later: one manifest, SHA-256 throughout."""
    fields: dict[str, object] = {
        "identity": Identity(name, version),
        "kb": kb,
        "parts": parts,
        "digest": "sha256",
        "stack": None,
        "created": "2023-12-05T20:00:00Z",
    }
    return Model(**{**fields, **more})  # type: ignore[arg-type]


def cumulative(version: str = "19041.3803.1.10", kb: str = "KB5033372", **more: object) -> Model:
    """A latest cumulative update; its kernel's lab is a constant."""
    build, revision = version.split(".")[:2]
    text = f"10.0.{build}.{revision}"
    image = kernel("amd64", text, "WinBuild.160101.0800")
    part = Part(name="Microsoft-Windows-OS-Kernel", version=text, files={"ntoskrnl.exe": image})
    fields: dict[str, object] = {"stack": "10.0.19041.3745", "restart": "required", **more}
    return windows_10("Package_for_RollupFix", version, kb=kb, parts=(part,), **fields)


def windows_10_stack(build: int = 19041, revision: int = 3745) -> Model:
    """The servicing stack update that comes with a cumulative one."""
    text = f"10.0.{build}.{revision}"
    part = Part(name="Microsoft-Windows-ServicingStack", version=text, files={"wcp.dll": f"wcp {text}".encode()})
    name = f"Package_for_ServicingStack_{revision}"
    return windows_10(name, f"{build}.{revision}.1.1", parts=(part,), permanence="permanent")


def enablement() -> Model:
    """What makes 22H2 of 19041."""
    identity = Identity("Microsoft-Windows-22H2Enablement-Package", "10.0.19041.1799")
    return windows_10(identity.name, identity.version, kb="KB5015684", release_type="Feature Pack")


def language_pack() -> Model:
    """German for Windows 10."""
    identity = Identity("Microsoft-Windows-Client-LanguagePack-Package", "10.0.19041.3636", language="de-DE")
    return windows_10(identity.name, identity.version, identity=identity, release_type="Language Pack")


def feature_on_demand() -> Model:
    """A capability."""
    name = "OpenSSH-Server-Package"
    return windows_10(name, "10.0.19041.3636", release_type="OnDemand Pack", features=("OpenSSH.Server",))


def dotnet() -> Model:
    """A rollup of .NET Framework."""
    return windows_10("Package_for_DotNetRollup", "10.0.9206.1", kb="KB5032339", release_type="Update")


def driver() -> Model:
    """A driver."""
    return windows_10("Package_for_KB5001000", "10.0.1.0", kb="KB5001000", release_type="Driver")
