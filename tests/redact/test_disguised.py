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
        "+1 202 555 0147 # 77",
    ],
)
def test_a_telephone_number_is_found_however_it_is_written_out(form):
    assert pieces(f"my number: {form} please", Kind.PHONE) == {form}


def test_cards_and_accounts_are_found_between_odd_signs():
    assert "(4111)(1111)(1111)(1111)"[1:-1] in pieces(
        "x (4111)(1111)(1111)(1111)", Kind.CARD
    )
    assert "4111_1111_1111_1111" in pieces("x 4111_1111_1111_1111", Kind.CARD)
    assert "4lll llll llll llll" in pieces("x 4lll llll llll llll please", Kind.CARD)
    spelled = "four" + " one" * 15
    assert spelled in pieces(f"the card is {spelled} please", Kind.CARD)
    for form in (
        "DE89_3704_0044_0532_0130_00",
        "GB29–NWBK–6016–1331–9268–19",
        "DE89 3704 0044\n0532 0130 00",
    ):
        assert form in pieces(f"x {form} please", Kind.IBAN)
    assert pieces("4111_1111_1111_1112", Kind.CARD) == set()


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
