"""Documents whose structure goes in circles, lies, or grows without end."""

import random
import sqlite3
import struct
import tempfile
import zlib
from pathlib import Path

import make_formats
from archives import patched
from sample import PEOPLE, Sample, rows

MEGABYTE = 1 << 20


def pdf_of(objects, trailer=b"/Root 1 0 R"):
    out = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
    for number, body in enumerate(objects, 1):
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    return out + b"trailer<<" + trailer + b">>\nstartxref\n0\n%%EOF\n"


def stream(data, extra=b"/Filter/FlateDecode", packed=True):
    if packed:
        data = zlib.compress(data, 9)
    return (b"<<" + extra + b"/Length %d>>stream\n" % len(data) + data
            + b"\nendstream")


def pdfs():
    catalog = b"<</Type/Catalog/Pages 2 0 R>>"
    page = (b"<</Type/Page/Parent 2 0 R/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>")
    pages = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    text = stream(b"BT /F1 9 Tf (hello) Tj ET /X Do")
    loops = {
        "pages": [catalog, b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>"],
        "pages-two": [catalog, b"<</Type/Pages/Kids[3 0 R]>>",
                      b"<</Type/Pages/Kids[2 0 R 3 0 R]/Parent 3 0 R>>"],
        "parent": [catalog, pages, b"<</Type/Page/Parent 3 0 R/Contents 4 0 R>>",
                   text],
        "contents": [catalog, pages, page, b"[4 0 R 4 0 R]", font],
        "reference": [catalog, pages, page, b"4 0 R", font],
        "length": [catalog, pages, page,
                   b"<</Length 4 0 R>>stream\nBT (a) Tj ET\nendstream", font],
        "form": [catalog, pages, page, text, font, stream(
            b"/X Do /X Do", b"/Type/XObject/Subtype/Form/Resources<</XObject"
            b"<</X 6 0 R>>>>/Filter/FlateDecode")],
        "objstm": [catalog, pages, page, text, font, stream(
            b"6 0 <</Type/ObjStm>>", b"/Type/ObjStm/N 1/First 4/Extends 6 0 R"
            b"/Filter/FlateDecode")],
        "tounicode": [catalog, pages, page, text,
                      b"<</Type/Font/Subtype/Type0/ToUnicode 5 0 R"
                      b"/DescendantFonts[5 0 R]/Encoding 5 0 R>>"],
        "root": [b"1 0 R"],
    }
    for name, objects in loops.items():
        yield Sample(f"loop.{name}.pdf", pdf_of(objects), short=True)
    deep = {"array": b"[" * 200_000, "dict": b"<</a" * 100_000,
            "string": b"(" * 300_000, "hex": b"<" + b"4" * 300_000}
    for name, body in deep.items():
        yield Sample(f"deep.{name}.pdf", pdf_of([catalog, pages, page, body]),
                     short=True)
        yield Sample(f"deep.{name}.content.pdf", pdf_of(
            [catalog, pages, page, stream(b"BT " + body), font]), short=True)
    bomb = bytes(8 * MEGABYTE)
    chained = bomb
    for _ in range(4):
        chained = zlib.compress(chained, 9)
    filters = b"/Filter[" + b"/FlateDecode" * 4 + b"]"
    yield Sample("bomb.flate.pdf", pdf_of(
        [catalog, pages, page, stream(bytes(100 * MEGABYTE)), font]))
    yield Sample("bomb.filters.pdf", pdf_of(
        [catalog, pages, page, stream(chained, filters, packed=False), font]),
        short=True)
    yield Sample("bomb.names.pdf", pdf_of(
        [catalog, pages, page, stream(b"a", b"/Filter[" + b"/FlateDecode"
                                      * 5000 + b"]"), font]), full=False,
        short=True)
    ranges = b"1 begincodespacerange <0000> <ffff> endcodespacerange\n" + \
        b"100 beginbfrange\n" + b"<0000> <ffff> <0041>\n" * 3000 + \
        b"endbfrange\n"
    composite = (b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H"
                 b"/DescendantFonts[<</Type/Font>>]/ToUnicode 6 0 R>>")
    yield Sample("ranges.pdf", pdf_of(
        [catalog, pages, page, stream(b"BT /F1 9 Tf <00410042> Tj ET"),
         composite, stream(ranges)]), short=True)
    many = b"".join(b"%d 0 obj\n<<>>\nendobj\n" % i for i in range(250_000))
    yield Sample("objects250k.pdf", b"%PDF-1.4\n" + many + b"%%EOF")
    yield Sample("forms.pdf", pdf_of(
        [catalog, pages, page, stream(b"/X Do " * 20_000), font, stream(
            b"BT /F1 9 Tf (a) Tj ET " * 2000, b"/Type/XObject/Subtype/Form"
            b"/Filter/FlateDecode")]))
    wide = b"BT /F1 9 Tf " + b"1 0 0 1 %d %d Tm (a) Tj " * 1
    places = b"".join(wide % (i * 7919 % 100_000, i * 104729 % 100_000)
                      for i in range(60_000))
    yield Sample("places.pdf", pdf_of([catalog, pages, page, stream(places),
                                       font]))


def oles():
    book = make_formats.xls(rows(6))
    word = make_formats.doc(rows(6))
    sector = 512
    fat_at = (struct.unpack_from("<I", book, 76)[0] + 1) * sector
    directory = (struct.unpack_from("<I", book, 48)[0] + 1) * sector

    def four(value):
        return struct.pack("<I", value)

    changes = {
        "fat-self": (fat_at, four(0)), "fat-two": (fat_at, four(1) + four(0)),
        "fat-directory": (fat_at + (directory // sector - 1) * 4,
                          four(directory // sector - 1)),
        "fat-far": (fat_at, four(0x7FFFFFF0)),
        "difat": (68, four(0) + four(0xFFFF)), "difat-self": (68, four(2)),
        "fat-count": (44, four(0x7FFFFFFF)), "minifat": (60, four(0) + four(9)),
        "sector-shift": (30, b"\x1f\0"), "sector-zero": (30, b"\0\0"),
        "mini-shift": (32, b"\xff\0"), "cutoff": (56, four(0xFFFFFFFF)),
        "directory-self": (48, four(0xFFFFFFFE)),
        "left": (directory + 128 + 68, four(1)),
        "right": (directory + 128 + 72, four(0)),
        "child": (directory + 76, four(0)),
        "start": (directory + 128 + 116, four(0x7FFFFFFF)),
        "size": (directory + 128 + 120, four(0x7FFFFFFF)),
        "size-small": (directory + 128 + 120, four(8)),
    }
    for name, (at, value) in changes.items():
        yield Sample(f"{name}.xls", patched(book, at, value), persons=PEOPLE,
                     short=True)
    sst = book.index(struct.pack("<H", 0xFC), sector)
    for name, at, value in (("strings", sst + 4, four(0xFFFFFFFF) * 2),
                            ("strings-length", sst + 12, b"\xff\xff"),
                            ("record", sst + 2, b"\xff\xff"),
                            ("rich", sst + 14, b"\x0d\xff\xff\xff\xff")):
        yield Sample(f"{name}.xls", patched(book, at, value), persons=PEOPLE,
                     short=True)
    table = word.index(b"\x02" + four(16))
    for name, at, value in (("pieces-size", table + 1, four(0x7FFFFFF0)),
                            ("pieces-end", table + 9, four(0x7FFFFFFF)),
                            ("pieces-back", table + 5, four(9999)),
                            ("pieces-place", table + 15, four(0x7FFFFFFF))):
        yield Sample(f"{name}.doc", patched(word, at, value), persons=PEOPLE,
                     short=True)
    # The same text by 50,000 pieces.
    count = 50_000
    size = 2000
    fib = bytearray(0x400)
    struct.pack_into("<H", fib, 0, 0xA5EC)
    struct.pack_into("<H", fib, 10, 0x200)
    plc = struct.pack(f"<{count + 1}I", *range(0, (count + 1) * size, size)) + \
        struct.pack("<HIH", 0, 0x400, 0) * count
    clx = b"\x02" + four(len(plc)) + plc
    struct.pack_into("<II", fib, 0x1A2, 0, len(clx))
    yield Sample("pieces.doc", make_formats.compound(
        [("WordDocument", bytes(fib) + b"a\0" * size), ("1Table", clx)]))


def sqlite_bytes(setup, pragmas=()):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        db = sqlite3.connect(path)
        for pragma in pragmas:
            db.execute(pragma)
        setup(db)
        db.commit()
        db.close()
        return path.read_bytes()


def sqlites():
    def fill(db):
        db.execute("CREATE TABLE people (" + ",".join(
            f'"{name}" TEXT' for name in make_header) + ")")
        db.executemany("INSERT INTO people VALUES (" + ",".join(
            "?" * len(make_header)) + ")", table[1:] * 5)
        db.execute("INSERT INTO people (\"備考\") VALUES (?)", ("x" * 30_000,))

    table = rows(7)
    make_header = table[0]
    for size in (512, 1024, 4096, 65536):
        good = sqlite_bytes(fill, (f"PRAGMA page_size={size}",))
        yield Sample(f"page{size}.sqlite", good, persons=PEOPLE,
                     short=size == 4096)
        pages = len(good) // size
        for page in range(min(pages, 6)):
            at = page * size
            kind = at + (100 if page == 0 else 0)
            # Interior pages that hold themselves, or one another.
            loop = bytearray(good)
            loop[kind] = 5
            struct.pack_into(">HHHBI", loop, kind + 1, 0, 2, size // 2 & 0xFFFF,
                             0, page + 1)
            struct.pack_into(">HH", loop, kind + 12, size // 2 & 0xFFFF,
                             size // 2 + 8 & 0xFFFF)
            for cell in (0, 8):
                if at + size // 2 + cell + 5 <= len(loop):
                    struct.pack_into(">IB", loop, at + size // 2 + cell,
                                     page + 1, 1)
            yield Sample(f"loop{size}.{page}.sqlite", bytes(loop),
                         persons=PEOPLE, short=size == 1024)
            yield Sample(f"cells{size}.{page}.sqlite", patched(
                good, kind + 3, b"\xff\xff"), persons=PEOPLE,
                short=size == 1024)
    good = sqlite_bytes(fill, ("PRAGMA page_size=1024",))
    for name, at, value in (("page-size", 16, b"\0\3"), ("reserved", 20, b"\xff"),
                            ("encoding", 56, b"\0\0\0\7"),
                            ("count", 28, b"\xff\xff\xff\xff"),
                            ("format", 18, b"\7\7")):
        yield Sample(f"{name}.sqlite", patched(good, at, value), persons=PEOPLE,
                     short=True)


def offices():
    table = rows(8)
    whole = make_formats.xlsx(table)
    sheet = "<row>" + "<c t=\"s\"><v>0</v></c>" * 200_000 + "</row>"
    main = make_formats.MAIN

    def book(sheet_xml, strings=""):
        return make_formats.pack([
            ("[Content_Types].xml", make_formats.XLSX_TYPES),
            ("xl/workbook.xml", f"<workbook {main}><sheets/></workbook>"),
            ("xl/worksheets/sheet1.xml", sheet_xml),
            ("xl/sharedStrings.xml", f"<sst {main}>{strings}</sst>")])

    yield Sample("wide.xlsx", book(f"<worksheet {main}><sheetData>{sheet}"
                                   "</sheetData></worksheet>",
                                   "<si><t>" + "x" * 1000 + "</t></si>"))
    yield Sample("rows.xlsx", book(f"<worksheet {main}><sheetData>" +
                                   "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1"
                                   "</v></c></row>" * 100_000 +
                                   "</sheetData></worksheet>"))
    yield Sample("strings.xlsx", book("<worksheet/>", "".join(
        f"<si><t>{i:040}</t></si>" for i in range(2_000_000))))
    yield Sample("reference.xlsx", book(
        f"<worksheet {main}><sheetData><row><c r=\"ZZZZZZZZ99999999999\" "
        "t=\"s\"><v>99999999999999999999</v></c></row></sheetData></worksheet>"),
        short=True)
    entity = "<!DOCTYPE a [<!ENTITY a0 \"" + "x" * 50 + "\">" + "".join(
        f"<!ENTITY a{i} \"{f'&a{i - 1};' * 10}\">" for i in range(1, 12)) + "]>"
    quadratic = "<!DOCTYPE a [<!ENTITY a \"" + "x" * 100_000 + "\">]><a>" + \
        "&a;" * 20_000 + "</a>"
    outside = ("<!DOCTYPE a [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
               "<a>&a;</a>")
    for name, text in (("laughs", entity + "<a>&a11;</a>"),
                       ("quadratic", quadratic), ("outside", outside),
                       ("deep", "<a>" * 300_000),
                       ("attributes", "<a " + " ".join(
                           f"b{i}='1'" for i in range(100_000)) + "/>"),
                       ("attribute", "<a b='" + "x" * 5_000_000 + "'/>"),
                       ("name", "<" + "a" * 3_000_000 + "/>"),
                       ("comment", "<!--" + "-" * 3_000_000),
                       ("cdata", "<a><![CDATA[" + "]" * 3_000_000),
                       ("namespaces", "<a " + " ".join(
                           f"xmlns:b{i}='u{i}'" for i in range(50_000))
                        + "/>")):
        text = "<?xml version=\"1.0\"?>" + text
        yield Sample(f"{name}.xml", text.encode(), short=name != "attributes")
        yield Sample(f"{name}.xlsx", book(text), short=name == "laughs")
        yield Sample(f"{name}.docx", make_formats.pack([
            ("[Content_Types].xml", make_formats.XLSX_TYPES),
            ("word/document.xml", text)]), short=name == "deep")
        yield Sample(f"{name}.odt", make_formats.pack([
            ("mimetype", "application/vnd.oasis.opendocument.text"),
            ("META-INF/manifest.xml", "<m/>"), ("content.xml", text)],
            stored=("mimetype",)))
    repeated = ('<?xml version="1.0"?><office:document-content '
                f"{make_formats.ODF}><office:body><office:spreadsheet>"
                '<table:table><table:table-row table:number-rows-repeated='
                '"2147483647"><table:table-cell table:number-columns-repeated='
                '"2147483647"><text:p>佐藤 花子</text:p></table:table-cell>'
                "</table:table-row></table:table></office:spreadsheet>"
                "</office:body></office:document-content>")
    yield Sample("repeated.ods", make_formats.pack([
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<m/>"), ("content.xml", repeated)],
        stored=("mimetype",)), short=True)
    yield Sample("whole.xlsx", whole, persons=PEOPLE, short=True)


def rtfs():
    for name, body in (("deep", b"{" * 500_000), ("binary", b"\\bin2147483647 "
                                                  + b"a" * 1000),
                       ("binary-negative", b"\\bin-5 abc"),
                       ("unicode", b"\\uc99999\\u20000?" * 50_000),
                       ("words", b"\\a" * 500_000), ("hex", b"\\'zz" * 200_000),
                       ("word", b"\\" + b"a" * 1_000_000),
                       ("cells", b"\\trowd" + b"\\cell" * 300_000 + b"\\row")):
        yield Sample(f"{name}.rtf", b"{\\rtf1\\ansi\\ansicpg932 " + body + b"}",
                     short=True)


def truncated(seed):
    """Every format of the lists, cut; none may be called whole then, unless all
    its people were found."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        make_formats.write_all(rows(9), Path(folder))
        files = sorted(Path(folder).iterdir())
        contents = [(path.name, path.read_bytes()) for path in files]
    for name, data in contents:
        # A part of a text is a text; its people are fewer.
        text = name in ("csv", "ndjson", "html", "entities.html", "sql",
                        "copy.sql", "xml", "attributes.xml", "json",
                        "escaped.json", "arrays.json", "csv.eml")
        for i in range(3):
            cut = rng.randint(len(data) // 20, len(data) - 20)
            yield Sample(f"cut{i}.{name}", data[:cut],
                         persons=0 if text else PEOPLE, short=i == 0)
        for i in range(2):
            noise = bytearray(data)
            for _ in range(8):
                noise[rng.randrange(len(noise))] ^= 1 << rng.randrange(8)
            yield Sample(f"flipped{i}.{name}", bytes(noise), short=i == 0)


def samples(seed):
    for make in (pdfs, oles, sqlites, offices, rtfs):
        yield from make()
    yield from truncated(seed)
