"""What may be shown of a payment method of Zuora, in the words of `commerce`."""

from datetime import MAXYEAR, MINYEAR

from tessera.commerce.models import Card, ZuoraMethod
from tessera.integrations import zuora_models as zuora


def shown_method(method: zuora.PaymentMethod) -> ZuoraMethod:
    month, year = method.expiration_month or 0, method.expiration_year or 0
    # Without a month of the calendar nothing is known of when it is over.
    is_known = 1 <= month <= 12 and MINYEAR <= year <= MAXYEAR
    card = Card(
        card_type=method.credit_card_type,
        mask=method.card_number,
        expiration_month=month if is_known else None,
        expiration_year=year if is_known else None,
        status=method.status,
    )
    return ZuoraMethod(ref_id=method.id, kind=method.type, result=card)
