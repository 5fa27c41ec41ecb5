"""Writes a model as the bytes that model.ts reads."""
import struct
import numpy as np
from corpus import NAME_BUCKETS, PAGE_BUCKETS, TEXT_BUCKETS, TYPES

LEAF = 0xFFFF


def lexicon_bytes(table):
    out, at = [], 0
    for count in [NAME_BUCKETS, TEXT_BUCKETS] + [PAGE_BUCKETS] * len(TYPES):
        part = table[at:at + count]
        at += count
        # The table holds multiples of its scale already; the smallest step gives it back.
        scale = np.float32(np.abs(part).max() / 127)
        out.append(struct.pack("<f", scale) + np.round(part / max(scale, 1e-12)).astype(np.int8).tobytes())
    return b"".join(out) + table[at:at + len(TYPES)].astype("<f4").tobytes()


def tree_bytes(base, trees, cuts):
    columns, lefts, values, sizes = [], [], [], []
    for nodes in trees:
        sizes.append(len(nodes))
        for node in nodes:
            is_leaf = node["feature"] < 0
            columns.append(LEAF if is_leaf else node["feature"])
            lefts.append(0 if is_leaf else node["left"])
            cut = None if is_leaf else cuts[node["feature"]]
            # A bin beyond the last threshold holds everything larger.
            values.append(node["value"] if is_leaf else cut[node["bin"]] if node["bin"] < len(cut) else np.float32(3e38))
    pairs = np.column_stack([columns, lefts]).astype("<u2").tobytes()
    return struct.pack("<fI", base, len(trees)) + np.array(sizes, "<u2").tobytes() + pairs + np.array(values, "<f4").tobytes()


def model_bytes(lexicon, powers, stages, cuts):
    """`stages` are two (base, trees); `cuts` are the thresholds of all columns, the first stage's before the second's."""
    first_cuts, second_cuts = cuts
    first, second = stages
    head = b"MRX2" + struct.pack("<II", len(first_cuts), len(first_cuts) + len(second_cuts))
    return head + lexicon_bytes(lexicon) + powers.astype("<f4").tobytes() + tree_bytes(*first, first_cuts) + tree_bytes(*second, first_cuts + second_cuts)
