"""Makes answers.json: conversations in tokens, and which of these are answers, as `transformers` (`return_assistant_tokens_mask`,
for templates that mark what is generated) and TRL (what a turn adds to its prompt, for those that do not) have it.

    pip install transformers==5.24.0 jinja2
    python libs/tasks/reference/answers.py && npx prettier --write libs/tasks/reference
"""

import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEMPLATES = {
    "marked": CHATML,
    "chatml": CHATML.replace("{% generation %}", "").replace("{% endgeneration %}", ""),
    "lines": """{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {%- generation %}
{{ message.content | trim }}<|im_end|>
        {%- endgeneration %}
    {%- else %}
<|im_start|>{{ message.role }} {{ message.content }}
    {%- endif %}
{%- endfor %}
""",
    "instructions": "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}",
    "plain": "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}",
}
CONVERSATIONS = [
    [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Good morning to you"}],
    [
        {"role": "system", "content": "Answer in rhyme."},
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "A fox in a box <|im_start|> and 12 dogs"},
        {"role": "user", "content": "  More  "},
        {"role": "assistant", "content": "Grüße 😀\n\nzwei"},
    ],
    [{"role": "user", "content": "Is nobody there?"}],
]
TEXTS = ["Hello there, good morning to you. Who are you? A fox in a box and 12 dogs answer in rhyme.", "assistant user system INST"]
SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def pieces():
    """Of LLaMA's kind: a space is put before each part of a text, or before the first alone."""
    alphabet = sorted(set("".join(TEXTS).replace(" ", "▁") + "▁<>|:_[]/"))
    vocabulary = ["<unk>", *SPECIAL, *[f"<0x{byte:02X}>" for byte in range(256)], *alphabet]
    tokenizer = Tokenizer(
        models.BPE({token: at for at, token in enumerate(vocabulary)}, [], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ["<unk>", *SPECIAL]])
    return tokenizer


def prepended():
    tokenizer = pieces()
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


def first_only():
    tokenizer = pieces()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    return tokenizer


def difference(tokenizer, messages):
    """As TRL's SFTTrainer: the tokens behind those of a prompt up to where an answer begins, and up to where it ends. Where a
    token lies across such a place, the one that has the character."""
    write = lambda turns, asked: tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=asked)
    text = write(messages, False)
    encoded = tokenizer(text, add_special_tokens=False)
    ids = encoded["input_ids"]
    mask = [0] * len(ids)

    def before(prefix, otherwise):
        own = tokenizer(prefix, add_special_tokens=False)["input_ids"]
        return len(own) if ids[: len(own)] == own else otherwise

    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        asked, answered = write(messages[:turn], True), write(messages[: turn + 1], False)
        first = before(asked, encoded.char_to_token(len(asked)))
        end = before(answered, encoded.char_to_token(len(answered) - 1) + 1)
        mask[first:end] = [1] * (end - first)
    return mask


cases = []
tokenizers = {"bytes": byte_level(), "prepended": prepended(), "first": first_only()}
for kind, file in tokenizers.items():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=file, bos_token="<s>", eos_token="</s>")
    for name, template in TEMPLATES.items():
        tokenizer.chat_template = template
        for messages in CONVERSATIONS:
            if name == "instructions" and messages[0]["role"] == "system":
                messages = messages[1:]
            is_marked = "endgeneration" in template
            found = tokenizer.apply_chat_template(
                messages, return_dict=True, return_assistant_tokens_mask=is_marked
            )
            mask = found["assistant_masks"] if is_marked else difference(tokenizer, messages)
            cases.append(
                {"tokenizer": kind, "template": name, "messages": messages, "tokens": found["input_ids"], "mask": mask}
            )
path = pathlib.Path(__file__).with_suffix(".json")
files = {kind: json.loads(file.to_str()) for kind, file in tokenizers.items()}
path.write_text(json.dumps({"templates": TEMPLATES, "tokenizers": files, "cases": cases}, ensure_ascii=False) + "\n")
