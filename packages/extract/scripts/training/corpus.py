"""What the dump of the pages holds, as arrays; folds; the score. Blocks of all pages stand one after another."""
import json
import os
import numpy as np

TYPES = ["article", "documentation", "forum", "product", "collection", "listing", "service"]
NAME_BUCKETS, TEXT_BUCKETS, PAGE_BUCKETS = 1 << 14, 1 << 15, 1 << 14
# Rare types count for more than their pages: one model serves all.
TYPE_WEIGHTS = np.array([1.0, 2.0, 1.3, 1.7, 1.5, 1.5, 1.4])
SEED = 20261121
FOLDS = 5


def starts(counts):
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def bucket(hashes, buckets):
    values = hashes.view(np.uint32)
    return ((values ^ (values >> 15)) & (buckets - 1)).astype(np.int32)


class Corpus:
    def __init__(self, folder):
        read = lambda name: np.fromfile(os.path.join(folder, name + ".i32"), dtype=np.int32)
        self.pages = json.load(open(os.path.join(folder, "pages.json")))
        column = lambda key: np.array([page[key] for page in self.pages])
        self.count = len(self.pages)
        self.block_start = starts(column("blocks"))
        self.element_start = starts(column("elements"))
        self.ids = column("ids")
        self.id_start = starts(self.ids)
        self.page_words = bucket(read("page"), PAGE_BUCKETS)
        self.page_word_start = starts(column("pageWords"))
        self.reference = column("referenceWords")
        self.types = np.array([TYPES.index(page["type"]) for page in self.pages])
        self.keep = read("keep")
        self.cover = read("cover") / 1000.0
        self.word_count = read("word-count")
        self.word_start = starts(self.word_count)
        self.words = read("words")
        self.wanted = read("wanted")
        self.page_of = np.repeat(np.arange(self.count), column("blocks"))
        self.element = read("block-element") + self.element_start[self.page_of]
        parent = read("parent").astype(np.int64)
        page_of_element = np.repeat(np.arange(self.count), column("elements"))
        self.parent = np.where(parent < 0, -1, parent + self.element_start[page_of_element])
        self.name_count = read("name-count")
        names = read("names")
        self.names = bucket(names, NAME_BUCKETS)
        self.page_names = bucket(names, PAGE_BUCKETS)
        self.text_count = read("text-count")
        self.text = bucket(read("text"), TEXT_BUCKETS)
        self.is_judged = self.reference > 0
        self.weight = self._weights()
        self.fold = self._folds()

    def _weights(self):
        """A word kept or dropped wrongly moves a page's F1 by about one over its reference's words."""
        weight = (self.word_count + 1.0) / (self.reference[self.page_of] + 50.0)
        return np.where(self.is_judged[self.page_of], np.minimum(weight, 0.3), 0.0) * TYPE_WEIGHTS[self.types[self.page_of]]

    def _folds(self):
        """A fold for each page: all pages of a domain in one, and with them the domains that share identical HTML."""
        group = {}

        def find(name):
            while group.setdefault(name, name) != name:
                name = group[name]
            return name

        by_hash = {}
        for page in self.pages:
            other = by_hash.setdefault(page["hash"], page["domain"])
            group[find(page["domain"])] = find(other)
        roots = [find(page["domain"]) for page in self.pages]
        names = sorted(set(roots))
        order = np.random.RandomState(SEED).permutation(len(names))
        sizes = {name: roots.count(name) for name in names}
        load = [0] * FOLDS
        fold_of = {}
        for at in order:
            least = int(np.argmin(load))
            fold_of[names[at]] = least
            load[least] += sizes[names[at]]
        return np.array([fold_of[root] for root in roots])

    def blocks_of(self, pages):
        """Mask over blocks of a mask over pages."""
        return pages[self.page_of]

    def f1(self, chosen):
        """Word F1, precision and recall of each page for a mask over blocks."""
        out = np.zeros((self.count, 3))
        for page in range(self.count):
            first, last = self.block_start[page], self.block_start[page + 1]
            have = np.zeros(self.ids[page], dtype=np.int64)
            spans = [self.words[self.word_start[b]:self.word_start[b + 1]] for b in range(first, last) if chosen[b]]
            if spans:
                have = np.bincount(np.concatenate(spans), minlength=self.ids[page])
            wanted = self.wanted[self.id_start[page]:self.id_start[page + 1]]
            common = np.minimum(have, wanted).sum()
            if common > 0:
                precision, recall = common / have.sum(), common / wanted.sum()
                out[page] = 2 * precision * recall / (precision + recall), precision, recall
        return out


def choose(corpus, score, powers=None):
    """The blocks whose expected F1 is best: those most likely, as long as each helps. `powers` sharpen or soften a page's scores."""
    chosen = np.zeros(len(score), dtype=bool)
    words = np.maximum(corpus.word_count, 0).astype(float)
    for page in range(corpus.count):
        first, last = corpus.block_start[page], corpus.block_start[page + 1]
        if first == last:
            continue
        p, w = score[first:last], words[first:last]
        if powers is not None:
            p = p ** powers[page]
        order = np.argsort(-p, kind="stable")
        gain = np.cumsum((p * w)[order])
        size = np.cumsum(w[order])
        expected = gain / (size + gain[-1] + 1e-9)
        cut = p[order][int(np.argmax(expected))]
        chosen[first:last] = p >= cut
    return chosen


def best_powers(corpus, score, pages):
    """For each type the power that serves its pages best, drawn towards 1: there are few pages of each."""
    grid = [0.7, 0.85, 1.0, 1.15, 1.3, 1.5]
    f1 = np.array([corpus.f1(choose(corpus, score, np.full(corpus.count, power)))[:, 0] for power in grid])
    best = []
    for at in range(len(TYPES)):
        mask = pages & corpus.is_judged & (corpus.types == at)
        best.append(grid[int(np.argmax(f1[:, mask].mean(axis=1)))])
    return (1 + 0.6 * (np.array(best) - 1)).astype(np.float32)


def report(corpus, chosen, label):
    f1 = corpus.f1(chosen)
    judged = corpus.is_judged
    line = [f"{label}: F1 {f1[judged, 0].mean():.4f} P {f1[judged, 1].mean():.4f} R {f1[judged, 2].mean():.4f}"]
    for at, name in enumerate(TYPES):
        mask = judged & (corpus.types == at)
        line.append(f"{name} {f1[mask, 0].mean():.3f}")
    print("  ".join(line), f"below half {(f1[judged, 0] < 0.5).sum()}", flush=True)
    return f1
