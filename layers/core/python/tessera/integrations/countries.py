"""Country names as Zuora writes them, and ISO 3166 codes; what is not listed stays as it is."""

_NAMES = """
AE United Arab Emirates|AL Albania|AM Armenia|AR Argentina|AT Austria|AU Australia|AZ Azerbaijan
BA Bosnia and Herzegovina|BB Barbados|BD Bangladesh|BE Belgium|BG Bulgaria|BH Bahrain|BM Bermuda
BO Bolivia|BO Bolivia, Plurinational State of|BR Brazil|BS Bahamas|BW Botswana|BY Belarus|BZ Belize
CA Canada|CH Switzerland|CI Côte d'Ivoire|CL Chile|CM Cameroon|CN China|CO Colombia|CR Costa Rica
CY Cyprus|CZ Czech Republic|CZ Czechia|DE Germany|DK Denmark|DO Dominican Republic|DZ Algeria
EC Ecuador|EE Estonia|EG Egypt|ES Spain|ET Ethiopia|FI Finland|FJ Fiji|FO Faroe Islands|FR France
GB United Kingdom|GB United Kingdom of Great Britain and Northern Ireland|GB Great Britain
GE Georgia|GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland|GR Greece|GT Guatemala|HK Hong Kong
HN Honduras|HR Croatia|HU Hungary|ID Indonesia|IE Ireland|IL Israel|IM Isle of Man|IN India|IQ Iraq
IS Iceland|IT Italy|JE Jersey|JM Jamaica|JO Jordan|JP Japan|KE Kenya|KG Kyrgyzstan|KH Cambodia
KR Korea, Republic of|KR South Korea|KW Kuwait|KY Cayman Islands|KZ Kazakhstan|LA Laos|LB Lebanon
LI Liechtenstein|LK Sri Lanka|LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco
MD Moldova|MD Moldova, Republic of|ME Montenegro|MG Madagascar|MK North Macedonia|MK Macedonia
MM Myanmar|MN Mongolia|MO Macao|MT Malta|MU Mauritius|MV Maldives|MW Malawi|MX Mexico|MY Malaysia
MZ Mozambique|NA Namibia|NG Nigeria|NI Nicaragua|NL Netherlands|NO Norway|NP Nepal|NZ New Zealand
OM Oman|PA Panama|PE Peru|PG Papua New Guinea|PH Philippines|PK Pakistan|PL Poland|PR Puerto Rico
PS Palestine, State of|PT Portugal|PY Paraguay|QA Qatar|RO Romania|RS Serbia|RU Russia
RU Russian Federation|RW Rwanda|SA Saudi Arabia|SC Seychelles|SE Sweden|SG Singapore|SI Slovenia
SK Slovakia|SM San Marino|SN Senegal|SV El Salvador|TH Thailand|TN Tunisia|TR Turkey|TR Türkiye
TT Trinidad and Tobago|TW Taiwan|TW Taiwan, Province of China|TZ Tanzania
TZ Tanzania, United Republic of|UA Ukraine|UG Uganda|US United States|US United States of America
UY Uruguay|UZ Uzbekistan|VA Holy See|VE Venezuela|VE Venezuela, Bolivarian Republic of|VN Vietnam
VN Viet Nam|XK Kosovo|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""

_ENTRIES = [
    entry.split(" ", 1) for line in _NAMES.strip().splitlines() for entry in line.split("|")
]
_CODES = {name.casefold(): code for code, name in _ENTRIES}
_FIRST_NAMES = {entry[0]: entry[1] for entry in reversed(_ENTRIES)}


def country_code(name: str | None) -> str | None:
    """`GB` for `United Kingdom`; a code or an unknown name comes back unchanged."""
    return None if name is None else _CODES.get(name.strip().casefold(), name)


def country_name(code: str | None) -> str | None:
    """`United Kingdom` for `GB`; a name or an unknown code comes back unchanged."""
    return None if code is None else _FIRST_NAMES.get(code, code)


def all_countries() -> list[tuple[str, str]]:
    """Code and name of each that is listed, by name."""
    return sorted(_FIRST_NAMES.items(), key=lambda entry: entry[1])
