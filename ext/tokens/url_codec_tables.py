"""The frozen tables of URL compression, version 1, which ext/generate_tables.py writes as `url_codec_tables.h`.

FROZEN: links minted with them must open for ever, so not one character of the three tables may change;
better tables are a version 2 beside these. `tests/tokens` holds the generated header's digest and golden tokens.

Where the numbers come from: lists of general URL parts and English words written by hand, letter-pair
frequencies of the Python documentation's prose, and invented URLs put together from both. No mail was
looked at.

The code is an order-1 static prefix code. The symbol after each byte is one of 101: the bytes 0x20-0x7E,
ESC (8 raw bits follow), WORD (an entry of WORDS follows), CAPITAL (the same with its first letter in upper
case), PART (an entry of PARTS follows), RUN (a run of random-looking characters follows), and PAD, which is
never written: it keeps the code of all ones, at least 8 bits long, free, so that up to 7 one-bits may fill
the last byte. Codes are canonical: assigned in order of length, then of symbol. `url_codec.h` has the rest of
the layout.
"""

from __future__ import annotations

ESC, WORD, CAPITAL, PART, RUN, PAD, SYMBOLS = 95, 96, 97, 98, 99, 100, 101

_ROWS = """
a     cccaca9cccc9c5658888899998ccc7c9caaaaaaaa8aaaaaaaaaaaaaaaaacccc6c85558767596464858343567777cccc9884ac
b     cccaca8ccccac6757777777777ccc7c9ca99a999a99a999999999aaa9a9cccc7c46564787457377468456487858cccc9895ac
c     cccbca9ccccbc6768888888888ccc7c9caaaaaaaa9aaaaaaaaaaaaaaaaacccc7c38683894485588388573598878cccc9895ac
d     ccc9ca7cccc8c4548888888888ccc3c8caaaaa9aa7aaa9a99a99aaaaaa9cccc5c57763788488688588757588888cccc9673ac
e     cccaca8cccc9c4649999999999ccc6c8caaaaaaaa8aaaaaaaaaaaaaaaaacccc5c67546577898564867345867678cccc9683ac
f     ccc8ca8ccccac6757777777777ccc6c6c9a9a9999899a9999a999aaa999cccc7c46774477387578477475487768cccc9894ac
g     ccc8ca7cccc8c4548778888888ccc5c6c9a9a9a997a99a999a99999a99acccc5c47674766488675578556578888cccc9673ac
h     cccaca7cccc9c4648778888888ccc6c8c999999998a9a9a999aa999a9a9cccc5c38773788488777488676587878cccc9673ac
i     cccbcaaccccbc7879889999999ccc8cacaaaaaaaa9aaaaaaaaaaaaaaaaacccc8c56455557897552368654957796cccc9896ac
j     cccacb8ccccbc8657567777777ccc6c9c988899899a9899899999899989cccc9c36664666666666356666566666cccc9895ac
k     ccc9ca7cccc8c4548778888888ccc5c7c999999997a99aa9a999a9a9999cccc5c47774777377777568757576878cccc9673ac
l     cccaca8cccc9c4659889999999ccc6c7caaaaaaaa8aaaaaaaaaaaaaaaaacccc5c48863788388488489655568949cccc9784ac
m     ccc9ca9ccccac5659889989989ccc6c7caaaaaaaa8aaaaaaaaaaaaaaaaacccc4c36883888388858448877488878cccc9784ac
n     cccaca8cccc9c4659889999999ccc6c8caaaaaaaa8aaaaaaaaaaaaaaaaacccc5c48554737497775489844668978cccc9784ac
o     cccbcb9ccccac6769889999999ccc7c9caaaaaaaa9aaaaaaaaaaaaaaaaacccc7c76556667786552659345565887cccc9885ac
p     ccc8ca9ccccac6769889888989ccc7c8caaaaaaaa9aaaaaaaaaaaaaaaaacccc7c38873886588488448364588868cccc9784ac
q     cccaca7cccccc9657667776776ccc4c9c89889889988888898888898989cccc9c66666666666667666666266666cbbb9895ac
r     cccaca8cccc9c4659889999999ccc6c8caaaaaaaa8aaaaaaaaaaaaaaaaacccc5c38563768498566479555578968cccc9684ac
s     ccc9ca7cccc8c4549989999999ccc6c7caaaaaaaa7aaaaaa9aaaaaaaaaacccc4c58583786487668658854588979cccc9673ac
t     cccaca8cccc8c4659889999999ccc6c8caaaaaaaa8aaaaaaaaaaaaaaaaacccc5c48773895398668579455688869cccc9673ac
u     cccaca9ccccac6769889898989ccc7c9caaaaaaaa9aaaaa9aaaaaaaaaaacccc7c55566657586353858443877887cccc9895ac
v     cccbca9ccccbc7768778888888ccc6c9ca999aa9a9aa9a9aaaa9aa9aaaacccc8c28782887388778488888588888cccc9895ac
w     cccaca8cccc9c5648677878878ccc6c8c8a999999799999999999999999cccc5c37764775477675477557577777cccc9684ac
x     ccc8ca8cccc9c5657667777777ccc6c9c99999999898899998899999999cccc7c57463766477677647764776567cccc9784ac
y     ccc9ca7cccc7c3538778888888ccc5c7c9999aaaa7aaa9999a999a99a99cccc4c57676788578765758755776888cccc9673ac
z     cccaca7ccccbc6657667777777ccc6c9c99899999899989989999999999cccc7c47763676477767367666477767ccbb9894ac
upper cccacb7ccccac4b67777777777cccac9c56664766577565567555667767cccc7c68756888688777678777788888cccc95956c
digit ccc9ca6cccaca7644444444444aaccc9c99999999999999999999999999ccccac78777888888888888888888888cacaa7946c
/     cccacacccccccaaa6656666666ccccc7c88888898899888889878998a99ccccac66566676677666667656777777cccb92564c
.     cccccbcccccccbbbaa9999a9aacccccccbbbbbbbbbbbbbbbbbbbbbbbbbbccccbc56556666566666667656677777cccba1a76c
-     cccccbcccccccbba7787777777ccccccc898899998a998998a888999aaaccccac66666777687766769657777998cccb91575c
_     cccccbcccccccaaaaaaaaaaaaaccccccc8988989989998998a878999aaaccccac66666677687666769656777898cccb91574c
?     cccccacccccccaaa9999999999cccccbb99999aa99aa99999a999aa99aabbbbab56566666476656655556366777bbbb92776c
&     cccccbcccccccbbaaaaaaaaaaaccccccc9a9aaaaaaaaaaaaaa9aaaaaaaaccccac66666666576666668556666776cccb91776c
=     cccccbcccccccbba6555555555ccccccc78787888788777778777888888ccccac66667777687777778667877887cccba2675c
%     a999979999999777777777777799999997777777777777777777777777799997977776666666666666666666666999965643a
:     cccccabbbbbbbaaa3443334444bbbbbbbaaaaaaaaaaaaaaaaaaaaaaaaaabbbbab99999999999999999999999999bbbb98976c
+     cccccbcccccccaaaaaaaaaaaaaccccccc8888889989998998a888999a99ccccac66566667687666768556777897cccb91576c
#     cccccacccccccaaa7656766666ccccccc888888888a9888989878888999ccccac66565676676666658556676776cbbb92576c
host  cccccbcccccccbbbaaaaaaaaaacccccccbaaaaaaaaaaaaaaaaaaaaaaaaaccccac66556666576666667556767777cccba1a76c
other cccccabbbbbbbaaa3434444433bbbbbbbaaaaaaaaaaaaaaaaaaaaaaaaaabbbbab99999999999999999999999999bbbb98976c
high  cbbbb9bbbbbbb4949988888888bbbbbbb99999999999999999999999999bbbb9b88888888888888888888888888bbbb17835c
"""
# The byte before (or its class), and the code length of every symbol in order, each a hexadecimal digit.
CONTEXTS: list[tuple[str, str]] = [(row.split()[0], row.split()[1]) for row in _ROWS.strip().splitlines()]

