import pytest

from assent.redact.disguised import find
from assent.redact.fold import fold
from assent.redact.spans import Kind


def found(text):
    """What is covered, and as what: (piece of the text, kind)."""
    plain = fold([text])
    spans = plain.originals(list(find(plain.text)))
    return {(text[start:end], kind) for _, (start, end, kind) in spans}


def pieces(text, kind):
    return {piece for piece, its_kind in found(text) if its_kind is kind}


EMAILS = [
    "anna.smith [at] example [dot] org",
    "anna(at)example(dot)com",
    "anna AT example DOT com",
    "anna_at_example_dot_com",
    "annaATexampleDOTcom",
    "anna {at] example <dot) com",
    "anna(a)example.fi",
    "anna ((at)) example.com",
    "anna (at) gmail",
    "anna.smith at gmail",
    "anna.smith at example.com",
    "anna dot smith at example dot co dot uk",
    "anna underscore smith at example dot com",
    "anna @ example . com",
    "anna@ example.com",
    "anna@example[.]com",
    "anna@example dot com",
    "anna@example,com",
    "anna@example • com",
    "a n n a @ e x a m p l e . c o m",
    "a n n a at e x a m p l e dot c o m",
    "a-n-n-a @ e-x-a-m-p-l-e . c-o-m",
    "anna%40example%2Ecom",
    "anna\\u0040example.com",
    "anna\\x40example.com",
    "anna=40example.com",
    "anna\\@example.com",
    "anna<span>@</span>example.com",
    "anna<!-- no spam -->@<b>example.com</b>",
    "anna@\nexample.com",
    "anna@\n> example.com",
    "anna@uni-\nexample.com",
    "anna(no-spam)@example.org",
    "anna Klammeraffe example Punkt de",
    "anna [ät] example (Punkt) de",
    "anna arobase example point fr",
    "anna arroba example punto es",
    "anna chiocciola example punto it",
    "anna apenstaartje example punt nl",
    "anna małpa example kropka pl",
    "anna at the rate example dot com",
    "anna krøllalfa example punktum no",
    "anna.b маймунка example точка bg",
    "anna.b WHERE cs.example DOM edu",
    "anna.b at cs;example;edu",
    "anna【at】example«dot»com",
    "anna `at` example ‘dot’ com",
    "anna (at) NOSPAM example (dot) de",
    "anna@(removethis)example.com",
    'anna (followed by "@example.edu',
    "anna.b🐒example.com",
    "gro.elpmaxe (ta) anna",
    "anna zavináč example tečka cz",
    "anna собака example точка ru",
    "anna 골뱅이 example 점 com",
    "anna アットマーク example ドット com",
    "anna' + '@' + 'example.com",
    "anna.at.example.dot.com",
    "anna [a t] example [d o t] com",
    "anna @ gmail",
    "anna at example (dot) com",
    "anna dot smith eighty two at example dot com",
    "анна собака пример точка рф",
    "anna艾特example点com",
    "anna★example.com",
    "anna at gmail dotcom",
    "anna(@t)example.com",
    "anna . smith @ example . com",
    "anna&at;example&dot;com",
    "anna%2540example.com",
    "anna@@example.com",
    "anna two seven at example dot org",
    "YW5uYUBleGFtcGxlLmNvbQ==",
    "anna-b, then the at sign, then example.net",
    "mike alfa romeo delta, at, example, dot com",
    "Theodor Ida Ludwig Ludwig Ida Klammeraffe example Punkt org",
    "m as in mother, a for apple at example dot com",
    "& #97;& #110;& #64;& #101;& #120;& #97;& #46;& #111;& #114;& #103;",
    'anna.smith"example.com',
    "anna@@example..com",
    "anna (Klammeraffe) example (Pünktchen) org",
    "anna d0t smith 4t example d0t com",
    "a🔹n🔹n🔹a@example🔹com",
    "anna.smith@example🔴com",
    "anna.smith> at <example.com",
    "anna.smith at (example) dot (com",
    "anna.smith ] at [ example ] dot [ com",
    "anna.smith AT_SIGN example DOT com",
]


@pytest.mark.parametrize("form", EMAILS)
@pytest.mark.parametrize("frame", ["Mail: {}", "Please write to me\n{}\nsoon, thanks!"])
def test_an_email_address_is_found_however_it_is_written_out(form, frame):
    assert form in pieces(frame.format(form), Kind.EMAIL)


