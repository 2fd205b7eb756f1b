"""What an update.inf says: made packages of every architecture and several languages, and what is left out."""

import random
import time

import pytest

from buildlab.errors import BuildlabError, FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.update_inf import (
    Check,
    CopiedFile,
    NtBuild,
    Prerequisite,
    ServicePack,
    UpdateInf,
    branch_of_inf,
    is_update_inf,
    read_update_inf,
)
from buildlab.windows.architecture import Architecture
from tests.kit.legacy_updates import LegacyUpdate

LEAST = b'[Version]\nSignature="$Windows NT$"\nNtBuildToUpdate=2600\n'


def test_everything_that_an_update_for_xp_states() -> None:
    found = read_update_inf(LegacyUpdate().update_inf())
    assert (found.kb, found.kb_key) == ("KB824146", "SP_SHORT_TITLE")
    assert found.title == "Windows XP Hotfix - KB824146"
    assert found.short_title == "KB824146"
    assert found.help_link == "http://support.microsoft.com?kbid=824146"
    assert found.language == 9
    assert found.min_build == found.max_build == NtBuild(5, 1, 2600)
    assert (found.min_service_pack, found.max_service_pack) == (ServicePack(0, 0), ServicePack(1, 0))
    assert found.this_service_pack == ServicePack(2, 0)
    assert found.catalogue == "KB824146.cat"
    assert found.catalogues == ("update\\KB824146.cat",)
    assert found.build_time == "20030829.215200"
    assert found.files == (
        CopiedFile("ntoskrnl.exe", "ntoskrnl.exe", "System32.Files", ("11",)),
        CopiedFile("rpcss.dll", "rpcss.dll", "System32.Files", ("11",)),
    )
    assert [key.path for key in found.update_keys] == [
        "SOFTWARE\\Microsoft\\Updates\\Windows XP\\SP2\\KB824146",
        "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Hotfix\\KB824146",
    ]
    assert found.prerequisites == (
        Prerequisite(
            ("SingleOp",),
            "SomeService.Section",
            (
                Check("PresentOp", ("CheckService", "SomeService")),
                Check("NotEqualOp", ("CheckService", "SomeService", "!=", "4")),
            ),
            'Stop "SomeService" first',
        ),
    )


@pytest.mark.parametrize(
    ("word", "architecture"), [("x86", Architecture.X86), ("ia64", Architecture.IA64), ("amd64", Architecture.AMD64)]
)
def test_the_architecture_and_the_files_of_a_branch(word: str, architecture: Architecture) -> None:
    update = LegacyUpdate(architecture=word, windows=(5, 2, 3790), branches=("SP1GDR", "SP1QFE"))
    found = read_update_inf(update.update_inf("SP1QFE"))
    assert found.architecture == word
    assert found.stated_architecture is architecture
    assert found.min_build == NtBuild(5, 2, 3790)
    assert [file.source for file in found.files] == ["SP1QFE\\ntoskrnl.exe", "SP1QFE\\rpcss.dll"]
    assert [file.name for file in found.files] == ["ntoskrnl.exe", "rpcss.dll"]


def test_an_architecture_that_is_not_stated_is_not_guessed() -> None:
    found = read_update_inf(LegacyUpdate(architecture="ia64", states_architecture=False).update_inf())
    assert (found.architecture, found.stated_architecture) == (None, None)
    unknown = read_update_inf(LEAST + b"[Strings]\nPACKAGE_ARCHITECTURE=alpha\n")
    assert (unknown.architecture, unknown.stated_architecture) == ("alpha", None)


@pytest.mark.parametrize(
    ("language", "encoding", "title"),
    [
        (0x07, "cp1252", "Sicherheitsupdate für Windows XP"),
        (0x11, "cp932", "Windows XP セキュリティ更新"),
        (0x0411, "cp932", "Windows XP セキュリティ更新"),
        (0x12, "cp949", "Windows XP 보안 업데이트"),
        (0x0404, "cp950", "Windows XP 安全性更新"),
        (0x0804, "cp936", "Windows XP 安全更新程序"),
        (0x19, "cp1251", "Обновление безопасности"),
        (0x15, "cp1250", "Poprawka zabezpieczeń"),
        (0x19, "utf-16", "Обновление безопасности"),
        (0x11, "utf-8", "Windows XP セキュリティ更新"),
    ],
)
def test_titles_in_the_code_page_of_their_language(language: int, encoding: str, title: str) -> None:
    found = read_update_inf(LegacyUpdate(language=language, encoding=encoding, title=title).update_inf())
    assert (found.title, found.language) == (title, language)


