"""The peer of `data`: mails to token shards with Hugging Face datasets and tokenizers, on two processes.

Started by the benchmark with its settings as JSON in the first argument. It answers one line of JSON when it is ready,
and prepares the whole corpus into an empty directory for every line `{"directory": path}` on stdin.

Rules and constants are those of libs/data/src/clean; what parses is what Python has: `email` for MIME, lxml for HTML,
xxhash and datasketch for MinHash. Texts are compared by their signatures only, which is less work than our comparison of
whole sets.
"""

import email
import email.policy
import hashlib
import html
import json
import os
import re
import sys
import time
import unicodedata
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # The processes of `map` are the parallelism.
os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import lxml.html
import numpy as np
import tokenizers
from turns import take_turns
import xxhash
from datasketch import MinHash, MinHashLSH

PROCESSES = 2
BATCH = 250
BANDS, ROWS, SHINGLE, NEAR_DUPLICATE = 20, 5, 5, 0.7

settings = json.loads(sys.argv[1])
files = sorted(str(path) for folder in settings["folders"] for path in Path(folder).glob("*.txt"))
tokenizer = tokenizers.Tokenizer.from_file(settings["tokenizer"])
datasets.disable_progress_bars()

LIST_TAG = re.compile(r"^((?:(?:re|fwd?): *)*)\[[^\]]{1,40}\] *", re.I)
NEWLINES = re.compile("\r\n?|\u2028|\u2029")
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd\ud800-\udfff]"
)
TAGS = (
    "a|abbr|b|big|blockquote|body|br|center|code|col|dd|div|dl|dt|em|embed|font|form|frame|frameset|h[1-6]|head|hr|html|"
    "i|iframe|img|input|layer|li|link|map|area|meta|noscript|object|ol|option|p|param|pre|s|script|select|small|span|"
    "strike|strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|x-html|!doctype"
)
BLOCK = re.compile(r"<(script|style)\b[^<>]{0,400}>[^<]{0,20000}<\/\1 *>", re.I)
COMMENT = re.compile(r"<!--[^<>]{0,2000}-->")
TAG = re.compile(rf"</?(?:{TAGS})(?:\s[^<>]{{0,2000}})?/?>", re.I)
BASE64 = re.compile(r"(?:^[A-Za-z0-9+/]{56,80}\n){3,}(?:^[A-Za-z0-9+/]{1,79}={0,2}$)?", re.M)
UUENCODED = re.compile(r"^begin [0-7]{3} \S.*\n(?:[ -`]{1,62}\n){1,100000}?end$", re.M)
FOOTER = re.compile(r"\n[_-]{20,}\n(?:.*\n){0,3}?.*(?:mailing list|listinfo)[\s\S]{0,400}$", re.I)
QUOTED = re.compile(
    r"(?:^[^\n>]{0,160}(?:wrote|writes|schrieb|said):[^\S\n]*\n\s{0,4})?(?:^[^\S\n]?>.*(?:\n|$))+", re.M
)
SPACES, INDENT = re.compile(r"[^\S\n]+"), re.compile(r"^ ", re.M)
TRAILING, BLANK = re.compile(r"[^\S\n]+$", re.M), re.compile(r"\n{3,}")
WORD = re.compile(r"\w+")


def decode(part):
    content = part.get_payload(decode=True) or b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("latin-1")


def html_to_text(page):
    if not page.strip():
        return ""
    root = lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8"))
    for element in root.iter("script", "style"):
        element.text = None
    return root.text_content()


def header(message, name):
    try:
        decoded = email.header.make_header(email.header.decode_header(message.get(name, "")))
        return " ".join(str(decoded).split())
    except (LookupError, UnicodeError, email.errors.HeaderParseError):
        return str(message.get(name, ""))