WORDS: dict[int, str] = {
    # code length in bits: the entries that have it
    7: """
        source
    """,
    8: """
        all and call campaign can class for get index info list look name new order over return support the
        type value view with
    """,
    9: """
        about access account after also amazon apple application article assets back before best blog card
        category change check checkout clear click code collect collection collections confirm contact
        content count courses create current data default developer direct docs document does download email
        enter error event example express facebook feed field file final find first form format free from
        github give global google great group groups hand have help home house how image images instagram
        into item join just know last like link linkedin local long made mail make manager map mean media
        medium members membership message messages more need news newsletter next number offer online only
        open option other page part pass place plans point position post present press print privacy process
        product products program provide query reach read receipt register remove replace report require
        reset result sale same search section services shop should sign single some space special star start
        state static stop store style subscribe success super take target terms test that there this time
        title token top track true twitter under unsubscribe uploads used user version want what when where
        which why will work www you your youtube
    """,
    10: """
        above action again against almost along already although always america among analysis another
        answer answers apps archive archives around australia auto baby bank basic beauty because become
        behind being below between big blue body book books both brief bring browse build business came care
        career careers cars cart categories center central chance child children choice city close color
        come comment comments common community company complete computer computers connect construction
        control cook could coupon course cover credit customer daily date deal deals deliver delivery dental
        detail details developers diamond different digital discount documents down drop each easy edit
        education entry estate europe european even events every exclusive explore extra fact family fashion
        fast feature features feeds files finance food football forum forums forward found fresh friends
        full fund future game games garden general gift good guide half hard head health hear here high
        history holiday holidays homes hope hosting hotel hotels hours html icon idea ideas important
        improve inside insurance internet introducing invest investor invoice issue issues items january
        jobs june keep kids language large late lead leaders learn learning leave left legal letter letters
        level library life limit limited little live login mailing main manage many maps march market
        marketing markets member menu might mobile mode model money month monthly most movie movies much
        music must national networks never notice notification notifications november offers office official
        options orders original pack parts password path payment people performance phone photo photos
        pictures plain plan platform play player plus posts power preferences premium price prices private
        problem production professional profile programs project projects property protect public push
        quality question quick quote ready real reason receive recent recommend record redirect reduce
        related release releases remember reports request research resource resources results review reviews
        right rule rules safe said sample save savings school score script second series service session
        settings share ship shipping show side signup simple since site size small software solution sort
        sound spain speed sponsor sport sports staff stand standard states step still stock stories story
        stream strong students subject such summit sun supply survey system table task team teams tech
        technology testing text than thank their them then these they thing think third those thread three
        through thumbs times today together tool tools total town tracking trade training travel trend trial
        tribune trust turn unique unit university until update updates upload upon users using verify very
        video videos vote walk web webinar website week weekly well were while white widgets width wild
        windows winter wire wish without women word words world would write writing year
    """,
    11: """
        advanced advert affiliate alert alerts american animal apartment april august autumn banner better
        bigger black building button buttons calendar canada cats centre china christmas clinic cloud coffee
        conference cookie creative december design designer discover doctor dogs domain drive drug early
        earth energy enterprise expert face faqs father featured february feedback filter fire fitness
        france friday friend gallery germany gold green grow growth heart height herald host hour icons
        india insight insights install invitation invite italy japan john journal july kitchen labs land
        landing latest launch leader light links london love magazine major management master matter measure
        medical meeting mega mind minute modern monday mother motor moving nature network night notices
        october offset opinion organic ought outdoor outlet pages paid paper paris park partner partners
        past personal pharmacy pick picture pizza platinum plugin plugins policy politics popular portal
        promise promo promotion promotions pulse purchase questions radio rank rate rating recipe recipes
        referral region reminder remote rent response restaurant restaurants reward rewards room sales
        saturday schedule science season secure security seller send september serve server setup seven
        silver sites skill skin smart social solutions song spring stage station status stay strategy street
        student studio study summary summer sunday systems talk teacher television template templates thanks
        theme themes thumb ticket tickets tomorrow topic topics touch train transfer trends ultra united
        upgrade visit voice wait wall warm watch water wear weather wedding welcome wide widget window wine
        winner woman worker workshop york young zone
    """,
}

