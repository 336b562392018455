"""The components that configured pages are made of, by their names in the catalog.

To add one: a module beside this whose class has `show` and, where it takes forms, `act`; its
template in `templates/components/`, which finds what it shows in `view`; a row in `components`; and
what it needs (stores, Zuora) in `World`, which the handler fills.

A form of a component posts to the page's own address and names the component:
`<form method="post">{{ ui.form_keys(form) }}<input type="hidden" name="component" value="plan">`.
"""

from typing import NamedTuple

from tessera.catalog.store import CatalogTable

from .blocks import Component
from .offers import Offers


class World(NamedTuple):
    """What components stand on."""

    catalog: CatalogTable


def components(world: World) -> dict[str, Component]:
    return {
        "offers": Component(Offers(world.catalog).show),
    }