@pytest.mark.parametrize(
    "form",
    [
        "hxxp://example.com/anna",
        "hxxps://example[.]com/anna",
        "h**p://example.com/anna",
        "http[:]//example.com/anna",
        "https[://]example.com/anna",
        "http:\\\\example.com/anna",
        "http]://example.com/anna",
        "https_//example.com/anna",
        "www[.]example[.]com/anna",
        "www dot example dot com slash anna",
        "http colon slash slash example dot com slash anna",
        "example[.]com/anna",
        "linkedin . com / in / anna",
        "github dot com slash anna",
        "https%3A%2F%2Fexample%2Ecom%2Fanna",
        "https:⧸⧸www․example․com⧸in⧸anna",
    ],
)
def test_a_link_is_found_however_it_is_written_out(form):
    assert form in pieces(f"see {form} for more", Kind.URL)


@pytest.mark.parametrize(
    "form",
    [
        "192[.]0[.]2[.]7",
        "192(dot)0(dot)2(dot)7",
        "192 dot 0 dot 2 dot 7",
        "192 . 0 . 2 . 7",
        "192.0.2[.]7",
        "192\\.0\\.2\\.7",
        "192[.0[.2.]7",
        "192.000.002.007",
        "0xC0.0x00.0x02.0x07",
        "fe80::1ff:fe23:4567:890a%eth0",
        "192。0。2。7",
        "0300.0.2.7",
        "7.2.0.192.in-addr.arpa",
        "8.b.d.0.1.0.0.2.ip6.arpa",
        "192-0-2-7.dialup.example.net",
        "one ninety-two dot zero dot two dot fifty-one",
        "eins neun zwei Punkt null Punkt zwei Punkt sieben",
    ],
)
def test_an_ip_address_is_found_however_it_is_written_out(form):
    assert form in pieces(f"it came from {form} at noon", Kind.IP)


@pytest.mark.parametrize(
    "form",
    [
        "five five five one two three four",
        "oh seven seven double oh nine oh oh one two three",
        "plus four nine, one seven one, two three four five six",
        "five-five-five, one-two-three-four",
        "null eins sieben eins zwei drei vier fünf",
        "zéro six douze trente-quatre cinquante-six soixante-dix-huit",
        "seis uno dos tres cuatro cinco seis siete ocho",
        "tre due sette uno due tre quattro cinque sei",
        "nove um dois três quatro cinco seis sete",
        "nul zes een twee drie vier vijf zes",
        "noll sju noll ett två tre fyra fem sex",
        "dwa dwa trzy cztery pięć sześć siedem",
        "восемь девять один шесть один два три",
        "восемь девятьсот шестнадцать сто двадцать три сорок пять шестьдесят семь",
        "вісім050один234п'ять67",
        "공일공 일이삼사 오육칠팔",
        "一三八零零一三八零零零",
        "555 one two three 4567",
        "O171 2345678",
        "202-555-O1O2",
        "202•555•0147",
        "202_555_0147",
        "202 🖤 555 🖤 0147",
        "{0}7700-[900]-<415"[1:],
        "030/23125/480",
        "0049(30) 23125333",
        "*67 202 555 0139",
        "555-0145, area code (202)",
        "eight hundred, five five five, one two three four",
        "ZeroSevenSevenZeroZeroNineZeroZeroOneTwoThree",
        "212 ~ 555 ~ 0199",
        "2.0.2.5.5.5.0.1.4.7",
        "202...555...0147",
        "202\\555\\0147",
        "[202] [555] [0147"[1:],
        "2 0 2 - 5 5 5 - 0 1 4 7",
        "07700–900–224",
        "202%2D555%2D0147",
        "0-9-2/1-2-3/4-5-6-7",
        "〇九〇の一二三四の五六七八",
        "202)**<br>**555**-**0158",
        "32}{12}{34}{56",
        "(0049)(30)23125417",
        "206-555_0168",
        "202, and after that 555, and finish with 0186",
        "4.47700900345E+11",
        "654 321 106 024+",
        "49-171-two three four-5678",
        "too oh too, fife fife fife, oh won ate for",
        "+1 202 555 0147 # 77",
    ],
)
def test_a_telephone_number_is_found_however_it_is_written_out(form):
    assert pieces(f"my number: {form} please", Kind.PHONE) == {form}


