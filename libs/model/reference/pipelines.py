"""Loads directories that `ringmaster model export` wrote as a user of Python `transformers` does, without arguments, and
fails unless the tokenizer knows its special tokens and pads, and the pipeline of the model answers one text and several.
Try both major versions:

    python -m venv four && four/bin/pip install torch==2.9.1 "transformers==4.*"
    python -m venv five && five/bin/pip install torch==2.9.1 "transformers==5.*"
    four/bin/python libs/model/reference/pipelines.py DIRECTORY...
    five/bin/python libs/model/reference/pipelines.py DIRECTORY...
"""

import json
import pathlib
import sys

import transformers

ROLES = {
    "text-generation": ["pad_token", "unk_token", "bos_token", "eos_token"],
    "fill-mask": ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"],
    "text-classification": ["pad_token", "unk_token", "sep_token"],
}
PIPELINES = {
    "LMHeadModel": "text-generation",
    "ForCausalLM": "text-generation",
    "ForMaskedLM": "fill-mask",
    "ForSequenceClassification": "text-classification",
}
TEXTS = ["item 21", "line", "line 3 of item 7"]


def check(directory):
    config = json.loads(pathlib.Path(directory, "config.json").read_text())
    (name,) = config["architectures"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    (task,) = [task for suffix, task in PIPELINES.items() if name.endswith(suffix)]
    # A tokenizer of bytes that a classifier was trained with may have GPT-2's special tokens.
    roles = ROLES["text-generation" if tokenizer.sep_token is None else task]
    missing = [role for role in roles if getattr(tokenizer, role) is None]
    assert not missing, f"it has no {missing}"
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert ("token_type_ids" in batch) == (config["model_type"] == "bert"), list(batch)
    model = getattr(transformers, name).from_pretrained(directory)
    model(**batch)
    pipeline = transformers.pipeline(task, model=directory)
    texts = TEXTS
    if task == "fill-mask":
        texts = [f"{text} {pipeline.tokenizer.mask_token}" for text in TEXTS]
    one = pipeline(texts[0])
    several = pipeline(texts, batch_size=len(texts))
    assert len(several) == len(texts)
    if task == "text-generation":
        few = dict(do_sample=False, max_new_tokens=4)
        assert [pipeline(text, **few) for text in texts] == pipeline(texts, batch_size=len(texts), **few)
    if task == "text-classification":
        assert abs(one[0]["score"] - several[0]["score"]) < 1e-5, (one, several)
    print(json.dumps({"class": name, "transformers": transformers.__version__, "one": str(one)[:160]}))


for each in sys.argv[1:]:
    check(each)
