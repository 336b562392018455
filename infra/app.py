"""The CDK app: `cdk deploy -c stage=dev|prod`. It reads its context and asks nothing outside."""

import sys

from aws_cdk import App

from infra.context import BadSetting
from infra.settings import Settings
from infra.stack import Tessera

app = App()
try:
    Tessera(app, settings=Settings.of(app.node))
except BadSetting as bad:
    sys.exit(f"error: {bad}")
app.synth()
