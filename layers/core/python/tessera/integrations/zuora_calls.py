"""How any call to Zuora is made: tokens, headers, time limits, idempotency keys and verdicts."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import requests
from pydantic import ValidationError

from tessera import clock
from tessera.integrations import zuora_verdicts as verdicts
from tessera.integrations.credentials import WHAT, Access, Credentials, SignIn, Token
from tessera.integrations.http import (
    INTERACTIVE,
    JSON_CAP,
    Answer,
    Call,
    Judgement,
    NotJson,
    Observe,
    OutOfTime,
    Profile,
    Silence,
    Transport,
    unobserved,
)
from tessera.integrations.zuora_models import TokenGiven, ZuoraAnswer
from tessera.integrations.zuora_verdicts import (
    Effect,
    Finding,
    UnknownToZuora,
    ZuoraFailed,
    ZuoraNotConfigured,
)
from tessera.objects import compact_json

API_VERSION = "2025-08-12"
"""Pinned, since tenants differ in their default."""

FILE_CAP = 20 * 1024 * 1024
PDF_BEGINS = b"%PDF-"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tessera")
_UNFIT_FOR_TRACK_ID = re.compile(r"[^\x21-\x7e]|[:;\"']")

Query = Sequence[tuple[str, str | int]]
Read = TypeVar("Read", bound=ZuoraAnswer)


class Sending(NamedTuple):
    """What makes a write recognisable to Zuora, so that a repeat is not done twice.

    `generation` grows by one for each definite failure: Zuora repeats its first answer for a day,
    even if that was a failure.
    """

    step: str
    """`{stage}/{order_id}/{step}`."""
    generation: int

    @property
    def key(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.step}/{self.generation}"))


class ZuoraCalls:
    """One tenant of Zuora and the way to it; `Zuora` says what can be asked of it."""

    def __init__(
        self,
        url: str,
        secret: Credentials,
        *,
        profile: Profile = INTERACTIVE,
        session: requests.Session | None = None,
        now: Callable[[], datetime] = clock.now,
        observe: Observe = unobserved,
        track_id: Callable[[], str | None] = lambda: None,
        time_left: Callable[[], float] | None = None,
        entity_ids: str = "",
        org_ids: str = "",
    ) -> None:
        """`track_id` names the order or request under way, for Zuora's own logs."""
        self._transport = Transport(
            "zuora", profile, session=session, now=now, observe=observe, time_left=time_left
        )
        sign_in = SignIn(
            "Zuora",
            url.rstrip("/"),
            "/oauth/token",
            judge=self._judged_token,
            read=partial(_read_token, base=url.rstrip("/")),
            not_configured=ZuoraNotConfigured,
        )
        self._access = Access(sign_in, secret, self._transport, now=now)
        self._now = now
        self._track_id = track_id
        self._tenant = {"Zuora-Entity-Ids": entity_ids, "Zuora-Org-Ids": org_ids}

    @property
    def is_configured(self) -> bool:
        """Whether there are a URL and both credentials."""
        return self._access.is_configured

    def require(self) -> None:
        """Raises `ZuoraNotConfigured`, where nobody may have to be asked at all."""
        self._access.require()

    def _call(
        self,
        method: str,
        route: str,
        path: Mapping[str, str],
        *,
        what: str,
        until: float,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        effect: Effect = "none",
        sending: Sending | None = None,
        is_file: bool = False,
    ) -> Answer:
        """`what` completes "Zuora refused to …". A key in `path` that Zuora lacks is unknown."""
        if sending is not None and method != "POST":
            raise ValueError("Zuora refuses an idempotency key on anything but a POST")
        url = _path(route, path) + (f"?{urlencode(query)}" if query else "")
        track_id = _track_id(self._track_id())
        headers = {
            "Content-Type": "application/json" if body is not None else None,
            "Zuora-Version": API_VERSION,
            "Zuora-Track-Id": track_id,
            "Idempotency-Key": sending.key if sending else None,
            **self._tenant,
        }
        call = Call(
            method,
            route,
            url,
            headers={name: value for name, value in headers.items() if value},
            body=compact_json(body).encode() if body is not None else None,
            cap=FILE_CAP if is_file else JSON_CAP,
            generation=sending.generation if sending else None,
            track_id=track_id,
        )
        key = next(iter(path.values()), None)
        judge = partial(self._judged, effect=effect, what=what, key=key, is_file=is_file)
        try:
            return self._access.send(call, until=until, judge=judge)
        except ZuoraFailed as failure:
            if method != "GET" or not self._transport.profile.resends or not failure.is_passing:
                raise
        return self._access.send(call._replace(attempt=2), until=until, judge=judge)

    def _deadline(self, what: str) -> float:
        """Raises `ZuoraNotConfigured`, and `ZuoraFailed` when the function ends too soon."""
        self._access.require()
        try:
            return self._transport.deadline()
        except OutOfTime:
            message = _message(Finding("unavailable"), what)
            raise ZuoraFailed(message, verdict="unavailable") from None

    def _judged(
        self,
        result: Answer | Silence,
        *,
        effect: Effect,
        what: str,
        key: str | None,
        is_file: bool = False,
    ) -> Judgement:
        if isinstance(result, Silence):
            silence = verdicts.of_silence(was_sent=result.was_sent, effect=effect)
            failure = ZuoraFailed(_message(silence, what), verdict=_verdict(silence))
            return Judgement(silence.verdict, failure)
        if is_file and result.status == 200 and result.body.startswith(PDF_BEGINS):
            return Judgement(request_id=verdicts.request_id(result.headers, None))
        body = _json(result)
        finding = verdicts.of_answer(result, body, effect, now=self._now())
        if is_file and finding is None:
            finding = Finding("refused")
        return _judgement(finding, result, body, what, key)

    def _judged_token(self, result: Answer | Silence) -> Judgement:
        """Like any call without effect, except that a refusal is about our credentials."""
        judged = self._judged(result, effect="none", what=WHAT, key=None)
        if isinstance(result, Answer) and result.status in (400, 401, 403):
            return _judgement(Finding("credentials"), result, _json(result), WHAT, None)
        return judged


