"""A nested stack: CloudFormation allows 500 resources a stack, and the functions exceed that."""

from typing import cast

from aws_cdk import CfnStack, NestedStack
from constructs import Construct


class Part(NestedStack):
    """One that is called the same in the account as here: `Tessera-dev-Delivery-…`."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        cast("CfnStack", self.nested_stack_resource).override_logical_id(id)
