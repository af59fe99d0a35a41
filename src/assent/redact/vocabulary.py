"""The words beside numbers, in the languages of those who write them.

As a plain text has them (`assent.redact.fold`): lower case, no accents.
"""

from enum import IntEnum
from typing import NamedTuple

from assent.redact.fold import SEPARATOR, fold
from assent.redact.spans import Kind


class Weight(IntEnum):
    """How much a word beside a number says; it is added to that of the shape."""

    AGAINST = -1
    NOTHING = 0
    WEAK = 1
    STRONG = 2


class Hint(NamedTuple):
    """What the words say: a kind, and how surely."""

    kind: Kind
    weight: Weight


NO_HINT = Hint(Kind.PHONE, Weight.NOTHING)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _parts(text: str) -> tuple[str, ...]:
    """Take words apart, and fold them as a plain text is folded: `ード` is `ート`."""
    return tuple(fold([text]).text.strip(SEPARATOR).split())


# Whole words, lower case.
EXACT: dict[Hint, str] = {
    Hint(Kind.PHONE, Weight.STRONG): """
        tel tele phone phones telephone ph phn call calls called calling dial dialing
        mobile mob cell cellphone cellular landline hotline helpline whatsapp wa
        viber fax facsimile sms telegram pager gsm handy handynr festnetz rufnummer
        anrufen anruf rufen tlf tlph tfn tfno celular cel movil fijo llama llame
        llamar llamame llamenos telf appelez appeler appelle portable fixe joindre
        chiama chiamare chiamami ligue ligar telemovel tlm bellen
        ringe ringen puh soita mobiili zadzwon dzwon kom komorka zavolej zavolejte
        volat hivj ara arayin arayiniz cep ceptel hp nohp hubungi telp telpon telepon
        thoai sdt sđt đt goi simu callback handphone selular reach reached contact
        тел моб факс τηλ φαξ κιν
        contacts kontakt contacto contatto contato erreichbar erreichen kontaktieren
        ring bereikbaar wsp wpp wapp wasap guasap zap zapzap tlfn mvl
    """,
    Hint(Kind.PHONE, Weight.WEAK): """
        number numbers no nr num numero numeros nummer numer nomor nomer cislo text txt
        message messages msg registered direct office home work emergency desk line toll
        broj broja cislo numery numeru numerem
        nous moi me us sim signal imo unter rang bel verification otp pickup
    """,
    Hint(Kind.CARD, Weight.STRONG): """
        card cards cc ccn creditcard debitcard visa mastercard amex maestro discover
        diners jcb unionpay carte carta tarjeta cartao karte kartennummer kaart
        kaartnummer kort kortnummer karta karty kartu kart kartnummer kredi kortti
        luottokortti credit debit
    """,
    Hint(Kind.IBAN, Weight.STRONG): "iban ibans bban",
    Hint(Kind.ID, Weight.STRONG): """
        ssn ssns nino nir dni nie cpf curp pesel bsn cpr hetu aadhaar aadhar
        uidai imei meid itin idnr passport passports passeport pasaporte passaporto
        passaporte reisepass paspoort pasport paszport personnummer fodselsnummer
        fuhrerschein rijbewijs korkort sozialversicherungsnummer steuernummer
        steueridentifikationsnummer codicefiscale fiscale ahv personalausweis cedula
        ktp nik tckn kimlik egn oib jmbg henkilotunnus ppsn nhs taxpayer
        инн снилс αφμ αμκα
    """,
    Hint(Kind.PHONE, Weight.AGAINST): """
        order orders invoice bug bugs issue ticket isbn issn pmid doi arxiv version
        build revision commit pid serial sku model tracking ref reference zip plz
        postcode postal bytes byte port sector sectors block blocks inode born
        latitude longitude lat lon hash checksum timestamp epoch offset patent uid gid
        upc ean barcode iccid kernel oclc lccn transaction launchpad lp seed version
        omb docket serie seriennummer aktenzeichen
    """,
}
# Words that say little alone, and much after another.
_OWNERS = _words("""
    my your his her their our mi su mein meine dein ihre mon ma mijn min mitt meu
""")
_SPEAKERS = _words("text txt message msg ring sms ping wa")
_DRIVERS = frozenset({"driver", "drivers", "s", "driving"})
PAIRS: dict[str, tuple[frozenset[str], Kind]] = {
    "number": (_OWNERS, Kind.PHONE),
    "numero": (_OWNERS, Kind.PHONE),
    "nummer": (_OWNERS, Kind.PHONE),
    "me": (_SPEAKERS, Kind.PHONE),
    "registered": (_OWNERS, Kind.PHONE),
    "license": (_DRIVERS, Kind.ID),
    "licence": (_DRIVERS, Kind.ID),
    "conduire": (frozenset({"de"}), Kind.ID),
    "insurance": (frozenset({"national", "health", "social"}), Kind.ID),
    "security": (frozenset({"social"}), Kind.ID),
    "social": (_words("seguridad seguranca"), Kind.ID),
    "sociale": (frozenset({"securite"}), Kind.ID),
    "id": (_words("national tax citizen government steuer steuerliche"), Kind.ID),
}
# The beginning of a word, in languages that build long ones.
STEMS: dict[Hint, tuple[str, ...]] = {
    Hint(Kind.PHONE, Weight.STRONG): (
        *("telefon", "telephon", "telefoon", "mobil", "handynum", "puhelin", "phone"),
        *("whatsapp", "cellul", "rufnum", "tlfnr", "telnr", "smartphone", "voicemail"),
        *("телеф", "мобил", "сотов", "вайбер", "ватсап", "τηλεφ", "κινητ", "καλεσ"),
    ),
    Hint(Kind.CARD, Weight.STRONG): (
        *("kreditkart", "creditcard", "kredietkaart", "карт", "καρτα"),
    ),
    Hint(Kind.ID, Weight.STRONG): (
        *("passport", "reisepass", "personnum", "steuerid", "паспорт", "διαβατηρι"),
    ),
}
# A part of a word, in scripts without blanks and in languages with prefixes. What says
# more stands first: the number of an identity card is a number too.
PARTS: dict[Hint, tuple[str, ...]] = {
    Hint(Kind.ID, Weight.STRONG): _parts("""
        身份证 身份證 护照 護照 パスポート マイナンバー 주민등록 여권 جواز الهوية הזהות
        דרכון आधार पासपोर्ट บัตรประชาชน หนังสือเดินทาง
    """),
    Hint(Kind.CARD, Weight.STRONG): _parts("""
        卡 カード 카드 بطاقة کارت כרטיס कार्ड บัตร
    """),
    Hint(Kind.PHONE, Weight.STRONG): _parts("""
        电话 電話 手机 手機 携帯 致电 传真 傳真 连络 連絡先 号码 ファックス
        전화 휴대 핸드폰 연락처 팩스 هاتف جوال موبايل اتصل تلفن موبایل فاكس טלפון נייד
        פקס फोन मोबाइल
        कॉल दूरभाष โทร มือถือ แฟกซ์ ফোন মোবাইল தொலைபேசி மொபைல் ტელეფონ მობილურ հեռախոս
        позвон звоните дзвон зателеф
    """),
    Hint(Kind.PHONE, Weight.WEAK): _parts("नंबर नम्बर নম্বর எண்"),
}
AFTERWARDS = _words("""
    office fax home mobile cell work phone tel handy main direct landline mob gsm
    telefon telephone whatsapp voice pager movil celular fixe portable privat mobil
""")
