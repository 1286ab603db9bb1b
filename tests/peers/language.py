#!/usr/bin/env python3
"""Our word pieces beside those of `tokenizers`, and our exact match and F1 beside those of other packages.

    python3 tests/peers/language.py --pieces build/bin/word-pieces --program build/bin/alert-bench \\
        --squad FOLDER [--out FILE.json]

FOLDER holds vocab.txt (BERT's, uncased), dev-v1.1.json and a file of predictions (predictions*.json). Texts are all contexts and
questions, the same with characters of any plane put in, and random ones; then each character that Unicode has room for, between
letters. The scores are those of the predictions, and of answers that are made to be hard to compare.

Needs the Python package tokenizers for the first half; for the second `evaluate` with its metric squad (which it downloads), or
torchmetrics (with its lightning-utilities). What is absent is skipped aloud. Exit code 1 where something differs.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

import support

RANDOM_TEXTS, DISTURBED_TEXTS, HARD_ANSWERS, ANSWERS_PER_FILE = 6000, 3000, 6000, 100
SURROGATES = range(0xD800, 0xE000)

# Where characters come from: a share of each, so that rare kinds meet often.
KINDS = {
    "ASCII": list(range(0x20, 0x7F)), "letters": [ord(c) for c in "etaoinshrdlu"], "controls": list(range(0x20)) + list(range(0x7F, 0xA0)),
    "white space": [9, 10, 13, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000],
    "zero width": [0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFE0F, 0xFEFF, 0xFFFD],
    "combining": [*range(0x300, 0x370), 0x483, 0x591, 0x64B, 0x93C, 0xE31, 0x1AB0, 0x1DC0, 0x20D0, 0x302A, 0x3099, 0xFE20, 0x1D165, 0x1E8D0],
    "Latin and Greek": list(range(0xC0, 0x250)) + list(range(0x370, 0x400)) + list(range(0x1E00, 0x2000)),
    "sigma": [0x3A3, 0x3C3, 0x3C2, 0x391, 0x2019, 0x27], "Hangul": list(range(0xAC00, 0xAD00)) + list(range(0x1100, 0x1200)),
    "CJK": list(range(0x4E00, 0x4F00)) + list(range(0x3400, 0x3440)) + list(range(0xF900, 0xFA00)) + list(range(0x3040, 0x3100)) +
           list(range(0x2B7F0, 0x2BA00)) + list(range(0x2F800, 0x2F820)),
    "punctuation": list(range(0x2010, 0x2060)) + list(range(0x3000, 0x3040)) + list(range(0xFF00, 0xFF20)) + list(range(0x2E00, 0x2E60)),
    "emoji": list(range(0x1F300, 0x1F700)) + list(range(0x1F900, 0x1FA00)), "private": [0xE000, 0xF8FF, 0xF0000, 0x10FFFD],
    "any": None, "any of the first plane": None}


def character(draw):
    kind = draw.choice(list(KINDS))
    while True:
        point = draw.choice(KINDS[kind]) if KINDS[kind] else draw.randrange(0x110000 if kind == "any" else 0x10000)
        if point not in SURROGATES:
            return chr(point)


def random_text(draw):
    return "".join(character(draw) for _ in range(draw.randrange(1, 120)))


def disturbed(text, draw):
    letters = list(text[:400])
    for _ in range(draw.randrange(1, 20)):
        letters.insert(draw.randrange(len(letters) + 1), character(draw))
    for i in range(len(letters)):
        if draw.random() < 0.1:
            letters[i] = letters[i].swapcase()
    return "".join(letters)


def every_character():
    """Each between letters, in texts of a thousand."""
    points = [p for p in range(0x110000) if p not in SURROGATES]
    return [" ".join(f"a{chr(p)}b" for p in points[i:i + 1000]) for i in range(0, len(points), 1000)]


def words_of(squad):
    paragraphs = [p for article in squad["data"] for p in article["paragraphs"]]
    return [p["context"] for p in paragraphs], [q["question"] for p in paragraphs for q in p["qas"]]


def our_pieces(program, vocabulary, texts):
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    ended = subprocess.run([program, vocabulary], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def their_tokenizer(vocabulary, cased):
    """What BertWordPieceTokenizer is made of, without its special tokens: those are text here."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordPiece
    made = Tokenizer(WordPiece.from_file(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def shortest_difference(differs, text):
    """A part of the text that still differs."""
    while True:
        half = len(text) // 2
        pieces = [text[:half], text[half:], text[1:], text[:-1]]
        smaller = next((p for p in pieces if p and p != text and differs(p)), None)
        if smaller is None:
            return text
        text = smaller


def compare_pieces(program, vocabulary, cased, kinds):
    theirs = their_tokenizer(vocabulary, cased)

    def differs(text):
        return our_pieces(program, vocabulary, [text])[0]["ids"] != theirs.encode(text, add_special_tokens=False).ids

    rows = []
    for kind, texts in kinds.items():
        ours = our_pieces(program, vocabulary, texts)
        encodings = theirs.encode_batch(texts, add_special_tokens=False)
        wrong = [t for t, o, e in zip(texts, ours, encodings) if o["ids"] != e.ids]
        rows.append({"texts": kind, "vocabulary": "cased" if cased else "uncased", "count": len(texts),
                     "tokens": sum(len(e.ids) for e in encodings), "different": len(wrong),
                     "examples": [[f"U+{ord(c):04X}" for c in shortest_difference(differs, t)] for t in wrong[:10]]})
        if kind.startswith("SQuAD"):
            rows[-1]["places"] = places(texts, ours, encodings)
        print(f"language: word pieces, {rows[-1]['vocabulary']}: {kind}: {rows[-1]['different']} of {len(texts)} differ "
              f"{rows[-1]['examples'] or ''}", file=sys.stderr)
    return rows


def places(texts, ours, encodings):
    """Of how many tokens both say the same place in the text (ours in bytes, theirs in characters)."""
    same = total = 0
    for text, our, encoding in zip(texts, ours, encodings):
        begins = [0]
        for c in text:
            begins.append(begins[-1] + len(c.encode()))
        for span, (begin, end) in zip(our["spans"], encoding.offsets):
            same += span == [begins[begin], begins[end]]
            total += 1
    return {"tokens": total, "same": same}


def cased_vocabulary(vocabulary, folder):
    """BERT's, and every word with a capital."""
    with open(vocabulary, encoding="utf-8") as f:
        pieces = f.read().split("\n")
    known = set(pieces)
    capital = [c for c in (p.capitalize() for p in pieces if p.isalpha() and len(p) > 1) if c not in known]
    path = os.path.join(folder, "cased.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([p for p in pieces if p] + sorted(set(capital))) + "\n")
    return path


def compare_all_pieces(program, squad_folder):
    vocabulary = os.path.join(squad_folder, "vocab.txt")
    with open(os.path.join(squad_folder, "dev-v1.1.json"), encoding="utf-8") as f:
        contexts, questions = words_of(json.load(f))
    draw = random.Random(1)
    kinds = {"SQuAD's contexts": contexts, "SQuAD's questions": questions,
             "contexts and questions with characters of any plane put in": [disturbed(draw.choice(contexts + questions), draw)
                                                                           for _ in range(DISTURBED_TEXTS)],
             "random characters": [random_text(draw) for _ in range(RANDOM_TEXTS)],
             "each character of Unicode between letters, a thousand a text": every_character()}
    with tempfile.TemporaryDirectory() as folder:
        return (compare_pieces(program, vocabulary, False, kinds) +
                compare_pieces(program, cased_vocabulary(vocabulary, folder), True, kinds))


# --- exact match and F1

def metric_of_evaluate():
    if support.skipped("language: evaluate", "evaluate"):
        return None
    if not support.absent("torchvision"):
        support.import_torchvision()  # imported by evaluate where there is transformers
    try:
        import evaluate
        metric = evaluate.load("squad")
    except Exception as e:  # what is raised without a network is not documented
        print(f"language: evaluate: SKIPPED: its metric squad cannot be had: {str(e).splitlines()[0]}", file=sys.stderr)
        return None
    return lambda predictions, references: metric.compute(predictions=predictions, references=references)


def metric_of_torchmetrics():
    if support.skipped("language: torchmetrics", "torch", "torchmetrics"):
        return None
    if not support.absent("torchvision"):
        support.import_torchvision()
    from torchmetrics.functional.text import squad

    def metric(predictions, references):  # in parts: it adds up in single precision
        total = {"exact_match": 0.0, "f1": 0.0}
        for i in range(0, len(references), ANSWERS_PER_FILE):
            part = references[i:i + ANSWERS_PER_FILE]
            for key, value in squad(predictions[i:i + ANSWERS_PER_FILE], part).items():
                total[key] += float(value) * len(part) / len(references)
        return total

    return metric


def our_scores(program, data, predictions, folder):
    with open(os.path.join(folder, "data.json"), "w", encoding="utf-8") as f:
        json.dump(data, f)
    with open(os.path.join(folder, "predictions.json"), "w", encoding="utf-8") as f:
        json.dump(predictions, f)
    ended = subprocess.run([program, "score", "squad", "--json", "--data", f.name.replace("predictions", "data"), f.name],
                           capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def hard_answer(draw):
    """Never only words and signs that are passed over: for two such answers torchmetrics has SQuAD 2.0's F1, 1 instead of 0."""
    words = ["the", "The", "a", "A", "an", "AN", "theory", "a\u0301", "the-a", "U.S.", "1,094", "km", "\u00c9t\u00e9", "\u039f\u03a3", "\u0130",
             "\u00a0", "\u3000", "\u2028", "\u00e0", "la", "\u4e2d\u6587", "'s", "\u2019s", "\u2014", "$5", "_the_", "the_", "5a", "\u00aa", "\x1c",
             "e\u0301a", "\U0001F600", "\u200b", "\u0660"]
    chosen = [draw.choice(words) for _ in range(draw.randrange(6))]
    chosen.insert(draw.randrange(len(chosen) + 1), draw.choice(["km", "1,094", "\u00c9t\u00e9", "\u4e2d\u6587"]))
    return draw.choice(["", " "]).join(chosen) + draw.choice(["", ".", " the"])


def hard_questions(draw):
    """SQuAD data of answers that differ by what is to be passed over, and predictions."""
    questions, predictions = [], {}
    for i in range(ANSWERS_PER_FILE):
        answers = [hard_answer(draw) for _ in range(draw.randrange(1, 4))]
        prediction = draw.choice([hard_answer(draw), draw.choice(answers).upper(), draw.choice(answers).title() + ",", "the " + answers[0]])
        questions.append({"id": str(i), "question": "?", "answers": [{"text": a, "answer_start": 0} for a in answers]})
        predictions[str(i)] = prediction
    return {"data": [{"title": "t", "paragraphs": [{"context": "c", "qas": questions}]}]}, predictions


def compare_scores(program, metric, source, squad_folder):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        def compare(name, data, predictions):
            ours = our_scores(program, data, predictions, folder)
            questions = [q for article in data["data"] for p in article["paragraphs"] for q in p["qas"]]
            theirs = metric([{"id": q["id"], "prediction_text": predictions.get(q["id"], "")} for q in questions],
                            [{"id": q["id"], "answers": {"text": [a["text"] for a in q["answers"]],
                                                         "answer_start": [a["answer_start"] for a in q["answers"]]}} for q in questions])
            return {"answers": name, "questions": len(questions), "ours": [ours["exact_match"], ours["f1"]],
                    source: [theirs["exact_match"], theirs["f1"]],
                    "difference": max(abs(ours["exact_match"] - theirs["exact_match"]), abs(ours["f1"] - theirs["f1"]))}

        with open(os.path.join(squad_folder, "dev-v1.1.json"), encoding="utf-8") as f:
            data = json.load(f)
        for path in sorted(glob.glob(os.path.join(squad_folder, "predictions*.json"))):
            with open(path, encoding="utf-8") as f:
                rows.append(compare(os.path.basename(path), data, json.load(f)))
        draw = random.Random(2)
        hard = [compare("hard to compare", *hard_questions(draw)) for _ in range(HARD_ANSWERS // ANSWERS_PER_FILE)]
        rows.append({"answers": "hard to compare", "files": len(hard), "questions": sum(h["questions"] for h in hard),
                     "difference": max(h["difference"] for h in hard)})
    for row in rows:
        print(f"language: exact match and F1, {source}: {row['answers']}: differ by {row['difference']:.2g} points", file=sys.stderr)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pieces", required=True, help="our word-pieces (built with the benchmarks)")
    parser.add_argument("--program", required=True, help="our alert-bench")
    parser.add_argument("--squad", required=True, help="folder of vocab.txt, dev-v1.1.json and predictions*.json")
    parser.add_argument("--out", help="JSON file (default: standard output)")
    options = parser.parse_args()
    results, compared = {}, False
    if not support.skipped("language: word pieces", "tokenizers"):
        results["word_pieces"] = compare_all_pieces(options.pieces, options.squad)
        compared = True
    for source, find in (("evaluate", metric_of_evaluate), ("torchmetrics", metric_of_torchmetrics)):
        metric = find()
        if metric:
            results.setdefault("scores", []).extend(compare_scores(options.program, metric, source, options.squad))
            compared = True
    if not compared:
        return 77
    support.write_results(options.out, {"versions": {**support.versions("tokenizers", "evaluate", "torchmetrics"),
                                                     "unicode of python": unicodedata.unidata_version}, **results})
    wrong = any(r["different"] for r in results.get("word_pieces", [])) or any(r["difference"] > 1e-4 for r in results.get("scores", []))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
