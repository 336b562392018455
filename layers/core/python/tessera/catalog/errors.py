"""Why a catalog item is not saved although its fields are fine."""

from tessera.errors import Conflict


class NotUnique(Conflict):
    """Another item has the name, the code or the address: `field` says which, `id` whose."""

    title = "Another item has this already"


class ChangedMeanwhile(Conflict):
    title = "Somebody else is saving this"

    def __init__(self) -> None:
        super().__init__("Somebody else is saving this at the same moment. Try again.")
