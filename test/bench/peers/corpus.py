"""The peer of `json-lines`: JSON lines to token shards with Hugging Face datasets and tokenizers, on two processors.

Started by the benchmark with its settings as JSON in the first argument. It answers one line of JSON when it is ready, and
prepares the whole corpus into an empty directory for every line `{"directory": path}` on stdin: rows are read and cleaned by
two processes into files of Arrow, exact duplicates are dropped, a byte-level BPE is trained, and rows are encoded in batches
by two threads of `tokenizers` and written. Near duplicates are not looked for.
"""

import hashlib
import json
import os
import re
import sys
import time
import unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "true"
os.environ["RAYON_NUM_THREADS"] = "2"
os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers
from turns import take_turns

PROCESSES = 2
BATCH = 1000

settings = json.loads(sys.argv[1])
datasets.disable_progress_bars()

# The rules of plain text, in libs/data/src/clean.
NEWLINES = re.compile("\r\n?|\u2028|\u2029")
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd\ud800-\udfff]"
)
TRAILING, BLANK = re.compile(r"[^\S\n]+$", re.M), re.compile(r"\n{3,}")


def clean(text):
    text = unicodedata.normalize("NFC", CONTROLS.sub("", NEWLINES.sub("\n", text)))
    return BLANK.sub("\n\n", TRAILING.sub("", text)).strip("\n")


def read_and_clean(batch):
    texts = [clean(text) for text in batch["text"]]
    return {"text": texts, "hash": [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]}


def train(rows):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings["vocabulary"],
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (batch["text"] for batch in rows.iter(BATCH))
    tokenizer.train_from_iterator(texts, trainer, length=len(rows))
    return tokenizer


def prepare(directory):
    stages, last = {}, time.perf_counter()

    def stage(name):
        nonlocal last
        now = time.perf_counter()
        stages[name], last = now - last, now

    rows = datasets.load_dataset("json", data_files=settings["file"], split="train", cache_dir=directory)
    rows = rows.map(read_and_clean, batched=True, batch_size=BATCH, num_proc=PROCESSES, load_from_cache_file=False)
    stage("read")
    seen, kept = set(), []
    for at, found in enumerate(rows["hash"]):
        if found not in seen:
            seen.add(found)
            kept.append(at)
    rows = rows.select(kept)
    stage("duplicates")
    tokenizer = train(rows)
    stage("tokenizer")
    count, offsets = 0, [0]
    with open(os.path.join(directory, "tokens"), "wb") as file:
        for batch in rows.iter(BATCH):
            for found in tokenizer.encode_batch_fast(batch["text"], add_special_tokens=False):
                ids = np.asarray(found.ids, dtype=np.uint16)
                ids.tofile(file)
                count += len(ids)
                offsets.append(count)
        os.fsync(file.fileno())
    np.asarray(offsets, dtype=np.uint32).tofile(os.path.join(directory, "offsets"))
    stage("encode")
    return {"documents": len(kept), "tokens": count, "stages": stages}


if __name__ == "__main__":
    take_turns(prepare, (datasets, tokenizers))