def _path(route: str, path: Mapping[str, str]) -> str:
    for part in path.values():
        # On the way these would become other paths: a list, or the parent.
        if part in ("", ".", ".."):
            raise UnknownToZuora(part)
    return route.format(**{name: quote(part, safe="") for name, part in path.items()})


def _read_token(answer: Answer, *, base: str) -> Token:
    given = parsed(answer, TokenGiven, WHAT)
    return Token(given.access_token, base, timedelta(seconds=given.expires_in))


def _judgement(
    finding: Finding | None, answer: Answer, body: Any, what: str, key: str | None
) -> Judgement:
    request_id = verdicts.request_id(answer.headers, body)
    codes = verdicts.codes(body)
    if finding is None:
        return Judgement(request_id=request_id, codes=codes)
    if finding.verdict == "unknown" and key is not None:
        return Judgement("unknown", UnknownToZuora(key), request_id, codes)
    failure = ZuoraFailed(
        _message(finding, what),
        verdict=_verdict(finding),
        keeps_key=finding.keeps_key,
        is_our_fault=finding.is_our_fault,
        request_id=request_id,
        upstream_status=answer.status,
        codes=codes,
        retry_after=finding.retry_after,
        vendor_text=verdicts.vendor_text(body),
    )
    return Judgement(failure.verdict, failure, request_id, codes, finding.is_our_fault)


def _verdict(finding: Finding) -> verdicts.Verdict:
    return "refused" if finding.verdict == "unknown" else finding.verdict


def _message(finding: Finding, what: str) -> str:
    match _verdict(finding):
        case "refused":
            return (
                f"Zuora refused to {what}. Whoever runs your Zuora tenant can look up the"
                " request id."
            )
        case "unavailable":
            return f"Zuora could not {what} just now. Try again in a while."
        case "ambiguous":
            return f"Zuora did not tell whether it managed to {what}."
        case "credentials":
            return (
                f"Zuora did not accept Tessera's credentials and so did not {what}. Whoever"
                " runs Tessera can renew them."
            )


def _json(answer: Answer) -> Any:
    try:
        return answer.json
    except NotJson:
        return None


def parsed(answer: Answer, model: type[Read], what: str, *, wrote: bool = False) -> Read:
    """`wrote`: Zuora says that it has done it, so that only a look there can tell more."""
    try:
        return model.model_validate(answer.json)
    except ValidationError as error:
        # pydantic's own words quote values; the places and kinds of the mistakes are enough.
        places = [f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()]
    raise ZuoraFailed(
        f"Zuora's answer cannot be understood, so Tessera could not {what}. Whoever runs Tessera"
        " can look up the request id.",
        verdict="ambiguous" if wrote else "refused",
        is_our_fault=True,
        request_id=verdicts.request_id(answer.headers, answer.json),
        upstream_status=answer.status,
        vendor_text=json.dumps(places[:20]),
    )


def _track_id(given: str | None) -> str | None:
    return _UNFIT_FOR_TRACK_ID.sub("", given or "")[:64] or None
