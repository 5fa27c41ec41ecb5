/** Other extractors, each as a function from a page to what it takes for the main content. */
import { MillraceError } from "@millrace/core";
import type { PeerExtract } from "./answer.ts";
import { openDefuddle } from "./defuddle.ts";
import { openExtractus } from "./extractus.ts";
import { peerVersion } from "./installed.ts";
import { openReadability } from "./readability.ts";
import { openTrafilatura } from "./trafilatura.ts";
import { openTurndown } from "./turndown.ts";

type PeerEntry = {
  /** Packages whose versions belong to the figures. */
  readonly packages: readonly string[];
  /** `directory` holds node_modules; default: this folder. */
  readonly open: (directory?: string) => PeerExtract | Promise<PeerExtract>;
};

const PEERS = {
  trafilatura: {
    packages: ["trafilatura-linux-x64-gnu"],
    open: (directory) => openTrafilatura("html", directory),
  },
  "trafilatura-text": {
    packages: ["trafilatura-linux-x64-gnu"],
    open: (directory) => openTrafilatura("text", directory),
  },
  "readability-linkedom": {
    packages: ["@mozilla/readability", "linkedom"],
    open: (directory) => openReadability("linkedom", directory),
  },
  "readability-jsdom": {
    packages: ["@mozilla/readability", "jsdom"],
    open: (directory) => openReadability("jsdom", directory),
  },
  defuddle: { packages: ["defuddle", "linkedom"], open: openDefuddle },
  extractus: { packages: ["@extractus/article-extractor", "linkedom"], open: openExtractus },
  "readability-turndown": {
    packages: ["@mozilla/readability", "linkedom", "turndown"],
    open: (directory) => openTurndown("readability", directory),
  },
  turndown: { packages: ["turndown"], open: (directory) => openTurndown("body", directory) },
} as const satisfies Record<string, PeerEntry>;

export type PeerName = keyof typeof PEERS;

export const PEER_NAMES = Object.keys(PEERS) as readonly PeerName[];

export type OpenedPeer = { readonly extract: PeerExtract; readonly versions: Readonly<Record<string, string>> };

/** `unavailable` when a package is missing, with the command that installs it. */
export async function openPeer(name: PeerName, directory?: string): Promise<OpenedPeer> {
  const entry: PeerEntry = PEERS[checkPeerName(name)];
  const versions = Object.fromEntries(entry.packages.map((one) => [one, peerVersion(one, directory)]));
  return { extract: await entry.open(directory), versions };
}

/** `invalid_argument` for a name that no peer has. */
export function checkPeerName(name: string): PeerName {
  const found = PEER_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  throw new MillraceError("invalid_argument", `peer is ${name}; use one of ${PEER_NAMES.join(", ")}`);
}
