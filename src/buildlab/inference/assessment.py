"""The assessment of an installation: its level, its readiness, its support on a day, signs of changes.

Everything follows from the installation as it was concluded and from the bundled data; the day is an argument.
"""

from datetime import date

from buildlab.inference.assessment_level import level_statements
from buildlab.inference.assessment_readiness import readiness_statements
from buildlab.inference.assessment_signs import sign_statements
from buildlab.inference.assessment_subject import assessed
from buildlab.inference.assessment_support import support_statements
from buildlab.results.assessment import Assessment
from buildlab.results.scan import Installation


def assess(installation: Installation, as_of: date) -> Assessment:
    """Assess an installation as of a day."""
    subject = assessed(installation, as_of)
    return Assessment(
        level=tuple(level_statements(subject)),
        readiness=tuple(readiness_statements(subject)),
        support=tuple(support_statements(subject)),
        signs=tuple(sign_statements(subject)),
    )
