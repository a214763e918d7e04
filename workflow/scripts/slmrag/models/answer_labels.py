"""Words such as "Answer:" and "Question:" before a text, in many languages."""

import re
import unicodedata
from collections.abc import Iterable

COLONS = ":：︰﹕꞉"
COLON = f"[{COLONS}]"

_FINALS = """
Endgültige Antwort|Réponse finale|Respuesta final|Resposta final|Risposta finale|Окончательный ответ
最终答案|最終答案
"""
_ANSWERS = """
Antwort|Réponse|Respuesta|Resposta|Risposta|Antwoord|Odpowiedź|Odpověď|Odpoveď|Svar|Vastaus|Válasz
Răspuns|Jawaban|Jibu|Cevap|Yanıt|Trả lời|Câu trả lời|Đáp án|Ответ|Відповідь|Отговор|Απάντηση|תשובה
الإجابة|الاجابة|إجابة|الجواب|جواب|پاسخ|उत्तर|जवाब|উত্তর|பதில்|సమాధానం|คำตอบ|ตอบ
答案|回答|答|答え|解答|정답|답변|답
"""
_QUESTIONS = """
Frage|Pregunta|Pergunta|Domanda|Vraag|Pytanie|Otázka|Fråga|Spørgsmål|Spørsmål|Kysymys|Kérdés
Întrebare|Pertanyaan|Swali|Soru|Câu hỏi|Вопрос|Питання|Въпрос|Ερώτηση|שאלה|السؤال|سؤال|پرسش|سوال
प्रश्न|सवाल|প্রশ্ন|கேள்வி|ప్రశ్న|คำถาม|问题|問題|问|問|質問|질문|문제
"""


def _any_word_pattern(words: Iterable[str]) -> str:
    """Return a pattern of any of some words, composed or not, the longest first."""
    forms = {unicodedata.normalize(form, word) for word in words for form in ("NFC", "NFD")}
    return "|".join(map(re.escape, sorted(forms, key=lambda form: (-len(form), form))))


def _split_words(words: str) -> list[str]:
    return words.strip().replace("\n", "|").split("|")


ANSWER_WORDS = f"Answer|A|{_any_word_pattern(_split_words(_ANSWERS))}"
"""A pattern of the words before an answer."""
_FINAL = f"Final answer|{_any_word_pattern(_split_words(_FINALS))}"
QUESTION_WORDS = _any_word_pattern(_split_words(_QUESTIONS))
ANSWER_LABEL = re.compile(
    rf"\A\s*(?:\*\*)?(?:{_FINAL}|{ANSWER_WORDS})\s*{COLON}(?:\*\*)?[ \t\u00a0\u3000]*",
    re.IGNORECASE,
)