PARTS: dict[int, str] = {
    # code length in bits: the entries that have it
    3: """
        .com/
    """,
    5: """
        %2F &utm_campaign= &utm_medium= .com .html .net/ .org/
    """,
    6: """
        %20 .co.uk/ .html? /20 /? ?utm_source=
    """,
    7: """
        &utm_content= &utm_term= .aspx .com.au/ .de/ .edu/ .fr/ .gov/ .htm .io/ .jpg .org .pdf .php .php?
        .png =email ?id=
    """,
    8: """
        &id= &ref= &source= &utm_source= .app/ .asp .asp? .aspx? .ca/ .ch/ .co.jp/ .co/ .com.br/ .dev/ .es/
        .eu/ .gif .htm? .info/ .it/ .me/ .net .nl/ .ru/ .us/ .xml .zip /blog/ =email& =newsletter ?page= ?q=
        ?ref= ?source= ?u= ?url= ?utm_campaign= ?utm_medium= ?v=
    """,
    9: """
        %25 %26 %3A %3A%2F%2F %3D &action= &c= &campaign= &cid= &e= &email= &gclid= &lang= &mc_cid= &mc_eid=
        &page= &q= &src= &token= &type= &u= &url= &utm_id= -20 .ac.uk/ .at/ .be/ .biz/ .cn/ .co.uk .com.
        .css .dk/ .doc .exe .gov.uk/ .ics .in/ .io .jp/ .js .json .jsp .jsp? .mp4 .no/ .pl/ .se/ .shtml .svg
        .tv/ .txt .webp .xhtml /# /19 /about /contact /en-us/ /en/ /images/ /index.html /index.php /news/
        /p/ /product/ /products/ /unsubscribe /uploads/ /watch?v= /wp-content/ =1& =en =https%3A%2F%2F
        =https:// =newsletter& =true ?action= ?c= ?campaign= ?cid= ?email= ?lang= ?p= ?s= ?src= ?t= ?token=
    """,
    10: """
        %2B %2C %3F %40 %7C %C3% &_hsenc= &_hsmi= &a= &affid= &cmpid= &code= &date= &fbclid= &hash= &key=
        &lid= &mid= &mkt_tok= &name= &sid= &sig= &title= &trk= &uid= &user= .cgi .cgi? .html# /api/
        /article/ /articles/ /c/ /category/ /cgi-bin/ /click/ /collections/ /company/ /docs/ /events/ /help/
        /index.php? /issues/ /login /pages/ /privacy /search? /shop/ /status/ /support/ /terms /u/ /us/ /v1/
        /v2/ /wiki/ =0& =false =http%3A%2F%2F =http:// ?a= ?code= ?e= ?fbclid= ?gclid= ?key= ?mc_cid= ?mid=
        ?mkt_tok= ?name= ?query= ?search= ?sid= ?title= ?type= ?uid= ?user= ?utm_content= _20
    """,
    11: """
        %0A %22 %27 %28 %29 %2f %3a %3d %5B %5D %7B %7D %E2%80% .com: .do? /a/ /blob/ /click? /de/
        /default.asp /default.aspx /files/ /fr/ /i/ /img/ /in/ /index.htm /posts/ /profile/ /pull/ /r/
        /releases/ /t/ /track/ /tree/ /user/ /users/ /wp-includes/ /~ :// :8080/ =web
    """,
}


