"""Makes marian.json: a MarianMT as it lies on the hub, with small models that sentencepiece trains, what its tokenizer makes of
texts, and what it translates. Weights come from noise.py.

    pip install torch==2.9.1 transformers==5.24.0 sentencepiece==0.2.3
    python libs/tasks/reference/marian.py && npx prettier --write libs/tasks/reference
"""

import base64
import gzip
import io
import json
import pathlib
import random
import tempfile

import sentencepiece
import torch
import transformers
from noise import model_of

SOURCE = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind the fox.",
    "Foxes and dogs: 3.14 and 2.718, 1234 quick foxes (and 99 lazy dogs)!",
]
TARGET = [
    "Der schnelle braune Fuchs springt über den faulen Hund, und den Hund stört das nicht.",
    "Füchse und Hunde: 3,14 und 2,718, 1234 schnelle Füchse (und 99 faule Hunde)!",
]
CONTEXT = 48


def trained(texts: list[str]) -> bytes:
    """A model of sentences of the words of some texts."""
    rng = random.Random(1)
    words = " ".join(texts).split()
    sentences = [*texts, *(" ".join(rng.choices(words, k=8)) for _ in range(300))]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=120, hard_vocab_limit=False,
        character_coverage=1.0, num_threads=1, minloglevel=2, bos_id=-1, eos_id=0, unk_id=1,
    )
    return model.getvalue()


def texts() -> list[str]:
    """Texts of both corpora, and random ones of their characters and others."""
    rng = random.Random(1)
    parts = [*"".join(SOURCE + TARGET), *" \t▁", "the ", " Hund", "ﬂ", "e\u0301", "한국", "\u3000", ">>de<<", "<<", ">>", "ж", "жы", "ß"]
    made = ["".join(rng.choices(parts, k=rng.randrange(1, 24))) for _ in range(200)]
    return [*SOURCE, *TARGET, "", " ", ">>de<< the dog", ">>fr<< the dog", ">>xx<< the dog", ">>de the dog", " >>de<< dog", "\u00fc\u00fc \u00fcdog", *made]


def main() -> None:
    models = {"source": trained(SOURCE), "target": trained(TARGET)}
    processors = {name: sentencepiece.SentencePieceProcessor(model_proto=model) for name, model in models.items()}
    pieces = [processor.id_to_piece(id) for processor in processors.values() for id in range(2, processor.get_piece_size())]
    # Some pieces that the models divide texts into have no id.
    known = [piece for at, piece in enumerate(dict.fromkeys(pieces)) if at % 40 != 39]
    vocabulary = {token: id for id, token in enumerate(["</s>", "<unk>", *known, ">>de<<", ">>fr<<", "<pad>"])}
    pad = vocabulary["<pad>"]
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        for name, model in models.items():
            (folder / f"{name}.spm").write_bytes(model)
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "tokenizer_config.json").write_text(json.dumps(dict(source_lang="en", target_lang="de")))
        tokenizer = transformers.MarianTokenizer.from_pretrained(directory)
        ids = [tokenizer(text)["input_ids"] for text in texts()]
        targets = [tokenizer(text_target=text)["input_ids"] for text in texts()]
        decoded = [tokenizer.decode(each, skip_special_tokens=True) for each in targets]
        config = transformers.MarianConfig(
            vocab_size=len(vocabulary), encoder_layers=2, decoder_layers=1, d_model=16, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=64, max_position_embeddings=CONTEXT,
            pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, scale_embedding=False,
            activation_function="swish", max_length=CONTEXT, forced_eos_token_id=0, bad_words_ids=[[pad]],
        )
        model, shapes = model_of(transformers.MarianMTModel(config))
        translated = []
        for text in SOURCE:
            batch = tokenizer([text], return_tensors="pt", truncation=True, max_length=CONTEXT)
            found = model.generate(
                **batch, do_sample=False, num_beams=1, max_length=CONTEXT, bad_words_ids=[[pad]], forced_eos_token_id=0,
            )[0]
            translated.append(dict(tokens=found.tolist(), text=tokenizer.decode(found, skip_special_tokens=True)))
    written = dict(
        made=dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__, sentencepiece=sentencepiece.__version__),
        models={name: base64.b64encode(gzip.compress(model, mtime=0)).decode() for name, model in models.items()},
        vocabulary=vocabulary,
        texts=texts(), ids=ids, targets=targets, decoded=decoded,
        model={
            "config": json.loads(config.to_json_string(use_diff=False))
            | dict(architectures=["MarianMTModel"], forced_eos_token_id=0, bad_words_ids=[[pad]]),
            "tensors": shapes,
        },
        sources=SOURCE, translated=translated,
    )
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(written, ensure_ascii=False) + "\n")


main()
