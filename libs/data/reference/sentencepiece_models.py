"""Trains small models with sentencepiece, and has it encode texts:

    python libs/data/reference/sentencepiece_models.py && npx prettier --write libs/data/reference

Needs sentencepiece 0.2. Writes sentencepiece.json, which convert.test.ts reads.
"""

import base64, gzip, io, json, pathlib, random

import sentencepiece

TEXTS = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind the fox.",
    "Foxes and dogs: 3.14 and 2.718, 1234 quick foxes (and 99 lazy dogs)!",
    "Ünïcödé naïve 日本語テキスト русский текст 👩‍👩‍👧‍👦 ﬁ ① Å e\u0301 \u1e9b\u0323",
    "tabs\tand  double   spaces\n\n\nnew lines \u00a0 nbsp \u2003 em \u200b zero",
]
MODELS = {
    # As T5's.
    "unigram": dict(model_type="unigram", normalization_rule_name="nmt_nfkc", pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
    # As LLaMA's.
    "bpe": dict(
        model_type="bpe", normalization_rule_name="identity", byte_fallback=True, remove_extra_whitespaces=False,
        vocab_size=500, allow_whitespace_only_pieces=True, split_digits=True,
    ),
    "unigram with bytes, without a prefix": dict(
        model_type="unigram", normalization_rule_name="nmt_nfkc_cf", byte_fallback=True, add_dummy_prefix=False,
        vocab_size=500,
    ),
    "bpe over words": dict(
        model_type="bpe", normalization_rule_name="identity", remove_extra_whitespaces=False, split_by_whitespace=False,
        vocab_size=300,
    ),
}


def texts() -> list[str]:
    """Texts of the corpus, and random ones of its characters and others."""
    rng = random.Random(1)
    parts = [*"".join(TEXTS), *" \t  ▁", "the ", " dog", "ﬂ", "ǅ", "e\u0301", "\u0915\u094d\u0937", "한국", "<s>", "</s>", "<0x41>", "\u3000"]
    parts += [chr(rng.choice([rng.randrange(32, 0x3000), rng.randrange(0xE000, 0x10FFFF)])) for _ in range(60)]
    return [*TEXTS, "", " ", "   ", "a" * 200, *("".join(rng.choices(parts, k=rng.randrange(1, 24))) for _ in range(240))]


def main() -> None:
    written = {}
    for name, options in MODELS.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(line for text in TEXTS * 20 for line in text.split("\n") if line),
            model_writer=model,
            **{"vocab_size": 200, "hard_vocab_limit": False, "character_coverage": 1.0, "num_threads": 1, "minloglevel": 2, **options},
        )
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        encoded = [processor.encode(text) for text in texts()]
        written[name] = dict(
            model=base64.b64encode(gzip.compress(model.getvalue(), mtime=0)).decode(),
            ids=encoded,
            decoded=[processor.decode(ids) for ids in encoded],
        )
    path = pathlib.Path(__file__).with_name("sentencepiece.json")
    path.write_text(json.dumps(dict(texts=texts(), models=written), ensure_ascii=False) + "\n")


main()