def context_of(byte: int) -> int:
    """The row of CONTEXTS that codes the symbol after `byte`; letters and marks have rows, others classes."""
    names = [name for name, _ in CONTEXTS]
    char = chr(byte)
    if char in names:
        return names.index(char)
    if "A" <= char <= "Z":
        return names.index("upper")
    if "0" <= char <= "9":
        return names.index("digit")
    return names.index("high" if byte >= 127 else "other")


def canonical_codes(lengths: list[int]) -> list[int]:
    """The codes of a full prefix code with these lengths, in order of length, then of position."""
    codes, code, last = [0] * len(lengths), 0, 0
    for length, position in sorted((length, position) for position, length in enumerate(lengths)):
        code <<= length - last
        codes[position] = code
        code, last = code + 1, length
    assert code == 1 << last, "the code is not full"
    return codes


def context_lengths(row: str) -> list[int]:
    """Code length of each of the 101 symbols of one row."""
    return [int(digit, 16) for digit in row]


def entries(table: dict[int, str]) -> list[tuple[str, int, int]]:
    """Every entry of WORDS or PARTS in byte order, with its code and its code's length."""
    pairs = sorted((text, length) for length, texts in table.items() for text in texts.split())
    codes = canonical_codes([length for _, length in pairs])
    return [(text, code, length) for (text, length), code in zip(pairs, codes, strict=True)]


