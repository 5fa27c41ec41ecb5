// Gradient-boosted trees over binned features: leaf-wise growth, Newton steps of the logistic loss, histograms with subtraction.
// Deterministic for a seed. Used by train.py only; the product evaluates the trees in TypeScript.
//
//   boost BINS.u8 LABELS.f32 WEIGHTS.f32 ROWS FEATURES OUT.trees SCORES.f32 [key=value …]
//
// Rows of weight 0 are not learned from; SCORES gets the margin of every row. Source of the method: Friedman 2001; Chen and
// Guestrin 2016 (second-order gain); Ke et al. 2017 (leaf-wise growth).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

struct Options {
  int rounds = 200, leaves = 24, seed = 1, bins = 64, fold = -1;
  float eta = 0.1f, lambda = 5, minHessian = 1, rows = 0.7f, columns = 0.3f;
};

struct Cell { float gradient, hessian; };
struct Split { float gain = 0; int feature = -1, bin = 0; };
struct Node { int feature = -1, bin = 0, left = -1, right = -1; float value = 0; };
struct Leaf { int node, begin, end; double gradient, hessian; Split best; std::vector<Cell> histogram; };

static std::vector<uint8_t> bins;
static int rows, features;

template <class T> static std::vector<T> load(const char* path, size_t count) {
  std::vector<T> data(count);
  FILE* file = fopen(path, "rb");
  if (!file || fread(data.data(), sizeof(T), count, file) != count) { fprintf(stderr, "cannot read %s\n", path); exit(1); }
  fclose(file);
  return data;
}

static float gainOf(double gradient, double hessian, const Options& o) { return gradient * gradient / (hessian + o.lambda); }

static void build(Leaf& leaf, const std::vector<int>& order, const std::vector<Cell>& cells, const std::vector<int>& columns, int binCount) {
  leaf.histogram.assign(columns.size() * binCount, Cell{0, 0});
  Cell* histogram = leaf.histogram.data();
  for (int at = leaf.begin; at < leaf.end; at++) {
    const int row = order[at];
    const uint8_t* values = &bins[(size_t)row * features];
    const Cell cell = cells[row];
    for (size_t column = 0; column < columns.size(); column++) {
      Cell& sum = histogram[column * binCount + values[columns[column]]];
      sum.gradient += cell.gradient;
      sum.hessian += cell.hessian;
    }
  }
}

static void findSplit(Leaf& leaf, const std::vector<int>& columns, const Options& o) {
  leaf.best = Split{};
  const float parent = gainOf(leaf.gradient, leaf.hessian, o);
  for (size_t column = 0; column < columns.size(); column++) {
    double gradient = 0, hessian = 0;
    const Cell* cells = &leaf.histogram[column * o.bins];
    for (int bin = 0; bin + 1 < o.bins; bin++) {
      gradient += cells[bin].gradient;
      hessian += cells[bin].hessian;
      if (hessian < o.minHessian) continue;
      const double rest = leaf.hessian - hessian;
      if (rest < o.minHessian) break;
      const float gain = gainOf(gradient, hessian, o) + gainOf(leaf.gradient - gradient, rest, o) - parent;
      if (gain > leaf.best.gain) leaf.best = Split{gain, columns[column], bin};
    }
  }
}

static std::vector<Node> grow(std::vector<int>& order, const std::vector<Cell>& cells, const std::vector<int>& columns, const Options& o) {
  std::vector<Node> nodes(1);
  std::vector<Leaf> leaves(1);
  Leaf& root = leaves[0];
  root.node = 0; root.begin = 0; root.end = (int)order.size(); root.gradient = root.hessian = 0;
  for (int row : order) { root.gradient += cells[row].gradient; root.hessian += cells[row].hessian; }
  build(root, order, cells, columns, o.bins);
  findSplit(root, columns, o);
  while ((int)leaves.size() < o.leaves) {
    int best = -1;
    for (int at = 0; at < (int)leaves.size(); at++)
      if (leaves[at].best.feature >= 0 && (best < 0 || leaves[at].best.gain > leaves[best].best.gain)) best = at;
    if (best < 0) break;
    Leaf parent = std::move(leaves[best]);
    const Split split = parent.best;
    auto middle = std::stable_partition(order.begin() + parent.begin, order.begin() + parent.end,
        [&](int row) { return bins[(size_t)row * features + split.feature] <= split.bin; });
    const int cut = (int)(middle - order.begin());
    Leaf left, right;
    left.begin = parent.begin; left.end = cut; right.begin = cut; right.end = parent.end;
    left.gradient = left.hessian = 0;
    for (int at = left.begin; at < left.end; at++) { left.gradient += cells[order[at]].gradient; left.hessian += cells[order[at]].hessian; }
    right.gradient = parent.gradient - left.gradient; right.hessian = parent.hessian - left.hessian;
    const bool isLeftSmall = left.end - left.begin < right.end - right.begin;
    Leaf& small = isLeftSmall ? left : right;
    Leaf& large = isLeftSmall ? right : left;
    build(small, order, cells, columns, o.bins);
    large.histogram = std::move(parent.histogram);
    for (size_t at = 0; at < large.histogram.size(); at++) {
      large.histogram[at].gradient -= small.histogram[at].gradient;
      large.histogram[at].hessian -= small.histogram[at].hessian;
    }
    findSplit(left, columns, o);
    findSplit(right, columns, o);
    left.node = (int)nodes.size(); right.node = left.node + 1;
    nodes.resize(nodes.size() + 2);
    Node& node = nodes[parent.node];
    node.feature = split.feature; node.bin = split.bin; node.left = left.node; node.right = right.node;
    leaves[best] = std::move(left);
    leaves.push_back(std::move(right));
  }
  for (const Leaf& leaf : leaves) nodes[leaf.node].value = (float)(-o.eta * leaf.gradient / (leaf.hessian + o.lambda));
  return nodes;
}

