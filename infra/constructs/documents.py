"""The bucket for documents too large to be answered: each is lent for a minute, kept for a day."""

from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Duration, Names, RemovalPolicy, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.settings import Settings


class DocumentsBucket(Construct):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=settings.encrypts_transport,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            # Nothing in it outlives a day.
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Who got which document is in the log line of the function that lends it.",
            )
        )
        if not settings.encrypts_transport:
            Validations.of(self.bucket).acknowledge(
                Acknowledgment(id="AwsSolutions-S10", reason="The emulator speaks plain HTTP only.")
            )

    def explain(self, function: Construct) -> None:
        """Beside each function that lends: keys of documents are not known beforehand."""
        Validations.of(function).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{self._named_from(function)}>/invoices/*]",
                reason="Each document has a random key, which is made when it is put in.",
            )
        )

    def _named_from(self, function: Construct) -> str:
        """The bucket, as its own nested stack names it, or as others hear of it: by a parameter."""
        made = cast("CfnElement", self.bucket.node.default_child)
        own = Stack.of(self)
        if Stack.of(function) == own or own.nested_stack_resource is None:
            return f"{own.get_logical_id(made)}.Arn"
        nested = Names.node_unique_id(own.nested_stack_resource.node)
        return f"referenceto{nested}Outputs{Names.node_unique_id(made.node)}Arn"

    def lends(self) -> Need:
        """Put in, and lent: a link has the rights of the one who made it."""
        objects = self.bucket.arn_for_objects("invoices/*")
        return Need(
            {"DOCUMENTS_BUCKET": self.bucket.bucket_name},
            [permission("s3:PutObject", "s3:GetObject", on=[objects])],
        )
