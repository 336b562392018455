"""The Partners table: organisations and where they are looked for.

| row | pk | sk | by_lookup |
|---|---|---|---|
| organisation | `partner_org-…` | `partner_org-…` | `zuora#{account id}`, `{id}` |

An organisation by id costs one request, those of a Zuora account one query of by_lookup.
"""

from tessera.dynamo import Row, get, query
from tessera.partners.models import Organisation
from tessera.tables import PARTNERS


class PartnersTable:
    def __init__(self, name: str) -> None:
        self._name = name

    def active(self, id: str) -> Organisation | None:
        """The organisation, unless it is archived."""
        row = get(self._name, {"pk": id, "sk": id})
        organisation = _organisation(row) if row else None
        return organisation if organisation and organisation.status == "active" else None

    def of_zuora_account(self, account_id: str) -> list[str]:
        """Ids of the active organisations that have this Zuora account."""
        page = query(self._name, PARTNERS, f"zuora#{account_id}", index="by_lookup", limit=40)
        return [row["pk"] for row in page.rows if row["status"] == "active"]


def _organisation(row: Row) -> Organisation:
    return Organisation.model_validate(
        {name: row[name] for name in Organisation.model_fields if name in row}
    )