def parse_mail(content):
    # The policy of old parses headers only when they are asked for, which is several times faster than the default one.
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    plain, pages = [], []
    for part in message.walk():
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain":
            plain.append(decode(part))
        elif part.get_content_type() == "text/html":
            pages.append(decode(part))
    body = "\n".join(plain) if plain else "\n".join(html_to_text(page) for page in pages)
    head = "\n".join(filter(None, [header(message, "From"), LIST_TAG.sub(r"\1", header(message, "Subject"))]))
    return f"{head}\n\n{body}".strip()


def clean(text):
    text = unicodedata.normalize("NFC", CONTROLS.sub("", NEWLINES.sub("\n", text)))
    if "<" in text or "&" in text:
        text = html.unescape(TAG.sub(" ", COMMENT.sub(" ", BLOCK.sub(" ", text))))
    text = UUENCODED.sub("", BASE64.sub("", text))
    text = unicodedata.normalize("NFC", QUOTED.sub("", FOOTER.sub("", text)))
    text = INDENT.sub("", SPACES.sub(" ", text))
    return BLANK.sub("\n\n", TRAILING.sub("", text)).strip("\n")


def signature(text):
    words = WORD.findall(text.lower())
    count = max(1, len(words) - SHINGLE + 1) if words else 0
    shingles = {" ".join(words[start : start + SHINGLE]) for start in range(count)}
    minhash = MinHash(num_perm=BANDS * ROWS, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
    minhash.update_batch([shingle.encode("utf-8", "replace") for shingle in shingles])
    return minhash.hashvalues


def read_and_clean(batch):
    texts = [clean(parse_mail(Path(path).read_bytes())) for path in batch["path"]]
    return {
        "text": texts,
        "hash": [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in texts],
        "signature": [signature(text) for text in texts],
    }


def encode(batch):
    return {"ids": [found.ids for found in tokenizer.encode_batch_fast(batch["text"], add_special_tokens=False)]}


def near_duplicates(signatures):
    """How many texts are near duplicates of an earlier one."""
    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    found = 0
    for at, values in enumerate(signatures):
        minhash = MinHash(num_perm=BANDS * ROWS, hashvalues=values, scheme="affine32")
        others = index.query(minhash)
        found += any(np.mean(values == signatures[other]) >= NEAR_DUPLICATE for other in others)
        index.insert(at, minhash)
    return found


def prepare(directory):
    stages, last = {}, time.perf_counter()

    def stage(name):
        nonlocal last
        now = time.perf_counter()
        stages[name], last = now - last, now

    def mapped(rows, function, name, dropped):
        path = os.path.join(directory, f"{name}.arrow")
        return rows.map(
            function,
            batched=True,
            batch_size=BATCH,
            num_proc=PROCESSES,
            remove_columns=dropped,
            cache_file_name=path,
            load_from_cache_file=False,
        )

    rows = mapped(datasets.Dataset.from_dict({"path": files}), read_and_clean, "clean", ["path"])
    stage("read")
    seen, kept = set(), []
    for at, found in enumerate(rows["hash"]):
        if found not in seen:
            seen.add(found)
            kept.append(at)
    rows = rows.select(kept)
    near = near_duplicates(np.stack(rows.with_format("numpy", columns=["signature"])[:]["signature"]).astype(np.uint32))
    stage("duplicates")
    encoded = mapped(rows, encode, "encoded", rows.column_names)
    ids = encoded.data.column("ids").combine_chunks()
    tokens = ids.flatten().to_numpy().astype(np.uint16)
    offsets = np.cumsum([0, *ids.value_lengths().to_pylist()]).astype(np.uint32)
    for name, array in (("tokens", tokens), ("offsets", offsets)):
        with open(os.path.join(directory, name), "wb") as file:
            array.tofile(file)
            os.fsync(file.fileno())
    stage("encode")
    return {"documents": len(kept), "tokens": len(tokens), "nearDuplicates": near, "stages": stages}


if __name__ == "__main__":
    take_turns(prepare, (datasets, tokenizers))
