"""Learns what names and words say: logistic regressions on hashed words, written as the tables that the features read."""
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier
from corpus import NAME_BUCKETS, PAGE_BUCKETS, SEED, TEXT_BUCKETS, TYPES, starts


class LexiconTrainer:
    def __init__(self, corpus):
        self.corpus = corpus
        self.names = self._names()
        self.text = self._text()
        self.page = self._page()

    def _names(self):
        """Blocks × buckets: the names of a block's element and of all above it."""
        c = self.corpus
        own = sparse.csr_matrix(
            (np.ones(len(c.names), dtype=np.float32), c.names, starts(c.name_count)),
            shape=(len(c.name_count), NAME_BUCKETS),
        )
        rows, cols = [], []
        at = c.element.copy()
        row = np.arange(len(at))
        while len(row):
            rows.append(row)
            cols.append(at)
            up = c.parent[at]
            row, at = row[up >= 0], up[up >= 0]
        rows, cols = np.concatenate(rows), np.concatenate(cols)
        above = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), (rows, cols)), shape=(len(c.element), len(c.name_count))
        )
        return (above @ own).tocsr()

    def _text(self):
        c = self.corpus
        scale = 1 / np.sqrt(np.maximum(1, c.text_count))
        values = np.repeat(scale, c.text_count).astype(np.float32)
        return sparse.csr_matrix((values, c.text, starts(c.text_count)), shape=(len(c.text_count), TEXT_BUCKETS))

    def _page(self):
        """Pages × buckets: which words a page has, its own and its elements' names."""
        c = self.corpus
        name_start = starts(c.name_count)[c.element_start]
        rows, cols = [], []
        for page in range(c.count):
            own = c.page_words[c.page_word_start[page]:c.page_word_start[page + 1]]
            names = c.page_names[name_start[page]:name_start[page + 1]]
            words = np.unique(np.concatenate([own, names]))
            rows.append(np.full(len(words), page))
            cols.append(words)
        rows, cols = np.concatenate(rows), np.concatenate(cols)
        return sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, cols)), shape=(c.count, PAGE_BUCKETS))

    def types_of(self, table):
        """Pages × types: the probabilities that a table gives."""
        weights = table[NAME_BUCKETS + TEXT_BUCKETS:-len(TYPES)].reshape(len(TYPES), -1)
        margin = self.page @ weights.T + table[-len(TYPES):]
        odds = np.exp(margin - margin.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def train(self, pages):
        """The table learned from the pages of a mask: names, text, page words a type, intercepts."""
        c = self.corpus
        rows = np.flatnonzero(c.blocks_of(pages & c.is_judged))
        weight = np.sqrt(c.weight[rows])
        weight = weight / weight.mean()
        out = []
        for matrix, alpha in ((self.names, 2e-5), (self.text, 1e-5)):
            model = SGDClassifier(loss="log_loss", alpha=alpha, max_iter=6, tol=None, random_state=SEED, average=True)
            model.fit(matrix[rows], c.keep[rows], sample_weight=weight)
            out.append(model.coef_[0])
        types = LogisticRegression(C=0.15, max_iter=300)
        chosen = np.flatnonzero(pages)
        types.fit(self.page[chosen], c.types[chosen])
        assert list(types.classes_) == list(range(len(TYPES)))
        out.append(types.coef_.ravel())
        out.append(types.intercept_)
        return np.concatenate([quantized(part)[0] for part in out[:2]] + [split_types(out[2])] + [out[3]]).astype(np.float32)


def quantized(weights):
    """The weights as the model file holds them, one signed byte each, and those bytes with their scale. The largest are cut off."""
    scale = np.float32(max(np.quantile(np.abs(weights), 0.9995), 1e-6) / 127)
    steps = np.clip(np.round(weights / scale), -127, 127).astype(np.int8)
    return steps.astype(np.float32) * scale, steps, scale


def split_types(weights):
    return np.concatenate([quantized(row)[0] for row in weights.reshape(len(TYPES), -1)])
