"""Security advisories in CVRF 1.1 and 1.2 (XML), as the Microsoft Security Response Center publishes for each month.

After the CVRF 1.2 specification of OASIS; that Microsoft puts the KB into `Description`, and has `Supercedence`,
`FixedBuild` and `SubType` of its own, is seen in its documents.
"""

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.advisory import Advisory, Remediation, kb_of_address, kb_of_text, kbs_of_list
from buildlab.readers.xml import Element, parse_xml

ROOT = "cvrfdoc"


def read_cvrf(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Advisory:
    """An advisory; FormatError where it is none, LimitExceededError for more remediations than `knowledge_rows`."""
    root = parse_xml(data, limits)
    if not isinstance(root.tag, str) or root.tag.rpartition("}")[2] != ROOT:
        raise FormatError("cvrf", "the root is no cvrfdoc")
    names = {
        product.get("ProductID", ""): " ".join((product.text or "").split())
        for product in root.iter("{*}FullProductName")
    }
    found: list[Remediation] = []
    passed_over = 0
    for vulnerability in root.iter("{*}Vulnerability"):
        cve = _text(vulnerability, "CVE")
        for element in vulnerability.iterfind("{*}Remediations/{*}Remediation"):
            one = _remediation(element, cve, names)
            if one is None:
                passed_over += 1
            else:
                found.append(one)
            if len(found) > limits.knowledge_rows:
                raise LimitExceededError(f"more than {limits.knowledge_rows} remediations in one document")
    identifier = _text(root, "DocumentTracking/{*}Identification/{*}ID")
    if not identifier:
        raise FormatError("cvrf", "has no identifier")
    return Advisory(
        identifier=identifier,
        title=_text(root, "DocumentTitle"),
        publisher=_text(root, "DocumentPublisher/{*}IssuingAuthority")
        or _text(root, "DocumentPublisher/{*}ContactDetails"),
        released=_text(root, "DocumentTracking/{*}CurrentReleaseDate"),
        remediations=tuple(found),
        passed_over=passed_over,
    )


def _remediation(element: Element, cve: str, names: dict[str, str]) -> Remediation | None:
    """None where no KB is named: a mitigation, or a fix that is no update."""
    url = _text(element, "URL")
    kb = kb_of_text(_text(element, "Description")) or kb_of_address(url)
    if kb is None:
        return None
    products = [" ".join((product.text or "").split()) for product in element.iterfind("{*}ProductID")]
    return Remediation(
        kb=kb,
        vulnerability=cve,
        products=tuple(names.get(product, product) for product in products),
        supersedes=kbs_of_list(_text(element, "Supercedence")),
        fixed_build=_text(element, "FixedBuild"),
        subtype=_text(element, "SubType"),
        restart=_text(element, "RestartRequired"),
        released=element.get("Date", ""),
        url=url,
    )


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext("{*}" + path) or "").split())
