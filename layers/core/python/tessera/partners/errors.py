"""What partner organisations and their users are refused for."""

from tessera.errors import Conflict, NotFound, UpstreamFailed


class OrganisationHasUsers(Conflict):
    title = "The organisation has users"


class OrganisationArchived(Conflict):
    title = "The organisation is archived"


class EmailInUse(Conflict):
    title = "Another partner user already has this e-mail address"


class AlreadySignedIn(Conflict):
    title = "The user has signed in"


class PartnerAccountUnusable(Conflict):
    title = "The account of the partner organisation cannot be used"


class ChangedMeanwhile(Conflict):
    title = "Somebody else is changing this"


class Overtaken(Exception):
    """What was read has changed meanwhile: read again and decide again."""


class CognitoFailed(UpstreamFailed):
    """Whether it did it all the same may be unknown: the sweep looks again."""

    title = "Cognito did not do it"
    system = "cognito"


class NoOrganisation(NotFound):
    """In the same words for what never was and for what belongs to somebody else."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such partner organisation.")


class NoUser(NotFound):
    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such partner user.")