def _c_rows(values: list[int], per_line: int) -> str:
    texts = [str(value) for value in values]
    lines = (", ".join(texts[at : at + per_line]) for at in range(0, len(texts), per_line))
    return "\n".join(f"    {line}," for line in lines)


def _decoder(lengths: list[int]) -> tuple[list[int], list[int]]:
    """How many codes have each length 0..12, and the symbols in order of their codes."""
    order = [position for _, position in sorted((length, position) for position, length in enumerate(lengths))]
    return [lengths.count(length) for length in range(13)], order


def _c_dictionary(name: str, table: dict[int, str], bucket_count: int) -> str:
    """One dictionary as C: the encoder's entries by bucket and falling length, the decoder's order."""
    listed = entries(table)
    ranked = sorted(range(len(listed)), key=lambda at: (bucket(listed[at][0]), -len(listed[at][0]), listed[at][0]))
    starts = [sum(bucket(listed[at][0]) < key for at in ranked) for key in range(bucket_count + 1)]
    counts, order = _decoder([length for _, _, length in listed])
    place = {at: rank for rank, at in enumerate(ranked)}
    ranks = [place[at] for at in order]
    rows = [(text, len(text), length, code) for text, code, length in (listed[at] for at in ranked)]
    body = "\n".join(f'    {{{{"{text}"}}, {size}, {length}, {code}}},' for text, size, length, code in rows)
    return (
        f"static const struct entry {name}[{len(ranked)}] = {{\n{body}\n}};\n"
        f"static const uint16_t {name}_bucket[{len(starts)}] = {{\n{_c_rows(starts, 24)}\n}};\n"
        f"static const struct decoder {name}_decoder = {{{{{', '.join(map(str, counts))}}}}};\n"
        f"static const uint16_t {name}_order[{len(ranks)}] = {{\n{_c_rows(ranks, 20)}\n}};\n"
    )


def bucket(text: str) -> int:
    """The encoder's bucket: the first two letters of a word, the first two bytes of a part."""
    if text[0].isalpha():
        second = ord(text[1]) - 97
        return (ord(text[0]) - 97) * 26 + second
    return MARKS.index(text[0]) * 128 + ord(text[1])


MARKS = "".join(sorted({text[0] for texts in PARTS.values() for text in texts.split()}))


def c_header() -> str:
    """The text of `url_codec_tables.h`."""
    encode, counts, orders = [], [], []
    for _, row in CONTEXTS:
        lengths = context_lengths(row)
        codes = zip(canonical_codes(lengths), lengths, strict=True)
        encode.append("    {" + _c_rows([code << 4 | length for code, length in codes], 20).strip() + "},")
        count, order = _decoder(lengths)
        counts.append("    {{" + ", ".join(map(str, count)) + "}},")
        orders.append("    {" + _c_rows(order, 30).strip() + "},")
    contexts = [context_of(byte) for byte in range(256)]
    marks = [MARKS.index(chr(byte)) if chr(byte) in MARKS else 255 for byte in range(128)]
    names = [name for name, _ in CONTEXTS]
    return "\n".join(
        [
            "/* Generated by url_codec_tables.py. A code word stands left of its length in four bits. */",
            f"enum {{ CONTEXTS = {len(CONTEXTS)} }};",
            f"enum {{ HOST = {names.index('host')}, OTHER = {names.index('other')} }};",
            f"static const uint8_t context_of[256] = {{\n{_c_rows(contexts, 32)}\n}};",
            f"static const uint16_t code_of[CONTEXTS][{SYMBOLS}] = {{\n" + "\n".join(encode) + "\n};",
            "static const struct decoder decoder_of[CONTEXTS] = {\n" + "\n".join(counts) + "\n};",
            f"static const uint8_t order_of[CONTEXTS][{SYMBOLS}] = {{\n" + "\n".join(orders) + "\n};",
            f"static const uint8_t mark_of[128] = {{\n{_c_rows(marks, 32)}\n}};",
            _c_dictionary("words", WORDS, 26 * 26),
            _c_dictionary("parts", PARTS, len(MARKS) * 128),
        ]
    )
