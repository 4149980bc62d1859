"""Writes entities.json: tagged sentences, and what seqeval finds in them. pip install seqeval==1.2.2, then run this file."""
import json
import pathlib
import random

from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-A-B", "I-A-B"]
draw = random.Random(1)


def tags(length):
    """Any tags in any order, also those that begin an entity with I-."""
    return [draw.choice(TAGS) for _ in range(length)]


cases = []
for _ in range(60):
    truth = [tags(draw.randint(1, 8)) for _ in range(draw.randint(1, 4))]
    predicted = [
        [tag if draw.random() < 0.7 else draw.choice(TAGS) for tag in sentence] for sentence in truth
    ]
    cases.append(
        {
            "truth": truth,
            "predicted": predicted,
            "entities": [[[kind, start, end + 1] for kind, start, end in get_entities(s)] for s in truth],
            "accuracy": accuracy_score(truth, predicted),
            "precision": precision_score(truth, predicted, zero_division=0),
            "recall": recall_score(truth, predicted, zero_division=0),
            "f1": f1_score(truth, predicted, zero_division=0),
        }
    )
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
