"""Makes chat.json: conversations as `transformers` writes them out by chat templates of several kinds of models.

    pip install transformers==5.24.0 jinja2
    python libs/tasks/reference/chat.py && npx prettier --write libs/tasks/reference
"""

import json
import pathlib

from jinja2.exceptions import TemplateError
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    # Of a model whose conversations have a default system message.
    "default-system": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "instructions": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "headers": "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    # Over several lines, with blocks that are trimmed, a namespace, a macro and JSON.
    "lines": """{%- set state = namespace(count=0) -%}
{%- macro turn(role, content) -%}
<{{ role | upper }}>{{ content }}</{{ role | upper }}>
{%- endmacro -%}
{% for message in messages %}
    {%- set state.count = state.count + 1 %}
{{ turn(message.role, message.content) }} {{ {"n": state.count, "é": message.role} | tojson }}
{% endfor %}
{%- if tools is defined and tools %}tools{% endif -%}
{{ mask_token | default('none') }}{{ unk_token }}
""",
}

CONVERSATIONS = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": "Answer in rhyme."}, {"role": "user", "content": "  Who are you? \n"}],
    [
        {"role": "user", "content": "1 < 2 & \"quoted\" {{ not }} {% a %} template"},
        {"role": "assistant", "content": "Grüße 😀\n\nzwei"},
        {"role": "user", "content": ""},
    ],
    [{"role": "assistant", "content": "out of turn"}, {"role": "assistant", "content": "again"}],
]

cases = []
for name, template in TEMPLATES.items():
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<s>": 0}, unk_token="<s>")), bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = template
    for messages in CONVERSATIONS:
        try:
            written = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            cases.append({"template": name, "messages": messages, "written": written})
        except TemplateError as error:
            cases.append({"template": name, "messages": messages, "error": str(error)})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"templates": TEMPLATES, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
