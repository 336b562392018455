"""What may be shown of a payment method of Zuora, in the words of `commerce`."""

from tessera.commerce.models import Card, ZuoraMethod
from tessera.integrations import zuora_models as zuora


def shown_method(method: zuora.PaymentMethod) -> ZuoraMethod:
    card = Card(
        card_type=method.credit_card_type,
        mask=method.card_number,
        expiration_month=method.expiration_month,
        expiration_year=method.expiration_year,
        status=method.status,
    )
    return ZuoraMethod(ref_id=method.id, kind=method.type, result=card)
