"""The peer of `encoding`: the batch encoder of Hugging Face tokenizers, on two threads.

Started by the benchmark with its settings as JSON in the first argument. It reads the texts, drops exact duplicates, and
answers one line of JSON when it is ready; for every line `{"directory": path}` on stdin it encodes all of them in batches.
Nothing is written, and the ids stay where the encoder has put them.
"""

import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"
os.environ["RAYON_NUM_THREADS"] = "2"

import tokenizers
from turns import processor_seconds, take_turns

BATCH = 1000

settings = json.loads(sys.argv[1])
tokenizer = tokenizers.Tokenizer.from_file(settings["tokenizer"])
with open(settings["file"], encoding="utf-8") as lines:
    texts = list(dict.fromkeys(json.loads(line)["text"] for line in lines))


def encode(_directory):
    started, processor = time.perf_counter(), processor_seconds()
    tokens = 0
    for start in range(0, len(texts), BATCH):
        found = tokenizer.encode_batch_fast(texts[start : start + BATCH], add_special_tokens=False)
        tokens += sum(len(each) for each in found)
    return {
        "documents": len(texts),
        "tokens": tokens,
        "stages": {"encode": time.perf_counter() - started},
        "processorStages": {"encode": processor_seconds() - processor},
    }


if __name__ == "__main__":
    take_turns(encode, (tokenizers,))
