"""Parts of which identities are made that belong to nobody, in eleven scripts.

First names are common ones. Family names are put together of a beginning and an end, so
that hardly one of them is anybody's. Where a family name comes first, it does here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Script(StrEnum):
    """How the letters, or the digits, of an identity are written."""

    PLAIN = "Latin"
    LATIN = "Latin with diacritics"
    CYRILLIC = "Cyrillic"
    GREEK = "Greek"
    ARABIC = "Arabic"
    HEBREW = "Hebrew"
    DEVANAGARI = "Devanagari"
    THAI = "Thai"
    CHINESE = "Chinese"
    JAPANESE = "Japanese"
    KOREAN = "Korean"


@dataclass(frozen=True, slots=True)
class Words:
    """What names of a script are made of; every field is a list, parted by blanks.

    Args:
        own: first names, or where the family comes first, family names.
        starts: beginnings of the other name.
        ends: their ends.
        trades: what companies are called behind a family's name.
        places: parts of addresses of mail and web.
        blank: what stands between two names.
        around: what stands before and after a name inside a sentence without blanks.
    """

    own: str
    starts: str
    ends: str
    trades: str
    places: str
    blank: str = " "
    around: tuple[str, str] = ("", "")


WORDS = {
    Script.PLAIN: Words(
        "Peter Maria Kwame Aisha Liam Nora Carlos Ingrid",
        "Hart Wex Lind Brom Talb Quin Osk Marv",
        "erley ford wick ridge more ington stead gate",
        "Systems Foods Logistics Partners",
        "mail office notes studio",
    ),
    Script.LATIN: Words(
        "Zoë Łucja Jürgen Inês Åse Şule Ondřej Siobhán",
        "Kestř Vanđ Štol Größ Øder Żur Çem Mück",
        "ák ović ström männ éra üşen íček ğlu",
        "Werke Łączność Énergie Øster",
        "büro fête kancelář überall",
    ),
    Script.CYRILLIC: Words(
        "Анна Олег Ірина Борис Дарья Тарас Милица Жанна",
        "Ветр Злат Морж Крут Сизов Яром Щук Гонт",
        "енко овский ьев инич аков ченко ульич",
        "Завод Сервис Логистика Энерго",
        "почта дом бюро письмо",
    ),
    Script.GREEK: Words(
        "Ελένη Γιώργος Άννα Νίκος Σοφία Κώστας Ζωή Θάνος",
        "Παπα Καρα Μαυρο Ξανθο Χατζη Δρακο Βλαχο Ψαρο",
        "δημάκης νίδης πουλος γιάννης θύμιος λίδης μήτρου",
        "Τεχνική Τρόφιμα Ενέργεια Μεταφορές",
        "γραφείο ταχυδρομείο σπίτι νέα",
    ),
    Script.ARABIC: Words(
        "أحمد فاطمة يوسف مريم كريم ليلى سعاد طارق",
        "الزه الحد الصخ النم البح الرم الشه الغز",
        "راوي ادني ريني ساني وري يلمي باتي",
        "للتجارة للطاقة للنقل للأغذية",
        "بريد مكتب أخبار بيت",
    ),
    Script.HEBREW: Words(
        "דוד שרה יעל משה נועם רחל אורי תמר",
        "כהנ לוינ ברק שטר גול זילב מרג הופ",
        "וביץ סקי ברג שטיין מנסון פלד דורי",
        "תעשיות מזון אנרגיה שיווק",
        "דואר משרד חדשות בית",
    ),
    Script.DEVANAGARI: Words(
        "आरव प्रिया रोहन अनीता विजय मीरा सुरेश कविता",
        "चौध शर्म वेद पाट देश गुप जोश नाग",
        "रिकर ांकर ानील िलकर पांडेय तालिया वाडकर",
        "उद्योग ऊर्जा परिवहन खाद्य",
        "डाक घर समाचार कार्यालय",
    ),
    Script.THAI: Words(
        "สมชาย มาลี อนันต์ สุดา วิชัย กานดา ประเสริฐ นภา",
        "ศรี ทอง วงศ์ บุญ แก้ว จันทร์ เพชร",
        "สุวรรณกุล พิทักษ์ชล เจริญมณี มณีวงศา รัตนพล ชัยเดชา",
        "พาณิชย์ พลังงาน ขนส่ง อาหาร",
        "จดหมาย บ้าน ข่าว สำนักงาน",
        around=("เมื่อวานคุณ", "มาที่นี่"),
    ),
    Script.CHINESE: Words(
        "欧阳 司徒 诸葛 皇甫 尉迟 慕容 钱 孔",
        "梓 浩 诗 宇 雨 建 晓 沐",
        "宸 然 涵 轩 桐 岚 霖 楠",
        "科技公司 食品公司 能源公司 物流公司",
        "邮件 办公 新闻 书房",
        blank="",
        around=("昨天我和", "一起吃饭"),
    ),
    Script.JAPANESE: Words(
        "小鳥遊 雪村 渡辺 東雲 八雲 高橋 月島 早乙女",
        "美 翔 結 健 陽 菜 遥 涼",
        "咲子 太郎 衣里 斗真 香織 穂波 介",
        "株式会社 商事 物流 食品工業",
        "郵便 事務所 新聞 書斎",
        blank="",
        around=("昨日は", "さんと話した"),
    ),
    Script.KOREAN: Words(
        "김 이 박 최 남궁 제갈 선우 황보",
        "서 민 지 하 도 예 채 태",
        "준 연 우 은 현 린 솔 결",
        "전자 식품 물류 에너지",
        "우편 사무실 소식 서재",
        blank="",
        around=("", "씨가"),
    ),
}

DIGITS = {
    Script.PLAIN: "0123456789",
    Script.ARABIC: "٠١٢٣٤٥٦٧٨٩",
    Script.DEVANAGARI: "०१२३४५६७८९",
    Script.THAI: "๐๑๒๓๔๕๖๗๘๙",
}
