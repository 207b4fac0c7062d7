"""Words of a question: what makes two of them alike, and what may be shown of untrusted text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9][a-z0-9+#./]*")

_STOP_WORDS = {
    "en": """
        a an and any are as at be been build built can could did do does ever for from had has
        have how i in into is it its me much my of on or our so tell than that the their them
        then there they this to up us use used was we well were what when where which who why
        will with work worked would you your
        about big done experience experienced familiar gave give given held hold know large
        many more most""",
    "de": """
        aber als am an auch auf aus bei bin bis das dass dem den der des die durch ein eine einem
        einen einer eines er es euch euer für gibt haben hast hat hatte hatten hattest ich ihm ihn
        ihnen ihr ihre ihrem ihren im in ist ja jemals kann können kennen mit nach nicht noch nur
        oder schon sie sind so über um und uns unter viele vom von vor war waren was welche welchem
        welchen welcher welches wenn wer werden wie wir wird wo zu zum zur
        erfahrung erfahrungen hoch groß kenne kennst sich viel weiß wissen""",
    "fr": """
        a ai as au aux avec avez avons c ce ces cette comment d dans de des dont du déjà elle en es
        est et eu existe fait il ils j je l la le les leur lui m ma mais me mes moi mon n ne nos
        notre nous on ont ou où par pas plus pour qu quand que quel quelle quelles quels qui s sa
        sans se ses son sont sur t ta te tes toi ton tu un une vos votre vous y à été était étiez
        êtes combien connais connaissez connaître expérience expériences parler savez sais""",
    "es": """
        a al algo alguna alguno algún cada como con cual cuál cuáles cuántas cuánto cuántos cómo de
        del desde donde dónde el ella en entre era eran eras eres es esta este esto está estás fue
        ha habla había han has hay he hemos la las le les lo los me mi muy más nos o para pero por
        puede qué que quién se ser si sin sobre su sus también te tenía tiene tienen tienes tu tus
        un una unas uno unos usted y ya yo conoce conoces cuánta experiencia sabe sabes""",
    "pl": """
        a ale był była było były ci co czy dla do go i ich ile ja jak jaka jaki jakich jakie jako
        jest jesteś już ma masz mi mieć na nad nie o od po pod przez przy są się swoje ta tak tam
        te tej ten to twoja twoje twój ty u w we z za ze że
        doświadczenie doświadczenia dużo duży duża wie wiesz znasz""",
    "ru": """
        а без был была были было в вам вами вас ваш ваша ваше ваши во вы где для до его ее если
        есть еще же за и из или их к как какая какие каких какого какой какую когда ко который кто
        ли мы на не но о об от по при с своей свой сколько со так то у уже что это я
        знаете знаешь опыт опыта""",
    "ar": """
        أن أنا أنت أو أي إلى التي الذي ثم عن على عليها عنها في قد قبل كان كانت كم كنت كيف لا لدي
        لديك لك له ما ماذا مع من منها هذا هذه هل هو هي و تعرف خبرة""",
}
"""The commonest words of a language and of questions: that two share them says nothing."""
_STOP = {language: frozenset(words.split()) for language, words in _STOP_WORDS.items()}
ENGLISH = "en"

# Function words, the hiragana of Japanese grammar, and what a question to a CV begins or ends with
# ("have you ever", "experience", "how much") part what tells something.
_CHINESE_STOP = "你您我他她它们的了吗呢吧啊过是在有没不和也都就被把给对个这那哪些什么"
_HIRAGANA = "\u3040-\u309f"
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
    "]+"
)
"""Letters of scripts that are written without spaces, or whose words carry endings (Hangul)."""
_UNSPACED_STOP = (
    "คุณ เคย ไหม หรือไม่ หรือเปล่า อะไรบ้าง เท่าไร เท่าไหร่ แค่ไหน ประสบการณ์ รู้จัก "
    "经验 了解 知道 経験 知識 知っ 경험 있습니까 있나요"
)
_FUNCTION = re.compile(f"(?:[{_CHINESE_STOP}{_HIRAGANA}]|{'|'.join(_UNSPACED_STOP.split())})+")
_NO_PLURAL = 3
"""A word of so few letters is no plural: "AWS", "iOS", "gas"."""
_STEM = 5
"""Outside of English a word counts by so many letters: endings vary more than beginnings."""

MAX_TOKENS = 24


@lru_cache(maxsize=4_096)
def tokens(text: str) -> frozenset[str]:
    """The telling words of a text in any language, lower case; at most 24 of them.

    Words of scripts without spaces are pairs of neighbouring letters. Stop words are those of the
    text's own language; English plurals lose their `s`, other words their endings.
    """
    words = _WORD.findall(text.lower()) if text.isascii() else _words(text)
    language = _language(words)
    if language == ENGLISH:
        telling = frozenset(filter(None, map(_telling, words)))
    else:
        telling = frozenset(filter(None, (_stem(word, _STOP.get(language)) for word in words)))
    return telling if len(telling) <= MAX_TOKENS else frozenset(sorted(telling)[:MAX_TOKENS])


def _words(text: str) -> list[str]:
    """The words of a text that is not all ASCII: runs of letters, digits and their marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char if char in "+#./" or _in_word(char) else " " for char in folded)
    words: list[str] = []
    for run in kept.split():
        words += _WORD.findall(run) if run.isascii() else _parted(run.strip("+#./"))
    return words


