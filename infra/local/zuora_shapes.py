"""The field tables of the Zuora stand-in: all that Tessera sends, so that anything else is seen."""

from typing import Any

from infra.local.zuora_fields import (
    DATE,
    EMAIL,
    FLAG,
    Shape,
    amount,
    check,
    count,
    many,
    nested,
    one_of,
    some_of,
    text,
)
from infra.local.zuora_refusals import Category, Refusal

CURRENCY = text(3)
ID = text(32)
ACCOUNT_NUMBER = text(50)
SUBSCRIPTION_NUMBER = text(100)

CONTACT: Shape = {
    "firstName": text(100).needed(),
    "lastName": text(100).needed(),
    "workEmail": EMAIL,
    "personalEmail": EMAIL,
    "workPhone": text(40),
    "address1": text(255),
    "address2": text(255),
    "city": text(100),
    "state": text(100),
    "zipCode": text(20),
    "country": text(64),
}
CONTACT_CHANGE: Shape = {
    **CONTACT,
    "firstName": text(100),
    "lastName": text(100),
}
NEW_ACCOUNT: Shape = {
    "accountNumber": ACCOUNT_NUMBER,
    "name": text(255).needed(),
    "currency": CURRENCY.needed(),
    "billCycleDay": count(0, 31).needed(),
    "autoPay": FLAG,
    "parentId": ID,
    "crmId": text(100),
    "paymentTerm": text(100),
    "billToContact": nested(CONTACT).needed(),
    "soldToContact": nested(CONTACT),
    "hpmCreditCardPaymentMethodId": ID,
}
ACCOUNT_CHANGE: Shape = {"defaultPaymentMethodId": ID, "autoPay": FLAG}

PAYMENT_METHOD_CHANGE: Shape = {"accountKey": ACCOUNT_NUMBER.needed()}
CARD_FORM: Shape = {
    "uri": text(500).needed(),
    "method": one_of("POST").needed(),
    "pageId": ID.needed(),
    "accountId": ID,
    "currency": CURRENCY,
    "locale": text(10),
    "passthrough1": text(255),
}
PAYMENT: Shape = {
    "type": one_of("Electronic").needed(),
    "accountId": ID.needed(),
    "amount": amount(0).needed(),
    "currency": CURRENCY.needed(),
    "paymentMethodId": ID.needed(),
    "gatewayOrderId": text(50),
    "comment": text(255),
    "invoices": many(
        {
            "invoiceId": ID.needed(),
            "amount": amount(0).needed(),
            "items": many({"invoiceItemId": ID.needed(), "amount": amount(0).needed()}),
        }
    ).needed(),
}

