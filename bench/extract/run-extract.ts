/**
 * Judges our extractor and its peers over the same pages. Each page goes to one after the other, in an order that turns from page to
 * page, so that a slow spell of the machine is shared out; only one works at a time.
 */
import { decodeText } from "@millrace/extract/in-place";
import { peakRssBytes } from "./cpu-time.ts";
import { WARM_UP_CALLS, WARM_UP_MS } from "./limits.ts";
import { type FieldFigures, type FieldName, MetadataAccuracy } from "./metadata-accuracy.ts";
import type { OwnExtract } from "./own-extractor.ts";
import { type PageOutcome, type PageScore, scorePage } from "./page-score.ts";
import type { JudgedPage, PageSet } from "./page-set.ts";
import { PeerProcess } from "./peer-process.ts";
import type { PeerName } from "./peers/peer.ts";
import { plainTextOf } from "./plain-text.ts";
import { type Comparison, compare, type ExtractorFigures, summarize } from "./summary.ts";
import type { TrainedOn } from "./training-pages.ts";

/** For pages that come without one; some peers demand it. */
const NO_ADDRESS = "https://example.com/";

export type ExtractRun = {
  readonly set: PageSet;
  readonly peers: readonly PeerName[];
  /** Of the bootstrap. */
  readonly seed: number;
  readonly own: OwnExtract;
  /** Pages that the judged model was trained on; they are counted. */
  readonly trainedOn?: TrainedOn | undefined;
  readonly onPage?: (done: number, total: number) => void;
};

export type PeerFigures = ExtractorFigures & Comparison & { readonly versions: Readonly<Record<string, string>> };

export type ExtractResult = ExtractorFigures & {
  /** Pages that were read, those with an empty truth included. */
  readonly pagesRead: number;
  /** Pages that were left out, having no truth. */
  readonly unmatched: number;
  /** How many of the pages, or of their domains, the judged model was trained on. */
  readonly trainedOn: number;
  readonly metadata: Readonly<Record<FieldName, FieldFigures>>;
  readonly peers: Readonly<Record<string, PeerFigures>>;
};

export type ExtractOutcome = {
  readonly result: ExtractResult;
  /** Ours, page by page. */
  readonly scores: readonly PageScore[];
  readonly peerScores: Readonly<Record<string, readonly PageScore[]>>;
};

/** `unavailable` when a peer cannot be started. */
export async function runExtract(run: ExtractRun): Promise<ExtractOutcome> {
  await using stack = new AsyncDisposableStack();
  const peers: PeerContender[] = [];
  for (const name of run.peers) peers.push(new PeerContender(stack.use(await PeerProcess.start(name))));
  const own = new OwnContender(run.own);
  await warmUp(run, [own, ...peers]);
  let [bytesRead, trainedOn] = [0, 0];
  for (const [at, page] of run.set.pages.entries()) {
    const bytes = page.read();
    bytesRead += bytes.length;
    if (run.trainedOn?.holds(page, bytes)) trainedOn++;
    await judge(turned([own, ...peers], at), page, bytes);
    run.onPage?.(at + 1, run.set.pages.length);
  }
  const figures = ({ scores }: Contender, peak: number) =>
    summarize(scores, { bytes: bytesRead, peakRssBytes: peak, seed: run.seed });
  const peerFigures = peers.map((peer): [string, PeerFigures] => {
    const { name, versions, peakRssBytes: peak } = peer.process;
    return [name, { ...figures(peer, peak), ...compare(own.scores, peer.scores, run.seed), versions }];
  });
  const result: ExtractResult = {
    ...figures(own, peakRssBytes()),
    pagesRead: run.set.pages.length,
    unmatched: run.set.unmatched,
    trainedOn,
    metadata: own.metadata.figures(),
    peers: Object.fromEntries(peerFigures),
  };
  const peerScores = Object.fromEntries(peers.map((peer) => [peer.process.name, peer.scores]));
  return { result, scores: own.scores, peerScores };
}

interface Contender {
  readonly scores: PageScore[];
  readonly metadata?: MetadataAccuracy;
  extract(page: JudgedPage, bytes: Uint8Array): PageOutcome | Promise<PageOutcome>;
}

class OwnContender implements Contender {
  readonly scores: PageScore[] = [];
  readonly metadata = new MetadataAccuracy();
  readonly #extract: OwnExtract;

  constructor(extract: OwnExtract) {
    this.#extract = extract;
  }

  extract({ id, url }: JudgedPage, bytes: Uint8Array): PageOutcome {
    const { document, cpuMs, reason } = this.#extract({ id, url, bytes });
    const { title, byline, published } = document ?? {};
    return { text: document?.text ?? "", cpuMs, failure: reason, fields: { title, author: byline, published } };
  }
}

class PeerContender implements Contender {
  readonly scores: PageScore[] = [];
  readonly process: PeerProcess;

  constructor(process: PeerProcess) {
    this.process = process;
  }

  async extract({ url = NO_ADDRESS }: JudgedPage, bytes: Uint8Array): Promise<PageOutcome> {
    const html = decodeText(bytes, { isHtml: true });
    const { answer, cpuMs, reason } = await this.process.extract({ html, url });
    return { text: plainTextOf(answer), cpuMs, failure: reason };
  }
}

/** Round and round the set, until code is compiled. */
async function warmUp({ set }: ExtractRun, contenders: readonly Contender[]): Promise<void> {
  for (const contender of contenders) {
    const startedMs = performance.now();
    for (let call = 0; call < WARM_UP_CALLS && performance.now() - startedMs < WARM_UP_MS; call++) {
      const page = set.pages[call % set.pages.length];
      if (page) await contender.extract(page, page.read());
    }
  }
}

async function judge(contenders: readonly Contender[], page: JudgedPage, bytes: Uint8Array): Promise<void> {
  for (const contender of contenders) {
    const outcome = await contender.extract(page, bytes);
    contender.scores.push(scorePage(page, outcome));
    contender.metadata?.add(outcome.fields ?? {}, page.truth);
  }
}

/** The same order, beginning with another. */
function turned<Item>(items: readonly Item[], by: number): Item[] {
  const from = by % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}
