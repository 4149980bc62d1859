"""Loads directories that `ringmaster model export` wrote as a user of Python `transformers` does, without arguments, and
fails unless nothing is warned of, the tokenizer knows its special tokens and pads, and the pipeline of the model answers one
text and several. Version 5 has no pipelines for encoder-decoders: there `generate` is asked, of one text and of several.
Try both major versions:

    python -m venv four && four/bin/pip install torch==2.9.1 "transformers==4.*"
    python -m venv five && five/bin/pip install torch==2.9.1 "transformers==5.*"
    four/bin/python libs/model/reference/pipelines.py DIRECTORY...
    five/bin/python libs/model/reference/pipelines.py DIRECTORY...
"""

import json
import logging
import pathlib
import sys
import warnings

import transformers

ROLES = {
    "text-generation": ["pad_token", "unk_token", "bos_token", "eos_token"],
    "fill-mask": ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"],
    "text-classification": ["pad_token", "unk_token", "sep_token"],
    "text2text-generation": ["pad_token", "unk_token", "eos_token"],
}
PIPELINES = {
    "LMHeadModel": "text-generation",
    "ForCausalLM": "text-generation",
    "ForMaskedLM": "fill-mask",
    "ForSequenceClassification": "text-classification",
    "ForConditionalGeneration": "text2text-generation",
    "MarianMTModel": "text2text-generation",
}
TEXTS = ["item 21", "line", "line 3 of item 7"]
# A pipeline says on which device it is, and what it makes of the lengths that it is asked for here.
HARMLESS = ("Device set to use", "Your max_length is set to")
warned = []


class Listener(logging.Handler):
    def emit(self, record):
        if not record.getMessage().startswith(HARMLESS):
            warned.append(record.getMessage())


logging.getLogger("transformers").addHandler(Listener(logging.WARNING))
warnings.showwarning = lambda message, *_: warned.append(str(message))


def check(directory):
    config = json.loads(pathlib.Path(directory, "config.json").read_text())
    (name,) = config["architectures"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    (task,) = [task for suffix, task in PIPELINES.items() if name.endswith(suffix)]
    # A tokenizer of bytes that a classifier was trained with may have GPT-2's special tokens.
    roles = ROLES["text-generation" if task == "text-classification" and tokenizer.sep_token is None else task]
    missing = [role for role in roles if getattr(tokenizer, role) is None]
    assert not missing, f"it has no {missing}"
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert ("token_type_ids" in batch) == (config["model_type"] == "bert"), list(batch)
    model = getattr(transformers, name).from_pretrained(directory)
    if task == "text2text-generation":
        one, several = translations(model, tokenizer, batch, directory)
        report(name, one)
        return
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
    report(name, one)


def report(name, one):
    assert not warned, warned
    print(json.dumps({"class": name, "transformers": transformers.__version__, "one": str(one)[:160]}))


def translations(model, tokenizer, batch, directory):
    # What is exported says how long a text may be at most; 4's pipelines search with beams unless they are told.
    few = dict(do_sample=False, num_beams=1, max_length=6)
    made = tokenizer.batch_decode(model.generate(**batch, **few), skip_special_tokens=True)
    alone = [
        tokenizer.decode(model.generate(**tokenizer(text, return_tensors="pt"), **few)[0], skip_special_tokens=True)
        for text in TEXTS
    ]
    assert made == alone, (made, alone)
    if transformers.__version__ < "5":
        for task in "text2text-generation", "summarization", "translation_en_to_de":
            found = transformers.pipeline(task, model=directory)(TEXTS[0], **few)
            assert alone[0].strip() in [text.strip() for text in found[0].values()], (alone, found)
    return alone[0], made


for each in sys.argv[1:]:
    check(each)