@pytest.mark.parametrize("form", ["192.0.2903", "0xC0000207", "3221225991"])
def test_a_short_or_whole_ip_address_is_found_after_a_word_for_one(form):
    assert pieces(f"his ip: {form} today", Kind.IP) == {form}
    assert pieces(f"upgraded to {form} today", Kind.IP) == set()


def test_words_between_dots_are_bytes_or_nothing():
    said = "nine hundred dot one dot two dot seven, one dot two dot three"

    assert pieces(said, Kind.IP) == set()


@pytest.mark.parametrize(
    "text",
    [
        "It has 120G+320G x 2, and 1234567890+ users",
        "my number: 4.47700900345E+12",
        "Points:\n2\n0\n2\n5\n5\n5\n0\n1\n5\n9",
        "2**31 and 10**12",
        "2000}{1000}{2000}{1000",
        "oh two oh, two two two, to all",
    ],
)
def test_powers_tables_and_crowds_are_no_telephones(text):
    assert pieces(text, Kind.PHONE) == set()


def test_a_telephone_number_is_found_written_downwards():
    digits = "2\n0\n2\n5\n5\n5\n0\n1\n5\n9"

    assert pieces(f"my number\n{digits}\nread down", Kind.PHONE) == {digits}
    assert pieces("call\n0171\n234\n5678\n", Kind.PHONE) == {"0171\n234\n5678"}
    assert pieces("Sizes\n0171\n234\n5678\n", Kind.PHONE) == set()


def test_a_telephone_number_is_found_written_backwards():
    assert pieces("7410-555-202 backwards", Kind.PHONE) == {"7410-555-202"}
    assert pieces("counted 1000-000-101 backwards", Kind.PHONE) == set()


def test_a_telephone_number_is_found_glued_to_the_word_before():
    text = "the Paris one is+33 1 99 00 43 21 today, a+1 2 3 4 is none"

    assert pieces(text, Kind.PHONE) == {"+33 1 99 00 43 21"}


def test_cards_and_accounts_are_found_between_odd_signs():
    assert "(4111)(1111)(1111)(1111)"[1:-1] in pieces(
        "x (4111)(1111)(1111)(1111)", Kind.CARD
    )
    assert "4111_1111_1111_1111" in pieces("x 4111_1111_1111_1111", Kind.CARD)
    assert "4lll llll llll llll" in pieces("x 4lll llll llll llll please", Kind.CARD)
    assert "60110/00990/13942/4" in pieces("x 60110/00990/13942/4", Kind.CARD)
    assert "2223\n0031\n2200\n3222" in pieces(
        "bill\n2223\n0031\n2200\n3222\nthanks", Kind.CARD
    )
    assert pieces("2009\n2010\n2011\n2012\n2013\n", Kind.CARD) == set()
    spelled = "four" + " one" * 15
    assert spelled in pieces(f"the card is {spelled} please", Kind.CARD)
    for form in (
        "DE89_3704_0044_0532_0130_00",
        "GB29–NWBK–6016–1331–9268–19",
        "DE.89.3704.0044.0532.0130.00",
        "DE89 3704 0044\n0532 0130 00",
    ):
        assert form in pieces(f"x {form} please", Kind.IBAN)
    assert pieces("4111_1111_1111_1112", Kind.CARD) == set()


def test_another_sign_is_an_at_where_somebody_says_so():
    form = "anna#link.example.org"

    assert form in pieces(f"{form}, put an @ for the hash", Kind.EMAIL)
    assert pieces(f"see {form} for the hash", Kind.EMAIL) == set()


@pytest.mark.parametrize(
    "form",
    [
        "D E eight nine three seven oh four double oh double four"
        " oh five three two oh one three triple oh",
        "Delta Echo eight nine, 3704 0044 0532 0130 00",
    ],
)
def test_an_account_is_found_said_in_words(form):
    assert form in pieces(f"my account is {form} thanks", Kind.IBAN)
    assert pieces(f"my account is {form.replace('nine', 'one')} so", Kind.IBAN) == set()


def test_a_bracket_around_dot_and_ending_hides_nothing():
    assert pieces("anna at example (dot com)", Kind.EMAIL) == {
        "anna at example (dot com"
    }


def test_a_handle_is_found_behind_a_written_sign():
    assert pieces("(at)anna_smith has it", Kind.HANDLE) == {"anna_smith"}
    assert pieces("@ anna_smith has it", Kind.HANDLE) == {"anna_smith"}


