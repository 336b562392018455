"""A PDF of one page, drawn by hand: what the Zuora stand-in hands out for an invoice."""

from typing import Any

LEADING = 18
TOP = 780


def drawn(lines: list[str]) -> bytes:
    """A page of text in Helvetica; what Latin-1 lacks is shown as a question mark."""
    text = "\n".join(f"({_escaped(line)}) Tj T*" for line in lines)
    stream = f"BT /F1 12 Tf {LEADING} TL 56 {TOP} Td\n{text}\nET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    page, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(page))
        page += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return page + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(page))
    )


def invoice_lines(invoice: dict[str, Any], account: dict[str, Any]) -> list[str]:
    """What the PDF of an invoice says."""
    items = [
        f"{item['productName']}, {item['chargeName']}   {item['serviceStartDate']} to"
        f" {item['serviceEndDate']}   {item['amountWithoutTax']} {invoice['currency']}"
        for item in invoice["items"]
    ]
    return [
        f"Invoice {invoice['number']}",
        account["name"],
        f"Account {account['number']}",
        f"Date {invoice['invoiceDate']}, due {invoice['dueDate']}",
        "",
        *items,
        "",
        f"Total {invoice['amount']} {invoice['currency']}",
        f"To be paid {invoice['balance']} {invoice['currency']}",
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
