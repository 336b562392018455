"""What a function ships: its folder below `functions`, and nothing else."""

from typing import NamedTuple

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_

from infra.constructs.bundling import ROOT
from infra.context import BadSetting

FUNCTIONS = ROOT / "functions"


class Package(NamedTuple):
    """What a function ships, and where Lambda finds its handler in it."""

    code: lambda_.Code
    handler: str = "handler.handler"

    @classmethod
    def of(cls, folder: str) -> "Package":
        """A handler by itself."""
        return cls(lambda_.Code.from_asset(str(FUNCTIONS / folder), exclude=["__pycache__"]))

    @classmethod
    def of_modules(cls, folder: str) -> "Package":
        """A handler with modules and templates beside it, which it imports as its siblings."""
        subject, name = folder.split("/")
        return cls(
            lambda_.Code.from_asset(
                str(FUNCTIONS),
                # Each level by itself: without the middle one the package is empty, unannounced.
                exclude=[
                    "*",
                    f"!{subject}",
                    f"{subject}/*",
                    f"!{folder}",
                    f"!{folder}/**",
                    "__pycache__",
                ],
                ignore_mode=IgnoreMode.GIT,
            ),
            f"{subject}.{name}.handler.handler",
        )


def sentence_of(folder: str) -> str:
    """The first line of the handler's docstring. Raises `BadSetting` where there is no handler."""
    handler = FUNCTIONS / folder / "handler.py"
    if not handler.is_file():
        raise BadSetting(
            f"functions/{folder}/handler.py does not exist, but the stack declares the function."
        )
    first = handler.read_text(encoding="utf-8").lstrip('"').splitlines()[:1]
    return "".join(first).rstrip('"')[:256]