@pytest.mark.parametrize(
    "text",
    [
        "Look at dot product, and point at zero.",
        "We meet at 5 . Come at once, or arrive at point zero.",
        "They live at example farm (at) no cost; stay-at-home is fine.",
        "The dot com bubble: a dot com company, dot by dot.",
        "if v[at] and text[dot] or a[at]b: return x.at(i).dot(j)",
        "re.sub(r'[.]+', '.', s); x = y @ z; @override",
        "at a certain point it stopped, but at this point in time",
        "one, two, three, four, five, six, seven, eight, nine, ten",
        "ten nine eight seven six five four three two one zero",
        "seven of nine said yes, two no, one was away, six slept",
        "two hundred and forty one thousand seven hundred and six",
        "one two one two one two one two, mic check",
        "|00> + |11> and 3*4*5, 1024x768, 2^10, 10-20-30",
        "from 1914–1918 to 1939–1945, pages 459–2011",
        "cd .local/share and sources.list . d",
        "Sold at amazon.com and at example.com, look at it.",
        "El punto es que una arroba pesa 11,5 kilos, y punto.",
        "Фото: собака. Точка. Ру.",
        "500/1000/1500 and 2024/05/06, 01/02/2024",
        "2010\n2011\n2012\n2013\n2014",
        "It should be on-topic at [example.org] and (see) at (example) no. 1",
        "Mike Victor Oscar met Charlie, Juliet and Romeo at the hotel in India",
        'say "x.y"example.com" and a_b"c.d", the at sign, then the dot',
    ],
)
def test_ordinary_words_and_code_are_left_alone(text):
    assert found(text) == set()


def test_no_span_passes_a_barrier():
    for first, second in [
        ("anna [at]", "example [dot] com"),
        ("anna at example dot", "com"),
        ("five five five one", "two three four five"),
        ("192[.]0", "[.]2[.]7"),
    ]:
        both = fold([first, second])
        spans = list(find(both.text))
        assert not any("\0" in both.text[start:end] for start, end, _ in spans)
        assert len(spans) <= 1  # `example [dot] com` is a link by itself


def test_what_stands_beside_a_text_changes_nothing():
    texts = [*EMAILS, "five five five one two three four", "straße ②", "привет"]
    for text in texts:
        alone = fold([text])
        together = fold([*texts, text, *texts])
        number = len(texts)

        by_itself = alone.originals(list(find(alone.text)))
        beside = together.originals(list(find(together.text)))
        assert {span for _, span in by_itself} == {
            span for each, span in beside if each == number
        }


LITERALS = [
    *("[at]", "(at) ", " at ", " dot ", "a at b dot ", "@ ", " @", "@a.", "&#64;"),
    *("%40", "hxxp://", "[.]", "a[.", " . ", "a . ", "a ", "a-", "one ", "five, "),
    *("double ", "1_2", "1•", "0O", "O1 ", "1\n", "4111 ", "4111_", "DE89_", "=40"),
    *(
        "\\x40",
        "a=",
        "A" * 40 + "= ",
        "三",
        "(.",
        "://",
        "http:/",
        " AT x.",
        "x<b>",
        "(",
    ),
    *("1*", "12=345=", "06x39", "1 dash ", "tw0 ", "@nospam", "my gmail a1 ", "a🐒"),
    *("name=a,domain=", "(followed by @", "where a;", "1-2-3-4.", "on two "),
    *(
        "o🔹",
        "mike ",
        "a as in ",
        "1)(",
        "=\n",
        "@a..",
        "a> at <",
        "7\n",
        "0-9/",
        "dot one ",
    ),
    *("1, ", "0x1.", "001.", "|", "'@'", "slash ", "www dot a", "www dot ", "<!--"),
]


@pytest.mark.parametrize("literal", LITERALS)
def test_a_long_line_of_one_trace_ends(literal):
    text = "\n\0\n" + literal * (20_000 // len(literal)) + "\n\0\n"

    assert sum(end - start for start, end, _ in find(text)) >= 0


@pytest.mark.parametrize("before", range(5430, 5466, 3))
def test_a_form_is_found_wherever_a_long_disguised_text_is_cut(before):
    form = "anna.smith [at] example [dot] com"
    # The cut comes after 32 KiB: somewhere inside the form.
    text = f"\n\0\n{'x[.]y ' * before}{form} {'x[.]y ' * 100}\n\0\n"
    start = text.index(form)

    assert any(
        begin <= start and start + len(form) <= end for begin, end, _ in find(text)
    )
