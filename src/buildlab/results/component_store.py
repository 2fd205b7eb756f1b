"""The component store of one installation, as its hive describes it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStore:
    """The component store as its hive describes it. Marks tie packages to the deployments that they hold; `other_marks`
    are those of other installers. `corrupt_at` is UTC where the stamp could be understood; it, `dirty`,
    `pending_identifier`, `execution_state` and `last_stack` are None where the hive does not have them. `kernel_winner`
    and `stack_winner` are the newest versions that an installed deployment brings."""

    components: int
    deployments: int
    catalogues: int
    installed_marks: int
    staged_marks: int
    pinned_marks: int
    other_marks: int
    corrupt_at: str | None
    dirty: str | None
    pending_identifier: str | None
    execution_state: str | None
    last_stack: str | None
    index_stacks: tuple[str, ...]
    kernel_winner: str | None
    stack_winner: str | None
    because: tuple[str, ...]