TRIGGERS = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
PERIOD = one_of("Day", "Week", "Month", "Year")
PRICE_AND_QUANTITY: Shape = {"listPrice": amount(0), "quantity": amount(0)}
RATE_PLAN: Shape = {
    "productRatePlanId": ID.needed(),
    "chargeOverrides": many(
        {
            "productRatePlanChargeId": ID.needed(),
            "pricing": nested(
                {
                    "recurringFlatFee": nested({"listPrice": amount(0)}),
                    "oneTimeFlatFee": nested({"listPrice": amount(0)}),
                    "recurringPerUnit": nested(PRICE_AND_QUANTITY),
                    "oneTimePerUnit": nested(PRICE_AND_QUANTITY),
                    "discount": nested(
                        {"discountPercentage": amount(0), "discountAmount": amount(0)}
                    ),
                }
            ),
            "endDate": nested(
                {
                    "endDateCondition": one_of("Fixed_Period").needed(),
                    "upToPeriods": count(1, 1200).needed(),
                    "upToPeriodsType": one_of("Days", "Weeks", "Months", "Years").needed(),
                }
            ),
        }
    ),
}
RENEWAL_TERMS = many({"period": count(1, 1200).needed(), "periodType": PERIOD.needed()}, most=1)
RENEWAL: Shape = {
    "autoRenew": FLAG,
    "renewalSetting": one_of("RENEW_WITH_SPECIFIC_TERM", "RENEW_TO_EVERGREEN"),
    "renewalTerms": RENEWAL_TERMS,
}
NEW_OWNER: Shape = {
    **NEW_ACCOUNT,
    "billToContact": nested(
        {"postalCode": text(20), **{k: v for k, v in CONTACT.items() if k != "zipCode"}}
    ).needed(),
}
del NEW_OWNER["soldToContact"]
NEW_SUBSCRIPTION: Shape = {
    "subscriptionNumber": SUBSCRIPTION_NUMBER,
    "subscriptionOwnerAccountNumber": ACCOUNT_NUMBER,
    "newSubscriptionOwnerAccount": nested(NEW_OWNER),
    "invoiceOwnerAccountNumber": ACCOUNT_NUMBER,
    "terms": nested(
        {
            "initialTerm": nested(
                {
                    "termType": one_of("TERMED", "EVERGREEN").needed(),
                    "period": count(1, 1200),
                    "periodType": PERIOD,
                    "startDate": DATE,
                }
            ).needed(),
            **RENEWAL,
        }
    ).needed(),
    "subscribeToRatePlans": many(RATE_PLAN).needed(),
}
ACTION_BODIES = {
    "CreateSubscription": "createSubscription",
    "TermsAndConditions": "termsAndConditions",
    "AddProduct": "addProduct",
    "RemoveProduct": "removeProduct",
    "UpdateProduct": "updateProduct",
    "CancelSubscription": "cancelSubscription",
    "RenewSubscription": "renewSubscription",
}
"""The action types, and the member that holds what each of them does."""
ACTION: Shape = {
    "type": one_of(*ACTION_BODIES).needed(),
    "triggerDates": many(
        {"name": one_of(*TRIGGERS).needed(), "triggerDate": DATE.needed()}, most=3
    ),
    "createSubscription": nested(NEW_SUBSCRIPTION),
    "termsAndConditions": nested(RENEWAL),
    "addProduct": nested(RATE_PLAN),
    "removeProduct": nested({"ratePlanId": ID.needed()}),
    "updateProduct": nested(
        {
            "ratePlanId": ID.needed(),
            "chargeUpdates": many(
                {
                    "chargeNumber": text(50).needed(),
                    "pricing": nested(
                        {"recurringPerUnit": nested({"quantity": amount(0).needed()}).needed()}
                    ).needed(),
                }
            ).needed(),
        }
    ),
    "cancelSubscription": nested(
        {
            "cancellationPolicy": one_of("SpecificDate").needed(),
            "cancellationEffectiveDate": DATE.needed(),
        }
    ),
    "renewSubscription": nested({}),
}
ORDER_LINES = many(
    {"subscriptionNumber": SUBSCRIPTION_NUMBER, "orderActions": many(ACTION).needed()}, most=50
).needed()
ORDER: Shape = {
    "orderNumber": text(100, without="/"),
    "orderDate": DATE.needed(),
    "existingAccountNumber": ACCOUNT_NUMBER.needed(),
    "subscriptions": ORDER_LINES,
    "processingOptions": nested(
        {
            "runBilling": FLAG.needed(),
            "collectPayment": FLAG,
            "billingOptions": nested({"targetDate": DATE.needed()}),
        }
    ),
}
PREVIEW: Shape = {
    "orderDate": DATE.needed(),
    "existingAccountNumber": ACCOUNT_NUMBER,
    "subscriptions": ORDER_LINES,
    "previewOptions": nested(
        {
            "previewThruType": one_of("NumberOfPeriods").needed(),
            "previewNumberOfPeriods": count(1, 12).needed(),
            "previewTypes": some_of("BillingDocs").needed(),
        }
    ).needed(),
    "previewAccountInfo": nested(
        {"currency": CURRENCY.needed(), "billCycleDay": count(0, 31).needed()}
    ),
}


def check_order(body: Any, shape: Shape) -> dict[str, Any]:
    """An order or a preview, each action with the one member that its type asks for."""
    order = check(body, shape)
    for line in order["subscriptions"]:
        for action in line["orderActions"]:
            wanted = ACTION_BODIES[action["type"]]
            if wanted not in action:
                raise Refusal((Category.MISSING_FIELD, f"'{wanted}' is required."))
            for other in action.keys() - {"type", "triggerDates", wanted}:
                raise Refusal(
                    (Category.BAD_VALUE, f"'{other}' does not belong to a {action['type']}.")
                )
    return order