static Options parse(int count, char** arguments) {
  Options o;
  for (int at = 8; at < count; at++) {
    const std::string text = arguments[at];
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    const double value = atof(text.c_str() + equals + 1);
    if (key == "rounds") o.rounds = (int)value; else if (key == "leaves") o.leaves = (int)value;
    else if (key == "seed") o.seed = (int)value; else if (key == "bins") o.bins = (int)value;
    else if (key == "eta") o.eta = (float)value; else if (key == "lambda") o.lambda = (float)value;
    else if (key == "minHessian") o.minHessian = (float)value; else if (key == "rows") o.rows = (float)value;
    else if (key == "columns") o.columns = (float)value; else if (key == "fold") o.fold = (int)value;
    else { fprintf(stderr, "unknown option %s\n", key.c_str()); exit(1); }
  }
  return o;
}

int main(int count, char** arguments) {
  if (count < 8) { fprintf(stderr, "boost BINS LABELS WEIGHTS ROWS FEATURES OUT SCORES [key=value …]\n"); return 1; }
  rows = atoi(arguments[4]); features = atoi(arguments[5]);
  const Options o = parse(count, arguments);
  bins = load<uint8_t>(arguments[1], (size_t)rows * features);
  const auto labels = load<float>(arguments[2], rows);
  const auto weights = load<float>(arguments[3], rows);
  std::vector<int> learned;
  double positive = 0, all = 0;
  for (int row = 0; row < rows; row++)
    if (weights[row] > 0) { learned.push_back(row); positive += weights[row] * labels[row]; all += weights[row]; }
  const float base = (float)std::log(positive / (all - positive));
  std::vector<float> margin(rows, base);
  std::vector<Cell> cells(rows);
  std::mt19937 random(o.seed);
  FILE* out = fopen(arguments[6], "wb");
  fwrite(&base, 4, 1, out);
  std::vector<int> everyColumn(features);
  std::iota(everyColumn.begin(), everyColumn.end(), 0);
  for (int round = 0; round < o.rounds; round++) {
    std::vector<int> order;
    const uint32_t limit = (uint32_t)(o.rows * 4294967295.0);
    for (int row : learned) {
      if (random() > limit) continue;
      const float p = 1 / (1 + std::exp(-margin[row]));
      cells[row] = Cell{weights[row] * (p - labels[row]), weights[row] * std::max(p * (1 - p), 1e-6f)};
      order.push_back(row);
    }
    std::vector<int> columns = everyColumn;
    for (int at = features - 1; at > 0; at--) std::swap(columns[at], columns[random() % (at + 1)]);
    columns.resize(std::max(1, (int)(features * o.columns)));
    std::sort(columns.begin(), columns.end());
    const auto nodes = grow(order, cells, columns, o);
    for (int row = 0; row < rows; row++) {
      int node = 0;
      const uint8_t* values = &bins[(size_t)row * features];
      while (nodes[node].feature >= 0) node = values[nodes[node].feature] <= nodes[node].bin ? nodes[node].left : nodes[node].right;
      margin[row] += nodes[node].value;
    }
    const int size = (int)nodes.size();
    fwrite(&size, 4, 1, out);
    fwrite(nodes.data(), sizeof(Node), nodes.size(), out);
  }
  fclose(out);
  FILE* scores = fopen(arguments[7], "wb");
  fwrite(margin.data(), 4, rows, scores);
  fclose(scores);
  return 0;
}