@pytest.mark.parametrize(
    ("strings", "kb"),
    [
        ("SP_SHORT_TITLE=KB971276-v2", "KB971276"),
        ("SP_SHORT_TITLE=Q315000", "KB315000"),
        ("HOTFIX_NUMBER=824146", "KB824146"),
        ("SP_KB_NUMBER=KB914961\nSP_SHORT_TITLE=Service Pack 2", "KB914961"),
        ("SP_SHORT_TITLE=Service Pack 2", None),
        ("SP_SHORT_TITLE=KB1", None),
        ("SP_SHORT_TITLE=KB\u0661\u0662\u0663\u0664\u0665\u0666", None),
        ("SP_TITLE=Hotfix KB824146", None),
    ],
)
def test_the_number_of_the_article(strings: str, kb: str | None) -> None:
    assert read_update_inf(LEAST + f"[Strings]\n{strings}\n".encode()).kb == kb


def test_what_is_not_stated_is_none() -> None:
    found = read_update_inf(LEAST)
    assert found.min_build == NtBuild(None, None, 2600)
    absent = {"min_build"}
    for name in UpdateInf.__dataclass_fields__:
        if name not in absent:
            assert getattr(found, name) in (None, ()), name


@pytest.mark.parametrize("level", ["x", "-1", "0x10000", "4294967296", "99999999999999999999", "\u0662", "0x"])
def test_numbers_that_are_none(level: str) -> None:
    found = read_update_inf(LEAST + f"MaxNtServicePackVersion={level}\n".encode())
    assert found.max_service_pack is None


def test_decimal_and_hexadecimal_levels() -> None:
    found = read_update_inf(LEAST + b"MinNtServicePackVersion=0x100\nMaxNtServicePackVersion=513\n")
    assert (found.min_service_pack, found.max_service_pack) == (ServicePack(1, 0), ServicePack(2, 1))


def test_lists_that_are_named_often_are_read_once() -> None:
    lists = b"[x]\nCopyFiles=A.Files,a.files\nCOPYFILES=@one.sys\n[A.Files]\none.dll\n,,\nk=v\n"
    found = read_update_inf(LEAST + lists + b"[DestinationDirs]\nDefaultDestDir=12,sub\n")
    assert found.files == (
        CopiedFile("one.dll", "one.dll", "A.Files", ("12", "sub")),
        CopiedFile("one.sys", "one.sys", "@one.sys", ("12", "sub")),
    )


@pytest.mark.parametrize(
    ("name", "branch"),
    [("update.inf", None), ("UPDATE_SP2QFE.INF", "SP2QFE"), ("update_sp3gdr.inf", "SP3GDR")],
)
def test_the_branch_in_the_name(name: str, branch: str | None) -> None:
    assert is_update_inf(name)
    assert branch_of_inf(name) == branch


@pytest.mark.parametrize("name", ["updatebr.inf", "branches.inf", "update.ver", "update_.inf", "myupdate.inf"])
def test_other_names(name: str) -> None:
    assert not is_update_inf(name)
    assert branch_of_inf(name) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[Strings]\na=b\n",
        b"[Version]\nNtBuildToUpdate=2600\n",
        b'[Version]\nSignature="$Other$"\nNtBuildToUpdate=2600\n',
        b'[Version]\nSignature="$Windows NT$"\nClass=Net\n',
    ],
)
def test_what_is_no_update_inf(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_update_inf(data)


def test_a_file_that_is_too_large() -> None:
    with pytest.raises(LimitExceededError):
        read_update_inf(LEAST, Limits(inf_bytes=10))


@pytest.mark.parametrize("encoding", ["cp1252", "cp932", "utf-16"])
def test_cuts_and_flipped_bytes(encoding: str) -> None:
    update = LegacyUpdate(
        encoding=encoding, language=0x11, title="Windows XP セキュリティ" if encoding != "cp1252" else "x\xe9"
    )
    data = update.update_inf()
    numbers = random.Random(encoding)
    spoilt = [data[:length] for length in range(0, len(data), 3)]
    for _ in range(1500):
        made = bytearray(data)
        for _ in range(numbers.choice([1, 4, 32])):
            made[numbers.randrange(len(data))] = numbers.randrange(256)
        spoilt.append(bytes(made))
    for one in spoilt:
        try:
            read_update_inf(one)
        except BuildlabError:
            continue


def test_references_between_lists_cost_no_more_than_the_lists() -> None:
    names = ",".join(f"{number % 7}.files" for number in range(2000))
    names += ",a.FILES,A.files,a.fileS"
    copied = "".join(f"{number}.dll\n" for number in range(50_000))
    conditions = "condition=SingleOp,Big\n" * 20_000
    checks = "EqualOp=CheckReg,HKLM\n" * 20_000
    text = f"[x]\nCopyFiles={names}\n[A.Files]\n{copied}[Prerequisite]\n{conditions}[Big]\n{checks}"
    start = time.process_time()
    found = read_update_inf(LEAST + text.encode(), DEFAULT_LIMITS)
    assert len(found.files) == 50_000
    assert len(found.prerequisites) == 20_000
    assert time.process_time() - start < 5
