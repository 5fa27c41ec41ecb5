"""
Trains the model of the extractor and, for judging, one model a fold that has not seen the fold's domains.

    python3 packages/extract/scripts/training/train.py --data DIR --work DIR [--final-only]

Writes WORK/folds/{folds.json, fold-K.bin} and WORK/model.bin. Everything is seeded. A page's features are never made with a lexicon
that was learned from it, nor its second stage with scores of trees that were grown on it; what judges a fold has seen none of it.
"""
import argparse
import json
import os
import subprocess
import numpy as np
from boosting import Booster, bin_features, sigmoid, thresholds_of
from corpus import FOLDS, SEED, TYPES, Corpus, best_powers, choose, report
from export_model import model_bytes
from lexicons import LexiconTrainer

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST = dict(rounds=120, leaves=24, eta=0.08, columns=0.25, minHessian=3, rows=0.7)
FIRST["lambda"] = 10
SECOND = dict(FIRST)
CUT_ROWS = 60_000
AT_ONCE = 2


class Training:
    def __init__(self, data, work, node):
        self.data, self.work, self.node = data, work, node
        os.makedirs(os.path.join(work, "lexicons"), exist_ok=True)
        os.makedirs(os.path.join(work, "folds"), exist_ok=True)
        if not os.path.exists(os.path.join(work, "dump", "pages.json")):
            self.script("dump-pages.ts", "--data", data, "--out", os.path.join(work, "dump"))
        self.corpus = Corpus(os.path.join(work, "dump"))
        self.labels = 0.6 * self.corpus.keep + 0.4 * self.corpus.cover
        self.booster = Booster(os.path.join(work, "trees"))
        self.tables = {}

    def script(self, name, *arguments):
        subprocess.run([*self.node, os.path.join(HERE, name), *arguments], check=True)

    def lexicon(self, without):
        """Name of the lexicon learned from all pages outside the folds of a set."""
        name = "without-" + "-".join(str(fold) for fold in sorted(without)) if without else "all"
        if name not in self.tables:
            trainer = self.tables.setdefault("trainer", LexiconTrainer(self.corpus))
            table = trainer.train(~np.isin(self.corpus.fold, list(without)))
            table.tofile(os.path.join(self.work, "lexicons", f"{name}.f32"))
            self.tables[name] = table
        return name

    def features(self, names, scores=None):
        """Features of all blocks, each page read with the lexicon of that name."""
        path = lambda name: os.path.join(self.work, name)
        json.dump(names, open(path("assign.json"), "w"))
        more = []
        if scores is not None:
            scores.astype(np.float32).tofile(path("scores.f32"))
            more = ["--scores", path("scores.f32")]
        self.script("dump-features.ts", "--data", self.data, "--lexicons", path("lexicons"), "--assign", path("assign.json"), "--out", path("features.f32"), *more)
        columns = len(json.load(open(path("features.f32.json"))))
        values = np.fromfile(path("features.f32"), dtype=np.float32).reshape(-1, columns)
        assert np.isfinite(values).all(), "a feature is not finite"
        return values

    def binned(self, values):
        rows = np.random.RandomState(SEED).choice(len(values), min(CUT_ROWS, len(values)), replace=False)
        cuts = thresholds_of(values, rows)
        return cuts, bin_features(values, cuts)

    def grow(self, jobs, bins, options):
        """Trees for each (name, folds left out), a few at a time; margins of all rows by name."""
        path = os.path.join(self.work, "bins.u8")
        bins.tofile(path)
        margins, running, waiting = {}, [], list(jobs)
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                name, without = waiting.pop(0)
                seen = ~np.isin(self.corpus.fold, list(without))
                weights = np.where(self.corpus.blocks_of(seen), self.corpus.weight, 0) * 300
                running.append(self.booster.start(name, path, bins.shape, self.labels, weights, seed=SEED, **options))
            done = running.pop(0)
            margins[done[0]] = self.booster.finish(done)
        return margins

    def model(self, label, held):
        """A model that has seen nothing of the folds in `held` (a set of one, or empty), with its scores of the held-out blocks."""
        corpus = self.corpus
        inner = [fold for fold in range(FOLDS) if fold not in held]
        names = [self.lexicon(held if fold in held else held | {int(fold)}) for fold in corpus.fold]
        first_cuts, first_bins = self.binned(self.features(names))
        jobs = [(f"{label}-first-{fold}", held | {fold}) for fold in inner] + [(f"{label}-first", held)]
        margins = self.grow(jobs, first_bins, FIRST)
        score = sigmoid(margins[f"{label}-first"])
        for fold in inner:
            rows = corpus.blocks_of(corpus.fold == fold)
            score[rows] = sigmoid(margins[f"{label}-first-{fold}"][rows])
        second_cuts, second_bins = self.binned(self.features(names, score))
        both = np.ascontiguousarray(np.hstack([first_bins, second_bins]))
        margin = self.grow([(f"{label}-second", held)], both, SECOND)[f"{label}-second"]
        powers = best_powers(corpus, score, ~np.isin(corpus.fold, list(held)))
        print(label, dict(zip(TYPES, powers.round(2))), flush=True)
        stages = [self.booster.trees(f"{label}-{stage}") for stage in ("first", "second")]
        table = self.tables[self.lexicon(held)]
        data = model_bytes(table, powers, stages, (first_cuts, second_cuts))
        page_powers = self.tables["trainer"].types_of(table) @ powers
        return data, (score, sigmoid(margin), page_powers)

    def judge(self):
        corpus = self.corpus
        one, two = np.zeros(len(corpus.keep)), np.zeros(len(corpus.keep))
        powers = np.ones(corpus.count)
        for fold in range(FOLDS):
            data, (first, second, page_powers) = self.model(f"fold-{fold}", {fold})
            open(os.path.join(self.work, "folds", f"fold-{fold}.bin"), "wb").write(data)
            rows = corpus.blocks_of(corpus.fold == fold)
            one[rows], two[rows] = first[rows], second[rows]
            powers[corpus.fold == fold] = page_powers[corpus.fold == fold]
            print("fold", fold, len(data), "bytes", flush=True)
        folds = {page["id"]: int(fold) for page, fold in zip(corpus.pages, corpus.fold)}
        json.dump(folds, open(os.path.join(self.work, "folds", "folds.json"), "w"))
        report(corpus, choose(corpus, one), "first stage")
        report(corpus, choose(corpus, two), "second stage")
        report(corpus, choose(corpus, (one + two) / 2), "both")
        report(corpus, choose(corpus, (one + two) / 2, powers), "both, powers by type")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--node", default="node --conditions=source --disable-warning=ExperimentalWarning --max-old-space-size=8000")
    parser.add_argument("--final-only", action="store_true")
    options = parser.parse_args()
    training = Training(options.data, options.work, options.node.split())
    if not options.final_only:
        training.judge()
    data, _ = training.model("final", set())
    open(os.path.join(options.work, "model.bin"), "wb").write(data)
    print("model", len(data), "bytes", flush=True)


if __name__ == "__main__":
    main()
