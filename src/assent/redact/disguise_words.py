"""Words in which people write out `@`, `.` and other signs of addresses.

All are written as the normaliser leaves them: lower case, without accents.
"""

import re


def _alternatives(words: str) -> str:
    """Join words for a pattern, the longest first; `_` stands for a blank.

    Those that begin alike are tried together: most letters begin none of them.
    """
    listed = sorted(set(words.split()), key=lambda word: (-len(word), word))
    rests: dict[str, list[str]] = {}
    for word in listed:
        rest = re.escape(word[1:]).replace("_", "[ _-]")
        rests.setdefault(word[0], []).append(rest)
    return "|".join(
        f"{re.escape(first)}(?:{'|'.join(each)})" for first, each in rests.items()
    )


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


AT = _alternatives(
    "at @t at_sign at_symbol at_the_rate at_the_rate_of at_no_spam at_nospam 4t"
    " klammeraffe affenschwanz arobase arrobase arobas arroba"
    " chiocciola chiocciolina apenstaartje apestaartje apenstaart snabel_a snabela"
    " kanelbulle miukumauku at_merkki krollalfa alfakroll"
    " coada_de_maimuta a_rond afna manki majmunce ludo_a arrova a_bildua zavinas"
    " a_keong a_cong a_moc @_sign"
    " маимунка маимунско_а кльомба песик мавпочка эт_собака כרוכית שבלול اتساین"
    " malpa zavinac kukac et_isareti kuyruklu_a"
    " arond собака собачка равлик παπακι שטרודל 골뱅이 艾特 小老鼠"
    " アットマーク アット あっと"
)
"""Also alone between two blanks; `at` alone needs more proof than the others."""

ONLY_IN_BRACKETS = _alternatives("@t a a_t et chez bei aet eta ett эт ta")
AT_IN_BRACKETS = f"{AT}|{ONLY_IN_BRACKETS}"

SURE_DOT = _alternatives(
    "dot d0t dt dom full_stop punkt punkti punto ponto punt tocka tecka bodka"
    " kropka nokta punct punktum punktchen puntje puntino d_o_t prikk prick"
    " точка toчka крапка кропка"
    " τελεια נקודה نقطة 점 닷 トット 点 點"
)
DOT = SURE_DOT + "|" + _alternatives("point period pont piste")
"""The last ones are everyday words too."""

WEAK_AT = "at|chez|bei|where"
"""Everyday words that stand for `@`: more must show it."""

OPENING = "[({<|*~=\"'/_\\%#!+:^$`“‘«‹【《「『〔-"
CLOSING = "])}>|*~=\"'/_\\%#!+:^$`”’»›】》」』〕-"
"""What is put around a sign or a word that stands for it."""

# Scripts that put no blanks between words.
AT_UNSPACED = "艾特|小老鼠|골뱅이|アットマーク|アット|あっと|[★☆◎※■●]"
DOT_UNSPACED = "点|點|トット|점|닷|。"

DASH = _alternatives(
    "dash hyphen minus bindestrich tiret guion trattino hifen streepje koppelteken"
    " bindestreck myslnik pomlcka дефис тире"
)
UNDERSCORE = _alternatives(
    "underscore unterstrich tiret_bas guion_bajo underline sublinhado podkreslnik"
    " laag_streepje"
)
SLASH = _alternatives("slash forward_slash schragstrich barra barre schuine_streep")
COLON = _alternatives("colon doppelpunkt deux_points dos_puntos due_punti")

PROVIDERS = _set(
    "gmail googlemail hotmail outlook yahoo icloud protonmail proton gmx yandex mailru"
    " aol fastmail tutanota zoho live msn posteo web wanadoo orange libero ziggo"
)
"""Of mail: after a bracketed `at`, one of these needs no ending."""

IN = "on|bei|auf|sur|en|chez|no|su"
"""Between a login and a provider of mail."""

SURE_PROVIDERS = PROVIDERS - _set("live web orange mail outlook proton msn")
"""Those whose names are nothing else."""

FILLERS = (
    "no[ ._-]?spam|spam[ ._-]?not|stop[ ._-]?spam|anti[ ._-]?spam|kein[ ._-]?spam"
    "|(?:remove|delete)[ ._-]?(?:this|me|caps|spam)|(?:this|that)[ ._-]?out|entfernen"
    "|quitar?[ ._-]?esto|enlever|without[ ._-]?spam"
)
"""What is put in to be taken out."""

ENDINGS = _set(
    "com net org edu gov mil int info biz io ai app dev me co us uk eu de fr es it pt"
    " nl be ch at pl cz sk hu ro se no dk fi ru ua by tr gr il in jp kr cn tw br ar mx"
    " cl ca au nz za ie lu li lt lv ee hr si rs bg name pro xyz online site tech store"
    " shop cloud blog club email live news world art page social space link digital"
    " agency academy network systems group team design studio wiki chat community"
    " consulting example test invalid local localhost рф"
)
"""Of domains that need no other proof."""

PLAIN_ENDINGS = ENDINGS - _set(
    "me in it at no by be us so do ie name pro page group team news live space link"
    " club shop store art world design digital social community local test io co"
)
"""Those that are no words: they may stand after the end of a sentence."""

NOT_LOCAL = _set(
    "a about all also am an and any anyone anywhere are arrive arrived as available"
    " back based be been being best bought buy by came can come code data day days do"
    " done each else email emails everyone everything file files find for found free"
    " friday from go going good he held her here hi him his home hosted how i in info"
    " is it its join just least like live lives living located look looked looking"
    " looks made mail me meet meeting monday more my now of off on one online only or"
    " order our out over page party people point points posted read reading saturday"
    " see seen sell she shop shown sign site so some something start started stay stop"
    " sunday support talk team than that the their them then there these they thing"
    " things this thursday time to today tuesday up us use used user users via visit"
    " was we website wednesday week were what when where which who with work worked"
    " working works you your yours ist sind war bei der die das und ich wir es est sont"
    " le la les de el los un una uno que il lo per sono het een van is"
)
"""No address begins with one of these before a mere `at`."""

NOT_DOMAIN = _set(
    "a an the dot point period that this these those my our your his her its their any"
    " some every no one each least most first last all both home work school"
)
