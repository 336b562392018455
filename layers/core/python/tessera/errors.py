"""Refusals: what Tessera says no to, and how the caller hears it.

    Refusal
    ├── InvalidRequest 400 · InvalidJson 400
    ├── Unauthorized 401
    ├── Forbidden 403
    ├── NotFound 404          no such thing, or not yours
    ├── Conflict 409          subjects derive theirs: IdentityInUse, NotUnique, OrderExists, …
    ├── Gone 410              OwnerMerged
    ├── VersionMismatch 412
    ├── InvalidFields 422     `errors` lists them
    ├── ChangePending 423
    ├── TooManyRequests 429
    └── UpstreamFailed 502    ZuoraFailed, CognitoFailed, …: which system, and its request id

A class's name in snake case is its wire code unless it says otherwise. The message tells a person
what to do next. Rules raise, the edge translates to `application/problem+json`, no handler catches.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple


class FieldError(NamedTuple):
    field: str
    """Path in the body, as `orderItems[0].offer.id`."""
    code: str
    message: str


class Refusal(Exception):
    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused"

    def __init__(self, message: str, *, code: str | None = None, **members: Any) -> None:
        """`members` are added to the problem document, as `owner` to `identity_in_use`."""
        super().__init__(message)
        self.message = message
        self.members: Mapping[str, Any] = members
        self.wire_code = code or type(self).code
        self.headers: dict[str, str] = {}

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


class InvalidRequest(Refusal):
    status = 400
    title = "The request cannot be understood"


class InvalidJson(InvalidRequest):
    title = "The body is not valid JSON"


class Unauthorized(Refusal):
    status = 401
    title = "Nobody is signed in"


class Forbidden(Refusal):
    status = 403
    title = "Not allowed"


class NotFound(Refusal):
    status = 404
    title = "There is no such thing"


class Conflict(Refusal):
    status = 409
    title = "This conflicts with what is stored"


class Gone(Refusal):
    status = 410
    title = "It is gone"


class VersionMismatch(Refusal):
    status = 412
    title = "It has changed meanwhile"


class InvalidFields(Refusal):
    status = 422
    title = "Some fields are not acceptable"

    def __init__(self, errors: Iterable[FieldError], **members: Any) -> None:
        self.errors = tuple(errors)
        super().__init__(
            " ".join(dict.fromkeys(_sentence(error) for error in self.errors)),
            code=self.errors[0].code,
            **members,
        )


class ChangePending(Refusal):
    status = 423
    title = "A change is already pending"


class TooManyRequests(Refusal):
    status = 429
    title = "Too many requests"


class UpstreamFailed(Refusal):
    status = 502
    title = "An outside system failed"
    system: ClassVar[str] = ""
    refuses_credentials: bool = False
    """It did not take Tessera's credentials, or a token that it had given for them."""

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        upstream_status: int | None = None,
        codes: Iterable[int | str] = (),
        retry_after: int | None = None,
    ) -> None:
        upstream = {
            "system": self.system,
            "requestId": request_id,
            "status": upstream_status,
            "codes": list(codes) or None,
        }
        super().__init__(message, upstream={k: v for k, v in upstream.items() if v is not None})
        self.retry_after = retry_after
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


def invalid(field: str, message: str, code: str = "invalid_value", **members: Any) -> InvalidFields:
    """One field at fault: `raise invalid("label", "Give the entitlement a label", "required")`."""
    return InvalidFields([FieldError(field, code, message)], **members)


def _sentence(error: FieldError) -> str:
    text = error.message if error.field in error.message else f"{error.field}: {error.message}"
    if error.code == "not_editable":  # its message says what can be changed instead
        text = f"{error.field} cannot be changed"
    return text if text.endswith((".", "!", "?")) else text + "."
