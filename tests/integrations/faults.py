"""What can go wrong for a while at Zuora and Salesforce, by name, as their stand-ins are told."""

from typing import Any

REASONS = {"kind": "reasons", "status": 200}

PASSING: dict[str, dict[str, Any]] = {
    "lost_before": {"kind": "drop_before"},
    "lost_after": {"kind": "drop_after"},
    "late": {"kind": "delay", "seconds": 0.2, "late": "answer"},
    "done_late": {"kind": "delay", "seconds": 0.2, "late": "work"},
    "throttled": {"kind": "throttle", "retry_after": 120},
    "locked": {**REASONS, "codes": [50000050]},
    "internal": {**REASONS, "codes": [50000060]},
    "temporary": {**REASONS, "codes": [50000061]},
    "concurrency": {**REASONS, "codes": [50000070]},
    "outside_system": {**REASONS, "codes": [50000099]},
    "error": {"kind": "status", "status": 500},
    "bad_gateway": {"kind": "status", "status": 502},
    "down": {"kind": "status", "status": 503},
    "gateway_timeout": {"kind": "status", "status": 504},
    "maintenance_page": {"kind": "html"},
    "expired_token": {"kind": "expire_tokens"},
    "key_in_work": {"kind": "status", "status": 409},
}
"""Zuora's."""

PASSING_IN_SALESFORCE: dict[str, dict[str, Any]] = {
    **{
        name: PASSING[name]
        for name in (
            "lost_before",
            "lost_after",
            "late",
            "done_late",
            "throttled",
            "error",
            "down",
            "maintenance_page",
            "expired_token",
        )
    },
    "row_lock": {"kind": "errors", "status": 400, "errorCode": "UNABLE_TO_LOCK_ROW"},
    "part": {
        "kind": "part",
        "reference": "contact",
        "status": 400,
        "errorCode": "UNABLE_TO_LOCK_ROW",
    },
    "quota": {"kind": "errors", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED"},
}
