"""Bins features and grows trees with boost.cpp, a process a model, as many at once as there are cores."""
import os
import struct
import subprocess
import tempfile
import numpy as np

BINS = 64
HERE = os.path.dirname(os.path.abspath(__file__))


def compile_trainer(folder):
    binary = os.path.join(folder, "boost")
    subprocess.run(["g++", "-O3", "-ffp-contract=off", "-o", binary, os.path.join(HERE, "boost.cpp")], check=True)
    return binary


def thresholds_of(features, rows):
    """Up to BINS − 1 values a feature that cut it into equally full bins; a row is in bin b when threshold b is the first ≥ its value."""
    cuts = []
    for column in range(features.shape[1]):
        values = np.sort(features[rows, column])
        at = (np.arange(1, BINS) * len(values)) // BINS
        cuts.append(np.unique(values[at]).astype(np.float32))
    return cuts


def bin_features(features, cuts):
    out = np.empty(features.shape, dtype=np.uint8)
    for column, cut in enumerate(cuts):
        out[:, column] = np.searchsorted(cut, features[:, column], side="left")
    return out


class Booster:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.binary = compile_trainer(folder)

    def start(self, name, bins_path, shape, labels, weights, **options):
        path = lambda kind: os.path.join(self.folder, f"{name}.{kind}")
        labels.astype(np.float32).tofile(path("labels"))
        weights.astype(np.float32).tofile(path("weights"))
        options.setdefault("bins", BINS)
        arguments = [f"{key}={value}" for key, value in options.items()]
        return name, shape[0], subprocess.Popen(
            [self.binary, bins_path, path("labels"), path("weights"), str(shape[0]), str(shape[1]), path("trees"), path("scores"), *arguments]
        )

    def finish(self, started):
        name, rows, process = started
        assert process.wait() == 0, name
        return np.fromfile(os.path.join(self.folder, f"{name}.scores"), dtype=np.float32)

    def trees(self, name):
        """(base, [nodes]): nodes as records of feature, bin, left, right, value; a leaf's feature is −1."""
        node = np.dtype([("feature", "<i4"), ("bin", "<i4"), ("left", "<i4"), ("right", "<i4"), ("value", "<f4")])
        data = open(os.path.join(self.folder, f"{name}.trees"), "rb").read()
        (base,) = struct.unpack_from("<f", data, 0)
        at, out = 4, []
        while at < len(data):
            (size,) = struct.unpack_from("<i", data, at)
            out.append(np.frombuffer(data, node, size, at + 4))
            at += 4 + size * node.itemsize
        return base, out


def sigmoid(margin):
    return 1 / (1 + np.exp(-margin))


def out_of_fold(booster, corpus, bins_path, shape, name, options, folds=range(5), labels=None):
    """Scores of each page by the model that was not trained on its fold."""
    score = np.zeros(shape[0], dtype=np.float32)
    labels = corpus.keep if labels is None else labels
    waiting = list(folds)
    running = []
    while waiting or running:
        while waiting and len(running) < 2:
            fold = waiting.pop(0)
            weights = np.where(corpus.blocks_of(corpus.fold != fold), corpus.weight, 0) * 300
            running.append((fold, booster.start(f"{name}{fold}", bins_path, shape, labels, weights, **options)))
        fold, started = running.pop(0)
        margin = booster.finish(started)
        rows = corpus.blocks_of(corpus.fold == fold)
        score[rows] = sigmoid(margin[rows])
    return score