def _in_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def _parted(run: str) -> list[str]:
    """A run of letters as words; where no spaces are written, as pairs of neighbours."""
    words: list[str] = []
    place = 0
    for unspaced in _UNSPACED.finditer(run):
        words += filter(None, [run[place : unspaced.start()]])
        for part in filter(None, _FUNCTION.split(unspaced[0])):
            words += [part[at : at + 2] for at in range(max(1, len(part) - 1))]
        place = unspaced.end()
    return [*words, *filter(None, [run[place:]])]


def _language(words: Sequence[str]) -> str:
    """The language whose stop words a text uses most; without any, English if it is all ASCII."""
    hits = {language: sum(word in stop for word in words) for language, stop in _STOP.items()}
    best = max(hits, key=lambda language: hits[language])  # English is the first of equals
    if not hits[best]:
        return ENGLISH if all(map(str.isascii, words)) else ""
    return best


def _stem(word: str, stop: frozenset[str] | None) -> str:
    """A word of another language as it is compared; empty if it tells nothing."""
    if stop and word in stop:
        return ""
    bare = word.removeprefix("ال").rstrip("./")  # the Arabic article is written into its word
    return bare[:_STEM]


@lru_cache(maxsize=8_192)
def _telling(word: str) -> str:
    """The word as it is compared; empty if it tells nothing. Few words make most of all text."""
    if word in _STOP[ENGLISH]:
        return ""
    bare = _singular(word.rstrip("./"))
    return "" if bare in _STOP[ENGLISH] else bare


def _singular(word: str) -> str:
    plural = len(word) > _NO_PLURAL and word.endswith("s") and word[-2] not in "su"
    return word[:-1] if plural else word


def similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard: shared words over all words, 0 to 1; two texts without words are unlike."""
    if not left or not right:
        return 0.0
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def normalised(text: str) -> str:
    """What two askings of the same question have in common: case, width and spacing apart."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


@lru_cache(maxsize=4_096)
def searchable(text: str) -> str:
    """What a search compares: the text as it is shown, whatever its case, width and composition."""
    folded = shown(text, len(text)).casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFKC", folded).casefold()


# Controls, bidi overrides and isolates, zero-width characters, surrogates, private use.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MAX_MARKS = 3


def shown(text: str, limit: int) -> str:
    """Untrusted text as one harmless line of at most `limit` characters, cut with `…`.

    Controls, bidirectional overrides and zero-width characters are dropped, stacks of combining
    marks thinned. Escaping for HTML or CSV is the renderer's part.
    """
    if text.isascii() and text.isprintable():
        return _cut(" ".join(text.split()), limit)
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category.startswith("M") else 0
        if char.isspace():
            kept.append(" ")
        elif category not in _HIDDEN and marks <= MAX_MARKS:
            kept.append(char)
    return _cut(" ".join("".join(kept).split()), limit)


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
