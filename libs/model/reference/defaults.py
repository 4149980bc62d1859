"""Writes what transformers takes where a config.json lacks everything: python libs/model/reference/defaults.py

Writes defaults.json, which hugging-face-config.test.ts reads.
"""

import json, pathlib

import transformers

CLASSES = {
    "bert": transformers.BertConfig,
    "roberta": transformers.RobertaConfig,
    "distilbert": transformers.DistilBertConfig,
    "electra": transformers.ElectraConfig,
    "gpt2": transformers.GPT2Config,
    "llama": transformers.LlamaConfig,
    "mistral": transformers.MistralConfig,
    "qwen2": transformers.Qwen2Config,
    "qwen3": transformers.Qwen3Config,
    "t5": transformers.T5Config,
    "bart": transformers.BartConfig,
    "marian": transformers.MarianConfig,
}

written = {name: json.loads(config().to_json_string(use_diff=False)) for name, config in CLASSES.items()}
for config in written.values():
    # A version, and what is told by the class of a checkpoint.
    for key in ("transformers_version", "architectures", "id2label", "label2id"):
        config.pop(key, None)
path = pathlib.Path(__file__).with_name("defaults.json")
path.write_text(json.dumps(written, indent=1) + "\n")
